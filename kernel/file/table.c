/*
 * table.c -- descriptors.
 *
 * The slots are one block of memory: pointers, and two bits for each, taken and close-on-exec.  A
 * larger block is made with no lock held and put in place under it, if it is still the larger one;
 * the old one goes back, for nobody reads slots without the lock.
 *
 * The lowest free descriptor is found in the words of `taken`, from the first word that may have
 * one (`lowest`) on.
 *
 * Always true (file_table_check):
 *   D1  a slot that has a file is taken; what is to be closed by execve is taken;
 *   D2  no descriptor below `lowest` is free;
 *   D3  a slot's file has a reference that is the slot's.
 *
 * Locks: the table's (RANK_FILES); files are dropped, and memory is got and given back, without it.
 * Cost: a look-up O(1); the lowest free one O(words); clone and exec O(descriptors).
 */
#include "kernel/file/table.h"

#include "kernel/file/file_lock.h"

enum { TABLE_FIRST = 64, WORD = 64 };

struct slots {
	uint32_t room; /* a multiple of WORD */
	uint32_t words;
	uint64_t *taken, *exec; /* bits: `words` of them each */
	struct file *file[];
};

struct file_table {
	struct kmalloc *memory;
	struct lock lock; /* RANK_FILES */
	uint32_t holders; /* atomic */
	uint32_t lowest GUARDED_BY(&lock);
	struct slots *slots GUARDED_BY(&lock);
};

static bool bit_of(const uint64_t *map, uint32_t n)
{
	return (map[n / WORD] >> n % WORD & 1) != 0;
}

static void bit_put(uint64_t *map, uint32_t n, bool on)
{
	const uint64_t bit = 1ull << n % WORD;

	map[n / WORD] = on ? map[n / WORD] | bit : map[n / WORD] & ~bit;
}

static void table_free(struct kmalloc *memory, void *p)
{
	const enum kmalloc_verdict v = kmalloc_free(memory, p);

	ASSERT(v == KMALLOC_FREED || v == KMALLOC_NOTHING);
}

/* A descriptor of `f` is no more: whatever the table's process has locked of that file is not
 * locked any more, as POSIX has it. */
static void table_drop(struct file_table *t, struct file *f)
{
	file_locks_end(f, t);
	file_drop(f);
}

static struct slots *slots_create(struct kmalloc *memory, uint32_t room)
{
	const uint32_t words = room / WORD;
	const size_t bytes = sizeof(struct slots) + room * sizeof(struct file *) + words * 16;
	struct slots *s = kmalloc_alloc(memory, bytes, KM_ZERO, SITE_NONE);

	ASSERT(room % WORD == 0 && room != 0);
	if (s == NULL) return NULL;
	s->room = room;
	s->words = words;
	s->taken = (uint64_t *)(void *)&s->file[room];
	s->exec = s->taken + words;
	return s;
}

static void slots_copy(struct slots *to, const struct slots *from)
{
	ASSERT(to->room >= from->room);
	memcpy(to->file, from->file, from->room * sizeof from->file[0]);
	memcpy(to->taken, from->taken, from->words * sizeof(uint64_t));
	memcpy(to->exec, from->exec, from->words * sizeof(uint64_t));
}

static struct file_table *table_make(struct kmalloc *memory, uint32_t room)
{
	struct file_table *t = kmalloc_alloc(memory, sizeof *t, KM_ZERO, SITE_NONE);

	if (t == NULL) return NULL;
	t->memory = memory;
	t->holders = 1;
	lock_init(&t->lock, RANK_FILES);
	t->slots = slots_create(memory, room);
	if (t->slots != NULL) return t;
	table_free(memory, t);
	return NULL;
}

struct file_table *file_table_create(struct kmalloc *memory)
{
	return table_make(memory, TABLE_FIRST);
}

bool file_table_is_own(const struct file_table *t)
{
	return atomic_load_u32(&t->holders) == 1;
}

struct file_table *file_table_hold(struct file_table *t)
{
	const uint32_t was = atomic_fetch_add_u32(&t->holders, 1);

	ASSERT(was != 0);
	return t;
}

void file_table_drop(struct file_table *t)
{
	const uint32_t was = atomic_fetch_add_u32(&t->holders, UINT32_MAX);

	ASSERT(was != 0);
	if (was != 1) return;
	file_table_close_range(t, 0, UINT32_MAX, false);
	table_free(t->memory, t->slots);
	table_free(t->memory, t);
}

/* --- growing ---------------------------------------------------------------------------------- */

/* Makes room for descriptor `fd`; false without memory.  No lock is held. */
static bool table_grow(struct file_table *t, uint32_t fd)
{
	uint32_t room = TABLE_FIRST;

	while (room <= fd) room *= 2;
	struct slots *larger = slots_create(t->memory, room);
	if (larger == NULL) return false;
	const mach_irq_t was = lock_take(&t->lock);
	struct slots *old = t->slots;
	if (old->room < room) {
		slots_copy(larger, old);
		t->slots = larger;
	} else {
		old = larger; /* somebody else was faster */
	}
	lock_drop(&t->lock, was);
	table_free(t->memory, old);
	return true;
}

