/*
 * regular.c -- regular files: bytes in pages of a backing, or still where the initrd has them.
 *
 * A file that came with the initrd has no memory of its own: it is read where the loader put it,
 * and who maps it gets a backing whose source copies from there.  From the first write on, or when
 * it is mapped shared by who may write, contents are the backing's (`own`), and the source stands
 * for the pages that nobody has touched yet.  A file made here has a backing from its first write.
 *
 * What is the backing's is read, written and cut by one thread at a time (`turn`), so that
 * appending appends, and a read sees all of a write or nothing; what is still the initrd's is read
 * by anybody at any time.  A page that has no bytes yet is charged to the mount before it is asked
 * for.
 *
 * Always true: where `own` is 0, the contents are given->at[0 .. size); what of `given` counts
 * never grows, so what was cut off does not come back; pages behind the size are in no backing, and
 * behind the size in its last page are zeroes, but for what who has it mapped wrote there.
 *
 * Who has mapped what is cut off loses it (vm_unmap), and finds SIGBUS there.
 *
 * Limits: pages that somebody made by touching a mapping of a hole are not charged.
 * Locks: turn (a mutex); the backing's inside.  Cost: each page O(levels of its row) and the copy.
 */
#include "kernel/file/regular_inside.h"

/* --- what was given --------------------------------------------------------------------------- */

struct given *given_create(struct file_tree *t, const uint8_t *at, uint64_t bytes)
{
	struct given *g = kmalloc_alloc(tree_memory(t), sizeof *g, 0, SITE_NONE);

	if (g != NULL)
		*g = (struct given){
			.memory = tree_memory(t), .at = at, .bytes = bytes, .holders = 1
		};
	return g;
}

/* Under whatever lock who drops a backing has. */
static void given_drop(void *context)
{
	struct given *g = context;
	const uint32_t was = atomic_fetch_add_u32(&g->holders, UINT32_MAX);

	ASSERT(was != 0);
	if (was != 1) return;
	const enum kmalloc_verdict v = kmalloc_free(g->memory, g);
	ASSERT(v == KMALLOC_FREED);
}

static bool given_fill(void *context, uint64_t index, void *page)
{
	const struct given *g = context;
	const uint64_t counts = atomic_load_u64(&g->bytes), from = index << PAGE_SHIFT;
	const uint64_t bytes = min_u64(sub_or_zero(counts, from), PAGE_SIZE);

	memcpy(page, g->at + (bytes == 0 ? 0 : from), bytes);
	memset((uint8_t *)page + bytes, 0, PAGE_SIZE - bytes);
	return true;
}

void regular_end(struct node *n)
{
	struct node_regular *r = &n->regular;

	if (r->backing != NULL) backing_drop(r->backing);
	if (r->given != NULL) given_drop(r->given);
	atomic_fetch_add_u32(&n->mount->pages, 0u - r->pages);
}

bool node_give(struct node *n, const uint8_t *at, uint64_t bytes)
{
	ASSERT(node_kind(n) == S_IFREG && n->ops == NULL);
	ASSERT(n->regular.given == NULL && n->regular.own == 0 && n->size == 0);
	n->regular.given = given_create(n->tree, at, bytes);
	if (n->regular.given == NULL) return false;
	atomic_store_u64(&n->size, bytes);
	return true;
}

/* --- its backing ------------------------------------------------------------------------------ */

/* Sees to it that there is one; in turn.  False without memory. */
static bool regular_back(struct node *n)
{
	struct node_regular *r = &n->regular;
	const struct backing_source source = { .fill = given_fill,
					       .release = given_drop,
					       .context = r->given };

	if (r->backing != NULL) return true;
	if (r->given != NULL) atomic_fetch_add_u32(&r->given->holders, 1);
	struct backing *b =
		backing_create(world_of(n)->vm->backings, r->given != NULL ? &source : NULL,
			       pages_of_bytes(n->size), SITE_NONE);
	if (b == NULL && r->given != NULL) given_drop(r->given);
	r->backing = b;
	return b != NULL;
}

static bool mount_charge(struct mount *m)
{
	if (atomic_fetch_add_u32(&m->pages, 1) < m->pages_most) return true;
	atomic_fetch_add_u32(&m->pages, UINT32_MAX);
	return false;
}

int regular_page(struct node *n, uint64_t index, paddr_t *pa)
{
	struct backing *b = n->regular.backing;
	const bool fresh = !backing_has(b, index);

	if (fresh && !mount_charge(n->mount)) return -ERR_NOSPC;
	n->regular.pages += fresh;
	if ((index < pages_of_bytes(n->size) || backing_resize(b, index + 1, SITE_NONE)) &&
	    backing_page(b, index, BACKING_WRITE, SITE_NONE, pa) == BACKING_DONE)
		return 0;
	n->regular.pages -= fresh;
	if (fresh) atomic_fetch_add_u32(&n->mount->pages, UINT32_MAX);
	return -ERR_NOMEM;
}

