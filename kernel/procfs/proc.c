/*
 * proc.c -- /proc's folders: the fixed names, and a folder for each process.
 *
 * What a name leads to is worked out when it is asked for; nothing is kept but what somebody holds.
 * A process that ends takes its folder away: who holds a node of it finds -ERR_NOENT or -ERR_SRCH
 * behind it.  Listings go on by number, so they neither repeat nor skip who stays.
 *
 * Locks: none here; tasks are looked at under their world's, one at a time.
 */
#include "kernel/procfs/proc_inside.h"

#include "kernel/abi.h"
#include "kernel/file/names.h"
#include "machine/format.h"

enum { AT_DOT = 1, AT_UP = 2, AT_FIXED = 3, AT_TASKS = 1 << 16 };

const struct proc_entry proc_system_entries[] = {
	{ "", S_IFDIR | 0555, NULL, &proc_root_ops },
	{ "meminfo", S_IFREG | 0444, proc_meminfo, &proc_file_ops },
	{ "stat", S_IFREG | 0444, proc_stat, &proc_file_ops },
	{ "uptime", S_IFREG | 0444, proc_uptime, &proc_file_ops },
	{ "loadavg", S_IFREG | 0444, proc_loadavg, &proc_file_ops },
	{ "version", S_IFREG | 0444, proc_version, &proc_file_ops },
	{ "cpuinfo", S_IFREG | 0444, proc_cpuinfo, &proc_file_ops },
	{ "filesystems", S_IFREG | 0444, proc_filesystems, &proc_file_ops },
	{ "mounts", S_IFLNK | 0777, NULL, &proc_mounts_ops },
	{ "self", S_IFLNK | 0777, NULL, &proc_self_ops },
	{ "thread-self", S_IFLNK | 0777, NULL, &proc_thread_self_ops },
	{ "sys", S_IFDIR | 0555, NULL, &proc_sys_ops },
};
const uint32_t proc_system_entry_count = COUNT_OF(proc_system_entries);

const struct proc_entry proc_task_entries[] = {
	{ "", S_IFDIR | 0555, NULL, &proc_task_ops },
	{ "stat", S_IFREG | 0444, proc_task_stat, &proc_file_ops },
	{ "statm", S_IFREG | 0444, proc_task_statm, &proc_file_ops },
	{ "status", S_IFREG | 0444, proc_task_status, &proc_file_ops },
	{ "cmdline", S_IFREG | 0444, proc_task_cmdline, &proc_file_ops },
	{ "comm", S_IFREG | 0444, proc_task_comm, &proc_file_ops },
	{ "maps", S_IFREG | 0444, proc_task_maps, &proc_file_ops },
	{ "limits", S_IFREG | 0444, proc_task_limits, &proc_file_ops },
	{ "mounts", S_IFREG | 0444, proc_mounts, &proc_file_ops },
	{ "exe", S_IFLNK | 0777, NULL, &proc_exe_ops },
	{ "cwd", S_IFLNK | 0777, NULL, &proc_cwd_ops },
	{ "root", S_IFLNK | 0777, NULL, &proc_root_link_ops },
	{ "fd", S_IFDIR | 0500, NULL, &proc_fds_ops },
	{ "task", S_IFDIR | 0555, NULL, &proc_threads_ops },
};
const uint32_t proc_task_entry_count = COUNT_OF(proc_task_entries);

/* --- what all folders share ------------------------------------------------------------------- */

int proc_node(struct node *above, struct proc_id id, const struct proc_entry *e, struct node **out)
{
	const uint64_t word = proc_word(id);
	struct task_look look;

	*out = node_generate(above, e->ops, e->mode, word, (void *)(uintptr_t)word);
	if (*out == NULL) return -ERR_NOMEM;
	/* Nobody else knows it yet. */
	if (id.pid != 0 && task_look(proc_world(above), id.pid, &look)) {
		(*out)->uid = look.ids.uid;
		(*out)->gid = look.ids.gid;
	}
	return 0;
}

int64_t proc_number(const char *name, size_t bytes)
{
	int64_t number = 0;
	if (bytes == 0 || (name[0] == '0' && bytes > 1)) return -1;
	for (size_t i = 0; i < bytes; i++) {
		if (name[i] < '0' || name[i] > '9') return -1;
		number = number * 10 + (name[i] - '0');
		if (number >= 1 << PROC_NUMBER_BITS) return -1;
	}
	return number;
}

bool proc_dots(struct node *folder, struct file_names *out)
{
	const uint64_t above =
		folder->folder.above != NULL ? folder->folder.above->number : folder->number;
	if (out->at < AT_DOT && !names_add(out, ".", 1, folder->number, DT_DIR, AT_DOT))
		return false;
	return out->at >= AT_UP || names_add(out, "..", 2, above, DT_DIR, AT_UP);
}

static size_t length(const char *name)
{
	size_t bytes = 0;
	while (name[bytes] != '\0') bytes++;
	return bytes;
}

