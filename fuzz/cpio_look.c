/*
 * cpio_look.c -- the tree that an archive became, against the model's; and reading all there is.
 *
 * Names of the model come in the order in which they were made, a folder's before those in it; so
 * the node of a folder is known when a name in it is looked up.
 *
 * Cost: O(names), and every byte of every file.
 */
#include "fuzz/cpio_subject.h"
#include "kernel/file/tree_inside.h"

/* Reads a regular file from its start; `wanted` NULL: whatever is in it.  How many bytes. */
static uint64_t read_all(struct node *n, const uint8_t *wanted, uint64_t bytes)
{
	const struct view view = { .tree = n->tree };
	uint8_t buffer[1024];
	uint64_t at = 0;
	int64_t moved;
	int error;
	struct file *f = node_open(n, &view, O_RDONLY, &error);

	if (f == NULL) {
		if (error != -ERR_NOMEM) kpanic(ORACLE_ERRNO, "opening says %d", error);
		return UINT64_MAX;
	}
	do {
		struct io_piece piece;
		struct io io;
		const uint64_t from = at;
		io_open_kernel(&io, &piece, buffer, sizeof buffer);
		moved = file_read(f, &io, &at);
		if (moved < 0) kpanic(ORACLE_ERRNO, "reading says %ld", moved);
		if (wanted != NULL && (at > bytes || memcmp(buffer, wanted + from, (size_t)moved)))
			kpanic(ORACLE_CONTENT, "a file has other bytes from %lu on", from);
	} while (moved != 0);
	file_drop(f);
	return at;
}

/* --- against the model ------------------------------------------------------------------------ */

static void look_regular(struct cpio_state *s, const struct model_node *m, struct node *n)
{
	if (node_size(n) != m->bytes)
		kpanic(ORACLE_CONTENT, "a file of %lu bytes, where %u were written", node_size(n),
		       m->bytes);
	const uint64_t read = read_all(n, s->archive + m->contents, m->bytes);
	if (read != m->bytes && read != UINT64_MAX)
		kpanic(ORACLE_CONTENT, "a file ends after %lu bytes", read);
}

static void look_node(struct cpio_state *s, const struct model_node *m, struct node *n)
{
	struct file_stat stat;

	node_stat(n, &stat);
	if ((stat.mode & S_IFMT) != m->kind)
		kpanic(ORACLE_CONTENT, "kind %x, where it is %x", stat.mode & S_IFMT, m->kind);
	if ((stat.mode & S_PERMISSIONS) != m->permissions)
		kpanic(ORACLE_CONTENT, "rights %x, where they are %x", stat.mode & S_PERMISSIONS,
		       m->permissions);
	if (m->kind != S_IFDIR && stat.nlink != m->links)
		kpanic(ORACLE_CONTENT, "%u names, where there are %u", stat.nlink, m->links);
	if (m->kind == S_IFREG) look_regular(s, m, n);
	if (m->kind == S_IFLNK && !text_is(n->text, cpio_texts[m->text]))
		kpanic(ORACLE_CONTENT, "a link to %s", n->text);
}

/* The node of that name, which is held only by its names afterwards. */
static struct node *look_up(struct cpio_state *s, struct node *folder, const char *name)
{
	const struct view view = { .tree = &s->tree, .cwd = folder };
	struct found found;

	if (tree_find(&view, name, FIND_NAME, &found) != 0)
		kpanic(ORACLE_CONTENT, "a name that was written is not there");
	struct node *n = found.node;
	found_drop(&found);
	return n;
}

void cpio_look(struct run *run)
{
	static struct node *real[MODEL_NODES];
	struct cpio_state *s = state_of(run);
	uint32_t names = 0;

	memset(real, 0, sizeof real);
	real[0] = s->tree.root;
	if ((s->tree.root->mode & S_PERMISSIONS) != s->nodes[0].permissions)
		kpanic(ORACLE_CONTENT, "the root's rights are %x", s->tree.root->mode);
	for (uint32_t i = 0; i < s->name_count; i++) {
		const struct model_name *m = &s->names[i];
		if (m->folder < 0) continue;
		struct node *n = look_up(s, real[m->folder], m->text);
		if (real[m->node] != NULL && real[m->node] != n)
			kpanic(ORACLE_CONTENT, "two names of one file lead to two");
		if (real[m->node] == NULL) look_node(s, &s->nodes[m->node], n);
		real[m->node] = n;
		names++;
	}
	if (s->tree.entries != names)
		kpanic(ORACLE_ACCOUNT, "%u names, where %u were written", s->tree.entries, names);
	run_result(run, names);
}

/* --- whatever it is --------------------------------------------------------------------------- */

void cpio_touch(struct run *run)
{
	struct cpio_state *s = state_of(run);
	uint64_t sum = 0;

	for (uint32_t b = 0; b < s->tree.config.buckets; b++) {
		const struct list *bucket = &s->tree.buckets[b];
		for (const struct list *l = bucket->next; l != bucket; l = l->next) {
			struct node *n = CONTAINER_OF(l, struct entry, bucket_link)->node;
			if (node_kind(n) == S_IFREG && read_all(n, NULL, 0) != UINT64_MAX)
				sum += node_size(n);
		}
	}
	run_result(run, s->tree.entries);
	(void)sum;
}