void regular_shorten(struct node *n, uint64_t pages)
{
	struct backing *b = n->regular.backing;
	const bool done = backing_resize(b, pages, SITE_NONE);

	ASSERT(done); /* smaller takes no memory */
	vm_unmap(world_of(n)->vm, b, pages, UINT64_MAX, PADDR_NONE);
}

/* --- reading ---------------------------------------------------------------------------------- */

/* From one page, at `at`; how many bytes went. */
static size_t regular_read_page(struct node *n, struct io *to, uint64_t at, size_t bytes)
{
	struct node_regular *r = &n->regular;
	const uint64_t index = at >> PAGE_SHIFT, offset = at & (PAGE_SIZE - 1);
	paddr_t pa;

	if (!backing_has(r->backing, index)) {
		const uint64_t given = r->given == NULL ? 0 : atomic_load_u64(&r->given->bytes);
		if (at >= given) return io_zero(to, bytes);
		return io_put(to, r->given->at + at, min_u64(bytes, given - at));
	}
	if (backing_page(r->backing, index, 0, SITE_NONE, &pa) != BACKING_DONE)
		return io_zero(to, bytes); /* it was cut off, or given back, this moment */
	const size_t moved = io_put(to, (const uint8_t *)mach_phys(pa) + offset, bytes);
	user_page_drop(world_of(n)->vm->pages, pa);
	return moved;
}

/* Of contents that are the backing's; in turn. */
static uint64_t regular_read_own(struct node *n, struct io *to, uint64_t at)
{
	const uint64_t want = min_u64(to->left, sub_or_zero(n->size, at));
	uint64_t done = 0;

	while (done < want && !to->faulted) {
		const uint64_t from = at + done;
		const size_t rest = PAGE_SIZE - (from & (PAGE_SIZE - 1));
		done += regular_read_page(n, to, from, min_u64(rest, want - done));
	}
	return done;
}

/* As they came, which nobody changes: if the file is not its own meanwhile, this is what it was
 * when the call began. */
static uint64_t regular_read_given(struct node *n, struct io *to, uint64_t at)
{
	const struct given *g = n->regular.given;
	const uint64_t bytes = g == NULL ? 0 : atomic_load_u64(&g->bytes);

	return at >= bytes ? 0 : io_put(to, g->at + at, min_u64(to->left, bytes - at));
}

static int64_t regular_read(struct file *f, struct io *to, uint64_t *at)
{
	struct node *n = f->node;
	uint64_t done;

	if (atomic_load_u32(&n->regular.own) == 0) {
		done = regular_read_given(n, to, *at);
	} else {
		if (!file_turn_take(f->world, &n->regular.turn)) return -ERR_INTR;
		done = regular_read_own(n, to, *at);
		file_turn_end(f->world, &n->regular.turn);
	}
	*at += done;
	if ((atomic_load_u32(&f->flags) & O_NOATIME) == 0) node_accessed(n);
	return io_answer(to, done);
}

/* --- writing ---------------------------------------------------------------------------------- */

void regular_touched(struct node *n)
{
	const uint64_t now = tree_now(n->tree);
	const mach_irq_t was = lock_take(&n->tree->lock);

	node_modified_locked(n, now);
	lock_drop(&n->tree->lock, was);
}

bool regular_own(struct node *n)
{
	if (!regular_back(n)) return false;
	atomic_store_u32(&n->regular.own, 1);
	return true;
}

/* To one page; how many bytes went, or an error. */
static int64_t regular_write_page(struct node *n, struct io *from, uint64_t at, size_t bytes)
{
	const uint64_t index = at >> PAGE_SHIFT;
	paddr_t pa;

	/* Before the file has the page: the bytes may be asked of a mapping of just that, and a
	 * hole stays one where there are none. */
	if (!backing_has(n->regular.backing, index) && !io_is_there(from)) return 0;
	const int error = regular_page(n, index, &pa);
	if (error != 0) return error;
	uint8_t *to = (uint8_t *)mach_phys(pa) + (at & (PAGE_SIZE - 1));
	const size_t moved = io_get(from, to, bytes);
	user_page_drop(world_of(n)->vm->pages, pa);
	if (at + moved > n->size && moved != 0) atomic_store_u64(&n->size, at + moved);
	return (int64_t)moved;
}