const struct proc_entry *proc_entry_find(const struct proc_entry *entries, uint32_t count,
					 const char *name, size_t bytes, uint32_t *which)
{
	for (uint32_t i = 1; i < count; i++) {
		const char *own = entries[i].name;
		if (length(own) != bytes || memcmp(own, name, bytes) != 0) continue;
		*which = i;
		return &entries[i];
	}
	return NULL;
}

bool proc_entries_add(struct file_names *out, struct proc_id folder,
		      const struct proc_entry *entries, uint32_t count)
{
	for (uint32_t i = 1; i < count; i++) {
		const uint64_t next = AT_FIXED + i;
		const struct proc_id id = { folder.pid, folder.number, i };
		const unsigned type = (entries[i].mode & S_IFMT) >> 12;
		if (out->at >= next) continue;
		if (!names_add(out, entries[i].name, length(entries[i].name), proc_word(id), type,
			       next))
			return false;
	}
	return true;
}

/* --- /proc ------------------------------------------------------------------------------------ */

static int root_find(struct node *folder, const struct view *v, const char *name, size_t bytes,
		     struct node **out)
{
	uint32_t which;
	const struct proc_entry *e =
		proc_entry_find(proc_system_entries, proc_system_entry_count, name, bytes, &which);
	struct task_look look;
	(void)v;
	if (e != NULL) return proc_node(folder, (struct proc_id){ .entry = which }, e, out);
	const int64_t number = proc_number(name, bytes);
	if (number < 1 || !task_look(proc_world(folder), (int32_t)number, &look)) return -ERR_NOENT;
	return proc_node(folder, (struct proc_id){ .pid = look.pid }, &proc_task_entries[0], out);
}

static bool tasks_add(struct task_world *w, struct file_names *out)
{
	int32_t pid = out->at > AT_TASKS ? (int32_t)(out->at - AT_TASKS) + 1 : 1;
	for (; (pid = task_next_group(w, pid)) != 0; pid++) {
		char name[12];
		const size_t bytes = format_text(name, sizeof(name), "%d", pid);
		const uint64_t number = proc_word((struct proc_id){ .pid = pid });
		if (!names_add(out, name, bytes, number, DT_DIR, AT_TASKS + (uint64_t)pid))
			return false;
	}
	return true;
}

static int64_t root_names(struct node *folder, struct file_names *out)
{
	do {
		if (!proc_dots(folder, out)) continue;
		if (!proc_entries_add(out, (struct proc_id){ 0 }, proc_system_entries,
				      proc_system_entry_count))
			continue;
		tasks_add(proc_world(folder), out);
	} while (names_flush(out));
	return names_answer(out);
}

const struct node_ops proc_root_ops = { .find = root_find, .names = root_names };

/* --- /proc/PID -------------------------------------------------------------------------------- */

static int task_find(struct node *folder, const struct view *v, const char *name, size_t bytes,
		     struct node **out)
{
	uint32_t which;
	const struct proc_entry *e =
		proc_entry_find(proc_task_entries, proc_task_entry_count, name, bytes, &which);
	struct task_look look;
	const struct proc_id id = { .pid = proc_id_of(folder).pid };
	(void)v;
	if (e == NULL || !task_look(proc_world(folder), id.pid, &look)) return -ERR_NOENT;
	return proc_node(folder, (struct proc_id){ .pid = id.pid, .entry = which }, e, out);
}

static int64_t task_names(struct node *folder, struct file_names *out)
{
	const struct proc_id own = { .pid = proc_id_of(folder).pid };
	struct task_look look;
	if (!task_look(proc_world(folder), own.pid, &look)) return -ERR_NOENT;
	do {
		if (proc_dots(folder, out))
			proc_entries_add(out, own, proc_task_entries, proc_task_entry_count);
	} while (names_flush(out));
	return names_answer(out);
}

static size_t task_name(struct node *folder, char *to, size_t room)
{
	return format_text(to, room, "%d", proc_id_of(folder).pid);
}

const struct node_ops proc_task_ops = {
	.find = task_find,
	.names = task_names,
	.name = task_name,
};

/* --- files ------------------------------------------------------------------------------------ */

static struct file *file_open(struct node *n, const struct view *v, uint32_t flags, int *error)
{
	const struct proc_id id = proc_id_of(n);
	const struct proc_entry *entries = id.pid != 0 ? proc_task_entries : proc_system_entries;
	*error = -ERR_ACCES;
	if ((flags & O_ACCMODE) != O_RDONLY) return NULL;
	return proc_text_open(n, v, flags, entries[id.entry].write, error);
}

const struct node_ops proc_file_ops = { .open = file_open };

/* --- mounting --------------------------------------------------------------------------------- */

static int mount_root(struct file_tree *tree, struct node *root, void *world)
{
	(void)tree, (void)world;
	root->ops = &proc_root_ops;
	root->object = NULL;
	return 0;
}

void proc_system(struct file_system *out, struct task_world *w)
{
	*out = (struct file_system){ .name = "proc",
				     .magic = 0x9fa0,
				     .generated = true,
				     .permissions = 0555,
				     .mount = mount_root,
				     .arg = w };
}