/* --- taking a descriptor ---------------------------------------------------------------------- */

/* The lowest free one from `from` on; `room` when none is below. */
static uint32_t slots_lowest(const struct slots *s, uint32_t from)
{
	for (uint32_t w = from / WORD; w < s->words; w++) {
		uint64_t free = ~s->taken[w];
		if (w == from / WORD) free &= ~0ull << from % WORD;
		if (free != 0) return w * WORD + bit_lowest(free);
	}
	return s->room;
}

static void table_take_locked(struct file_table *t, uint32_t fd, bool close_on_exec)
	REQUIRES(&t->lock)
{
	ASSERT(!bit_of(t->slots->taken, fd) && t->slots->file[fd] == NULL);
	bit_put(t->slots->taken, fd, true);
	bit_put(t->slots->exec, fd, close_on_exec);
	if (fd == t->lowest) t->lowest = fd + 1;
}

int file_table_take(struct file_table *t, uint64_t from, uint64_t limit, bool close_on_exec)
{
	limit = min_u64(limit, TABLE_DESCRIPTORS_MAX);
	for (;;) {
		const mach_irq_t was = lock_take(&t->lock);
		const uint64_t start = max_u64(from, t->lowest);
		const uint64_t fd =
			start < t->slots->room ? slots_lowest(t->slots, (uint32_t)start) : start;
		const bool fits = fd < t->slots->room;
		if (fd < limit && fits) table_take_locked(t, (uint32_t)fd, close_on_exec);
		lock_drop(&t->lock, was);
		if (fd >= limit) return -ERR_MFILE;
		if (fits) return (int)fd;
		if (!table_grow(t, (uint32_t)fd)) return -ERR_NOMEM;
	}
}

void file_table_put(struct file_table *t, int fd, struct file *f)
{
	const mach_irq_t was = lock_take(&t->lock);

	ASSERT((uint32_t)fd < t->slots->room && bit_of(t->slots->taken, (uint32_t)fd));
	ASSERT(t->slots->file[fd] == NULL);
	t->slots->file[fd] = f;
	lock_drop(&t->lock, was);
}

static void table_free_locked(struct file_table *t, uint32_t fd) REQUIRES(&t->lock)
{
	t->slots->file[fd] = NULL;
	bit_put(t->slots->taken, fd, false);
	bit_put(t->slots->exec, fd, false);
	if (fd < t->lowest) t->lowest = fd;
}

void file_table_give_back(struct file_table *t, int fd)
{
	const mach_irq_t was = lock_take(&t->lock);

	ASSERT((uint32_t)fd < t->slots->room && bit_of(t->slots->taken, (uint32_t)fd));
	ASSERT(t->slots->file[fd] == NULL);
	table_free_locked(t, (uint32_t)fd);
	lock_drop(&t->lock, was);
}

int file_table_add(struct file_table *t, struct file *f, uint64_t from, uint64_t limit,
		   bool close_on_exec)
{
	const int fd = file_table_take(t, from, limit, close_on_exec);

	if (fd >= 0) file_table_put(t, fd, f);
	return fd;
}

int file_table_replace(struct file_table *t, int64_t fd, struct file *f, uint64_t limit,
		       bool close_on_exec)
{
	if (fd < 0 || (uint64_t)fd >= min_u64(limit, TABLE_DESCRIPTORS_MAX)) return -ERR_BADF;
	const uint32_t n = (uint32_t)fd;
	mach_irq_t was = lock_take(&t->lock);
	while (n >= t->slots->room) {
		lock_drop(&t->lock, was);
		if (!table_grow(t, n)) return -ERR_NOMEM;
		was = lock_take(&t->lock);
	}
	struct file *old = t->slots->file[n];
	const bool taken = old == NULL && bit_of(t->slots->taken, n);
	if (!taken) {
		if (old == NULL) table_take_locked(t, n, close_on_exec);
		t->slots->file[n] = f;
		bit_put(t->slots->exec, n, close_on_exec);
	}
	lock_drop(&t->lock, was);
	if (old != NULL) table_drop(t, old);
	return taken ? -ERR_BUSY : (int)n;
}

/* --- using and closing ------------------------------------------------------------------------ */

static struct file *table_at_locked(struct file_table *t, int64_t fd) REQUIRES(&t->lock)
{
	return fd >= 0 && fd < (int64_t)t->slots->room ? t->slots->file[fd] : NULL;
}

struct file *file_table_get(struct file_table *t, int64_t fd)
{
	const mach_irq_t was = lock_take(&t->lock);
	struct file *f = table_at_locked(t, fd);

	if (f != NULL) file_hold(f);
	lock_drop(&t->lock, was);
	return f;
}

int file_table_close(struct file_table *t, int64_t fd)
{
	const mach_irq_t was = lock_take(&t->lock);
	struct file *f = table_at_locked(t, fd);

	if (f != NULL) table_free_locked(t, (uint32_t)fd);
	lock_drop(&t->lock, was);
	if (f == NULL) return -ERR_BADF;
	table_drop(t, f);
	return 0;
}

