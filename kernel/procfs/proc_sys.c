/*
 * proc_sys.c -- /proc/sys: what a program may tell the kernel by writing a number.
 *
 *	vm/drop_caches	1 to 4: what is kept for the next who asks is given back (1, 2 and 3:
 *			all of it; 4: nothing); then a reading of free memory is exact
 *
 * A number is written in one go, at the file's start, with white space around it as one likes; what
 * is written elsewhere is taken and ignored, as Linux does (kernel.sysctl_writes_strict).  Numbers
 * are decimal; Linux reads 0x3 as well.  Who opens drop_caches for reading is refused, root too.
 *
 * Locks: the file's turn, over a write.  Cost: see kernel/process_drain.c.
 */
#include "kernel/abi.h"
#include "kernel/file/names.h"
#include "kernel/procfs/proc_inside.h"
#include "machine/format.h"

enum { IN_SYS = 1, IN_VM }; /* proc_id.number of what is in these folders */
enum { TEXT_ROOM = 32, DROP_PAGES = 1, DROP_OBJECTS = 2, DROP_MOST = 4 };

/* --- numbers ---------------------------------------------------------------------------------- */

static size_t blanks(const char *text, size_t bytes)
{
	size_t n = 0;
	while (n < bytes && (text[n] == ' ' || (text[n] >= '\t' && text[n] <= '\r'))) n++;
	return n;
}

/* The number at the start of a text and the blanks around it: how many bytes that is; -ERR_INVAL:
 * there is none, or it is none of `least` to `most`. */
static int64_t number_read(const char *text, size_t bytes, uint64_t least, uint64_t most,
			   uint64_t *number)
{
	const size_t from = blanks(text, bytes);
	size_t at = from;
	*number = 0;
	for (; at < bytes && text[at] >= '0' && text[at] <= '9'; at++)
		*number = min_u64(*number * 10 + (uint64_t)(text[at] - '0'), most + 1);
	const size_t behind = blanks(text + at, bytes - at);
	if (at == from || (at < bytes && behind == 0)) return -ERR_INVAL;
	if (*number < least || *number > most) return -ERR_INVAL;
	return (int64_t)(at + behind);
}

/* --- vm/drop_caches --------------------------------------------------------------------------- */

static int64_t drop_write(struct file *f, struct io *from, uint64_t *at)
{
	char text[TEXT_ROOM];
	uint64_t what;
	if (from->left == 0) return 0;
	if (*at != 0) return (int64_t)io_skip(from, from->left);
	const size_t bytes = io_get(from, text, sizeof(text));
	if (from->faulted) return -ERR_FAULT;
	const int64_t taken = number_read(text, bytes, 1, DROP_MOST, &what);
	if (taken < 0) return taken;
	if ((what & (DROP_PAGES | DROP_OBJECTS)) != 0)
		process_world_drain(proc_world(f->node)->config.processes);
	*at += (uint64_t)taken;
	return taken;
}

static const struct file_ops drop_file_ops = { .write = drop_write, .has_place = true };

static struct file *drop_open(struct node *n, const struct view *v, uint32_t flags, int *error)
{
	(void)v;
	*error = -ERR_ACCES;
	if ((flags & O_ACCMODE) != O_WRONLY) return NULL;
	return file_create(n->tree->config.files, &drop_file_ops, flags, n, NULL, error);
}

static const struct node_ops drop_ops = { .open = drop_open };

/* --- folders ---------------------------------------------------------------------------------- */

static const struct node_ops vm_ops;

static const struct proc_entry sys_entries[] = {
	{ "", 0, NULL, NULL },
	{ "vm", S_IFDIR | 0555, NULL, &vm_ops },
};
static const struct proc_entry vm_entries[] = {
	{ "", 0, NULL, NULL },
	{ "drop_caches", S_IFREG | 0200, NULL, &drop_ops },
};

struct sys_folder {
	const char *name;
	const struct proc_entry *entries;
	uint32_t count, number; /* number: of the ids of what is in it */
};

static const struct sys_folder sys_folder = { "sys", sys_entries, COUNT_OF(sys_entries), IN_SYS };
static const struct sys_folder vm_folder = { "vm", vm_entries, COUNT_OF(vm_entries), IN_VM };

static const struct sys_folder *folder_of(const struct node *n)
{
	ASSERT(proc_id_of(n).number < IN_VM);
	return proc_id_of(n).number == IN_SYS ? &vm_folder : &sys_folder;
}

static int sys_find(struct node *folder, const struct view *v, const char *name, size_t bytes,
		    struct node **out)
{
	const struct sys_folder *own = folder_of(folder);
	struct proc_id id = { .number = own->number };
	const struct proc_entry *e =
		proc_entry_find(own->entries, own->count, name, bytes, &id.entry);
	(void)v;
	return e != NULL ? proc_node(folder, id, e, out) : -ERR_NOENT;
}

static int64_t sys_names(struct node *folder, struct file_names *out)
{
	const struct sys_folder *own = folder_of(folder);
	const struct proc_id ids = { .number = own->number };
	do {
		if (proc_dots(folder, out)) proc_entries_add(out, ids, own->entries, own->count);
	} while (names_flush(out));
	return names_answer(out);
}

static size_t sys_name(struct node *folder, char *to, size_t room)
{
	return format_text(to, room, "%s", folder_of(folder)->name);
}

static const struct node_ops vm_ops = { .find = sys_find, .names = sys_names, .name = sys_name };
const struct node_ops proc_sys_ops = { .find = sys_find, .names = sys_names, .name = sys_name };