static int64_t regular_write_all(struct node *n, struct io *from, uint64_t *at)
{
	int64_t done = 0, moved = 1;

	const uint64_t most = min_u64(FILE_BYTES_MAX, from->most);

	if (from->left == 0) return 0;
	from->beyond = *at >= from->most;
	if (*at >= most) return -ERR_FBIG;
	if (!regular_own(n)) return -ERR_NOMEM;
	const uint64_t want = min_u64(from->left, most - *at);
	while ((uint64_t)done < want && moved > 0 && !from->faulted) {
		const uint64_t to = *at + (uint64_t)done;
		const size_t rest = PAGE_SIZE - (to & (PAGE_SIZE - 1));
		moved = regular_write_page(n, from, to, min_u64(rest, want - (uint64_t)done));
		if (moved > 0) done += moved;
	}
	/* Was a page got that not a byte came into?  No more pages than the size has. */
	if (moved <= 0) regular_shorten(n, pages_of_bytes(n->size));
	*at += (uint64_t)done;
	if (done == 0) return moved < 0 ? moved : -ERR_FAULT;
	regular_touched(n);
	return done;
}

static int64_t regular_write(struct file *f, struct io *from, uint64_t *at)
{
	struct node *n = f->node;

	if (from->left == 0) return 0; /* and the offset stays, though it be opened to append */
	if (!file_turn_take(f->world, &n->regular.turn)) return -ERR_INTR;
	uint64_t to = (atomic_load_u32(&f->flags) & O_APPEND) != 0 ? n->size : *at;
	const int64_t answer = regular_write_all(n, from, &to);
	file_turn_end(world_of(n), &n->regular.turn);
	if (answer > 0) *at = to;
	return answer;
}

/* --- another size ----------------------------------------------------------------------------- */

void regular_recharge(struct node *n)
{
	const uint64_t there = backing_resident(n->regular.backing);

	if (there >= n->regular.pages) return;
	atomic_fetch_add_u32(&n->mount->pages, (uint32_t)there - n->regular.pages);
	n->regular.pages = (uint32_t)there;
}

bool regular_zero(struct node *n, uint64_t from, uint64_t end)
{
	const uint64_t index = from >> PAGE_SHIFT, offset = from & (PAGE_SIZE - 1);
	paddr_t pa;

	if (from >= end || !backing_has(n->regular.backing, index)) return true;
	ASSERT(end - from <= PAGE_SIZE - offset);
	if (backing_page(n->regular.backing, index, BACKING_WRITE, SITE_NONE, &pa) != BACKING_DONE)
		return false;
	memset((uint8_t *)mach_phys(pa) + offset, 0, end - from);
	user_page_drop(world_of(n)->vm->pages, pa);
	return true;
}

static int regular_cut(struct node *n, uint64_t bytes)
{
	struct node_regular *r = &n->regular;

	/* Zeroes behind the end in the last page, so that nothing old shows when it grows again. */
	if (!regular_own(n) || !regular_zero(n, bytes, align_up(bytes, PAGE_SIZE)))
		return -ERR_NOMEM;
	if (r->given != NULL && bytes < r->given->bytes) atomic_store_u64(&r->given->bytes, bytes);
	atomic_store_u64(&n->size, bytes);
	regular_shorten(n, pages_of_bytes(bytes));
	regular_recharge(n);
	return 0;
}

static int regular_grow(struct node *n, uint64_t bytes)
{
	if (!regular_own(n)) return -ERR_NOMEM;
	if (!backing_resize(n->regular.backing, pages_of_bytes(bytes), SITE_NONE))
		return -ERR_NOMEM;
	atomic_store_u64(&n->size, bytes);
	return 0;
}

int node_truncate(struct node *n, uint64_t bytes)
{
	int error = 0;

	if (node_is_folder(n)) return -ERR_ISDIR;
	if (node_kind(n) != S_IFREG || n->ops != NULL) return -ERR_INVAL;
	if (bytes > FILE_BYTES_MAX) return -ERR_FBIG;
	if (!file_turn_take(world_of(n), &n->regular.turn)) return -ERR_INTR;
	if (bytes < n->size)
		error = regular_cut(n, bytes);
	else if (bytes > n->size)
		error = regular_grow(n, bytes);
	file_turn_end(world_of(n), &n->regular.turn);
	if (error == 0) regular_touched(n);
	return error;
}

static int regular_truncate(struct file *f, uint64_t bytes)
{
	return node_truncate(f->node, bytes);
}

/* --- mapping ---------------------------------------------------------------------------------- */

static struct backing *regular_map(struct file *f, bool shared, int *error)
{
	struct node *n = f->node;
	struct backing *b = NULL;

	*error = -ERR_INTR;
	if (!file_turn_take(f->world, &n->regular.turn)) return NULL;
	*error = -ERR_NOMEM;
	const bool may_change = shared && file_may_write(f);
	if (may_change ? regular_own(n) : regular_back(n)) {
		b = n->regular.backing;
		backing_hold(b);
		*error = 0;
	}
	file_turn_end(world_of(n), &n->regular.turn);
	if (b != NULL && (atomic_load_u32(&f->flags) & O_NOATIME) == 0) node_accessed(n);
	return b;
}

const struct file_ops regular_ops = {
	.read = regular_read,
	.write = regular_write,
	.seek = regular_seek,
	.truncate = regular_truncate,
	.map = regular_map,
	.has_place = true,
};