/* Takes the first file at or behind *from out of the table if it is in range and, `marked`, to be
 * closed by execve. */
static struct file *table_next_out(struct file_table *t, uint32_t *from, uint32_t last, bool marked)
{
	struct file *f = NULL;
	const mach_irq_t was = lock_take(&t->lock);

	const uint64_t *map = marked ? t->slots->exec : t->slots->taken;
	while (f == NULL && *from < t->slots->room && *from <= last) {
		const uint64_t rest = map[*from / WORD] >> *from % WORD;
		const uint32_t skip = rest == 0 ? WORD - *from % WORD : bit_lowest(rest);
		*from += skip;
		if (rest == 0 || *from > last) continue;
		f = t->slots->file[*from];
		if (f != NULL) table_free_locked(t, *from);
		++*from;
	}
	lock_drop(&t->lock, was);
	return f;
}

static void table_close_all(struct file_table *t, uint32_t first, uint32_t last, bool marked)
{
	struct file *f;

	while ((f = table_next_out(t, &first, last, marked)) != NULL) table_drop(t, f);
}

void file_table_close_range(struct file_table *t, uint32_t first, uint32_t last, bool mark_only)
{
	if (!mark_only) {
		table_close_all(t, first, last, false);
		return;
	}
	const mach_irq_t was = lock_take(&t->lock);
	for (uint32_t fd = first; fd < t->slots->room && fd <= last; fd++)
		if (t->slots->file[fd] != NULL) bit_put(t->slots->exec, fd, true);
	lock_drop(&t->lock, was);
}

void file_table_exec(struct file_table *t)
{
	table_close_all(t, 0, UINT32_MAX, true);
}

int file_table_flag(struct file_table *t, int64_t fd)
{
	const mach_irq_t was = lock_take(&t->lock);
	const int flag =
		table_at_locked(t, fd) == NULL ? -ERR_BADF : bit_of(t->slots->exec, (uint32_t)fd);

	lock_drop(&t->lock, was);
	return flag;
}

int file_table_set_flag(struct file_table *t, int64_t fd, bool close_on_exec)
{
	const mach_irq_t was = lock_take(&t->lock);
	const bool open = table_at_locked(t, fd) != NULL;

	if (open) bit_put(t->slots->exec, (uint32_t)fd, close_on_exec);
	lock_drop(&t->lock, was);
	return open ? 0 : -ERR_BADF;
}

int file_table_next(struct file_table *t, uint32_t from)
{
	const mach_irq_t was = lock_take(&t->lock);

	while (from < t->slots->room && t->slots->file[from] == NULL) from++;
	const int next = from < t->slots->room ? (int)from : -1;
	lock_drop(&t->lock, was);
	return next;
}

/* --- copying ---------------------------------------------------------------------------------- */

/* Files only: what another call has taken is its own affair. */
static void slots_clone(struct slots *to, const struct slots *from)
{
	for (uint32_t fd = 0; fd < from->room; fd++) {
		if (from->file[fd] == NULL) continue;
		to->file[fd] = file_hold(from->file[fd]);
		bit_put(to->taken, fd, true);
		bit_put(to->exec, fd, bit_of(from->exec, fd));
	}
}

/* How much room a copy needs. */
static uint32_t slots_used(const struct slots *s)
{
	uint32_t words = s->words;

	while (words > 1 && s->taken[words - 1] == 0) words--;
	return words * WORD;
}

struct file_table *file_table_clone(struct file_table *t)
{
	uint32_t room = TABLE_FIRST;

	for (;;) {
		struct file_table *copy = table_make(t->memory, room);
		if (copy == NULL) return NULL;
		const mach_irq_t was = lock_take(&t->lock);
		const uint32_t used = slots_used(t->slots);
		const bool fits = used <= room;
		if (fits) {
			/* Nothing behind `used` is taken: the loop over all finds no more. */
			slots_clone(copy->slots, t->slots);
			copy->lowest = slots_lowest(copy->slots, 0);
		}
		lock_drop(&t->lock, was);
		if (fits) return copy;
		room = used;
		file_table_drop(copy);
	}
}

/* --- looking ---------------------------------------------------------------------------------- */

static const char *slots_check(const struct slots *s, uint32_t lowest)
{
	for (uint32_t fd = 0; fd < s->room; fd++) {
		const bool taken = bit_of(s->taken, fd);
		if (s->file[fd] != NULL && !taken) return "descriptors D1: a file under a free one";
		if (bit_of(s->exec, fd) && !taken) return "descriptors D1: a free one is marked";
		if (!taken && fd < lowest) return "descriptors D2: a free one below the lowest";
		if (s->file[fd] != NULL && atomic_load_u32(&s->file[fd]->refs) == 0)
			return "descriptors D3: a file that nobody holds";
	}
	return NULL;
}

const char *file_table_check(struct file_table *t)
{
	const mach_irq_t was = lock_take(&t->lock);
	const char *why = slots_check(t->slots, t->lowest);

	lock_drop(&t->lock, was);
	return why;
}
