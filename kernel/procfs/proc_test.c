/*
 * proc_test.c -- /proc over a small world of tasks: what its files say against the counters they
 * come from, what it lists, and what is left of a process that has ended.
 */
#include "kernel/abi.h"
#include "kernel/file/table.h"
#include "kernel/file/test_file.h"
#include "kernel/procfs/proc.h"
#include "kernel/task/test_task.h"

static struct file_system proc_kind;
static char text[8192];
static int32_t child_pid;
static bool child_waits;

static void open_proc(struct task *t)
{
	static const struct file_system *kinds[3];
	struct node *on;
	proc_system(&proc_kind, TW);
	kinds[0] = &kind_tmpfs;
	kinds[1] = &proc_kind;
	fw = (struct file_world){
		.memory = &tw->memory, .sched = &tw->sched, .vm = &tw->vm, .most = TEST_OPEN_FILES
	};
	const struct tree_config config = {
		.files = &fw, .buckets = 64, .pages_most = TEST_TREE_PAGES, .kinds = kinds
	};
	EXPECT(tree_init(&tree, &config));
	view = (struct view){ .tree = &tree, .who = t };
	EXPECT(folder("/proc") == 0 && tree_node(&view, "/proc", 0, &on) == 0);
	EXPECT(tree_mount(&view, "proc", on, "proc") == 0);
	node_drop(on);
}

static void close_proc(void)
{
	struct node *root;
	EXPECT(tree_node(&view, "/proc", 0, &root) == 0);
	EXPECT(tree_unmount(root) == 0);
	test_must(tree_check(&tree));
	EXPECT(fw.files == 0);
	tree_close(&tree);
}

/* All of a file, with an end. */
static const char *says(const char *path)
{
	struct file *f = opened(path, O_RDONLY);
	const int64_t bytes = get(f, text, sizeof(text) - 1, NULL);
	EXPECT(bytes >= 0);
	text[bytes] = '\0';
	file_drop(f);
	return text;
}

/* The number behind `name` in a text of lines. */
static uint64_t value_of(const char *lines, const char *name)
{
	const char *at = strstr(lines, name);
	EXPECT(at != NULL);
	return strtoull(at + strlen(name), NULL, 10);
}

/* The names in a folder, each with a blank behind it. */
static const char *names_in(const char *path)
{
	static char names[1024];
	static uint8_t raw[2048];
	struct file *f = opened(path, O_RDONLY | O_DIRECTORY);
	size_t used = 0;
	for (;;) {
		struct io_piece piece;
		struct io io;
		struct file_names *listing = kmalloc_alloc(&tw->memory, sizeof(*listing), 0, 0);
		io_open_kernel(&io, &piece, raw, 100); /* a few at a time */
		names_open(listing, &io, f->offset);
		const int64_t bytes = f->ops->names(f, listing);
		f->offset = listing->flushed;
		EXPECT(kmalloc_free(&tw->memory, listing) == KMALLOC_FREED);
		EXPECT(bytes >= 0);
		if (bytes == 0) break;
		for (int64_t at = 0; at < bytes;) {
			const struct abi_dirent *d = (void *)(raw + at);
			used += (size_t)snprintf(names + used, sizeof(names) - used, "%s ",
						 (const char *)d + DIRENT_NAME);
			at += d->bytes;
		}
	}
	file_drop(f);
	return names;
}

static const char *link_of(const char *path)
{
	struct node *n;
	EXPECT(tree_node(&view, path, 0, &n) == 0);
	const int64_t bytes = n->ops->text(n, &view, text, sizeof(text) - 1);
	EXPECT(bytes > 0);
	text[bytes] = '\0';
	node_drop(n);
	return text;
}

/* --- programs --------------------------------------------------------------------------------- */

static void waits_then_exits(struct task *t)
{
	(void)t;
	while (child_waits) sched_yield_cpu(&tw->sched);
	task_exit_group(t, 7);
}

static void system_files(void)
{
	struct page_counts pages;
	page_count(&tw->pages, &pages);
	const char *memory = says("/proc/meminfo");
	EXPECT(value_of(memory, "MemTotal:") == (pages.total - pages.reserved) * 4ull);
	EXPECT(value_of(memory, "SwapTotal:") == 0);
	EXPECT(value_of(memory, "MemFree:") <= 4ull * (pages.free + pages.cached));
	EXPECT(value_of(memory, "MemFree:") + 64 > 4ull * (pages.free + pages.cached));
	EXPECT(strncmp(says("/proc/stat"), "cpu  0 0 ", 4) == 0);
	EXPECT(value_of(says("/proc/stat"), "processes ") == 1);
	EXPECT(strstr(says("/proc/version"), "Linux version 6.1") == text);
	EXPECT(strstr(says("/proc/filesystems"), "nodev\tproc\n") != NULL);
	EXPECT(strstr(says("/proc/mounts"), "proc /proc proc rw 0 0\n") != NULL);
	EXPECT(strchr(says("/proc/uptime"), ' ') != NULL && strchr(says("/proc/loadavg"), '/'));
	EXPECT(error_of("/proc/meminfo", O_WRONLY) == -ERR_ACCES);
	EXPECT(error_of("/proc/nothing", O_RDONLY) == -ERR_NOENT);
	EXPECT(error_of("/proc/mem", O_RDONLY) == -ERR_NOENT);
	EXPECT(error_of("/proc/01", O_RDONLY) == -ERR_NOENT);
	EXPECT(error_of("/proc/77", O_RDONLY) == -ERR_NOENT);
	EXPECT(error_of("/proc/99999999999999", O_RDONLY) == -ERR_NOENT);
	EXPECT(make("/proc/new", S_IFREG | 0644, NULL) < 0);
}

/* What a write of `what` at the start answers. */
static int64_t tells(const char *what)
{
	struct file *f = opened("/proc/sys/vm/drop_caches", O_WRONLY | O_TRUNC);
	const int64_t answer = put(f, what, strlen(what), NULL);
	file_drop(f);
	return answer;
}

static uint32_t pages_used(void)
{
	struct page_counts now;
	page_count(&tw->pages, &now);
	return now.used;
}

/* A slab that nothing is in any more. */
static void leave_a_slab(void)
{
	void *object[8];
	for (unsigned i = 0; i < COUNT_OF(object); i++)
		object[i] = kmalloc_alloc(&tw->memory, 2000, 0, TEST_SITE);
	for (unsigned i = 0; i < COUNT_OF(object); i++)
		EXPECT(kmalloc_free(&tw->memory, object[i]) == KMALLOC_FREED);
}

/* Linux 6.1's answers. */
static void drop_caches(void)
{
	static const char path[] = "/proc/sys/vm/drop_caches";
	static const char *const wrong[] = { "0", "5", "-1", "x", "3x", " ", "99999999999999999999",
					     "x3" };
	EXPECT(strcmp(names_in("/proc/sys"), ". .. vm ") == 0);
	EXPECT(strcmp(names_in("/proc/sys/vm"), ". .. drop_caches ") == 0);
	EXPECT(error_of(path, O_RDONLY) == -ERR_ACCES && error_of(path, O_RDWR) == -ERR_ACCES);
	EXPECT(error_of("/proc/sys/vm/none", O_RDONLY) == -ERR_NOENT);
	EXPECT(error_of("/proc/sys/drop_caches", O_WRONLY) == -ERR_NOENT);
	EXPECT(error_of("/proc/sys/vm/drop_caches/x", O_RDONLY) == -ERR_NOTDIR);
	for (unsigned i = 0; i < COUNT_OF(wrong); i++) EXPECT(tells(wrong[i]) == -ERR_INVAL);
	EXPECT(tells("3\n") == 2 && tells(" 1 ") == 3 && tells("2") == 1 && tells("3 4") == 2);

	struct file *f = opened(path, O_WRONLY);
	uint64_t at = 0;
	EXPECT(put(f, "3", 1, &at) == 1 && at == 1);
	const uint32_t least = pages_used();
	leave_a_slab();
	EXPECT(put(f, "3", 1, &at) == 1 && pages_used() > least); /* not at the start: ignored */
	at = 0;
	EXPECT(put(f, "4", 1, &at) == 1 && put(f, "", 0, &at) == 0 && pages_used() > least);
	for (char what = '1'; what <= '3'; what++) {
		at = 0;
		EXPECT(put(f, &what, 1, &at) == 1 && pages_used() == least);
		leave_a_slab();
	}
	EXPECT(get(f, text, 1, NULL) == -ERR_BADF);
	file_drop(f);
	EXPECT(tree_node(&view, "/proc/sys/vm", 0, &view.cwd) == 0);
	EXPECT(tree_path(&view, view.cwd, text, sizeof(text)) == sizeof("/proc/sys/vm"));
	EXPECT(strcmp(text, "/proc/sys/vm") == 0);
	node_drop(view.cwd);
	view.cwd = NULL;
}

static void own_files(struct task *t)
{
	EXPECT(strcmp(link_of("/proc/self"), "1") == 0);
	memcpy(t->name, "first", 6);
	EXPECT(strcmp(says("/proc/self/comm"), "first\n") == 0);
	EXPECT(strncmp(says("/proc/1/stat"), "1 (first) R 0 ", 14) == 0);
	EXPECT(value_of(says("/proc/self/status"), "Pid:\t") == 1);
	EXPECT(value_of(says("/proc/self/status"), "Threads:\t") == 1);
	EXPECT(strcmp(names_in("/proc/self/task"), ". .. 1 ") == 0);
	EXPECT(strncmp(says("/proc/self/task/1/stat"), "1 (first) R ", 12) == 0);
	EXPECT(strcmp(says("/proc/self/maps"), "") == 0);
	EXPECT(space_mmap(process_space(W), 0x100000, PAGE_SIZE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0, TEST_SITE) == 0x100000);
	EXPECT(strncmp(says("/proc/self/maps"), "00100000-00101000 rw-p 00000000 00:00 0 ", 40) ==
	       0);
	EXPECT(value_of(says("/proc/self/status"), "VmSize:\t") == 4);
	EXPECT(strstr(names_in("/proc/self"), "maps ") != NULL);
	EXPECT(strstr(says("/proc/self/limits"), "Max open files") != NULL);
}

static void descriptors(struct task *t)
{
	t->group->files = file_table_create(&tw->memory);
	EXPECT(make("/data", S_IFREG | 0644, NULL) == 0);
	struct file *f = opened("/data", O_RDWR);
	EXPECT(file_table_add(t->group->files, f, 0, 100, false) == 0);
	EXPECT(file_table_add(t->group->files, file_hold(f), 7, 100, false) == 7);
	EXPECT(strcmp(names_in("/proc/self/fd"), ". .. 0 7 ") == 0);
	EXPECT(strcmp(link_of("/proc/self/fd/7"), "/data") == 0);
	EXPECT(error_of("/proc/self/fd/7", O_RDONLY) == 0);
	EXPECT(error_of("/proc/self/fd/3", O_RDONLY) == -ERR_NOENT);
	struct node *n;
	EXPECT(tree_node(&view, "/proc/self/fd/0", FIND_FOLLOW, &n) == 0);
	EXPECT(n->number == stat_of("/data").ino);
	node_drop(n);
	file_table_drop(t->group->files);
	t->group->files = NULL;
}

/* A child that runs, is a zombie, and is gone: its folder follows. */
static void ends_of_others(struct task *t)
{
	char path[32];
	child_waits = true;
	child_pid = forks(t, waits_then_exits);
	snprintf(path, sizeof(path), "/proc/%d/stat", child_pid);
	sched_yield_cpu(&tw->sched);
	EXPECT(strstr(says(path), ") R 1 ") != NULL);
	struct file *kept = opened(path, O_RDONLY);
	EXPECT(strstr(names_in("/proc"), " 1 2 ") != NULL);
	child_waits = false;
	for (unsigned i = 0; i < 2 * TEST_THREADS; i++) sched_yield_cpu(&tw->sched);
	EXPECT(strstr(says(path), " (first) Z 1 ") != NULL);
	waits_for(t, child_pid, 7 << 8);
	EXPECT(error_of(path, O_RDONLY) == -ERR_NOENT);
	EXPECT(get(kept, text, 10, NULL) == -ERR_SRCH);
	file_drop(kept);
	EXPECT(strstr(names_in("/proc"), " 1 2 ") == NULL);
}

/* Whatever allocation fails, nothing is lost. */
static void without_memory(void)
{
	static paddr_t hoard[TEST_PAGES];
	unsigned count = 0;
	kmalloc_drain(&tw->memory);
	while ((hoard[count] = page_alloc(&tw->pages, 0, PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL),
					  TEST_SITE)) != PADDR_NONE)
		count++;
	int error;
	struct file *f = tree_open(&view, "/proc/meminfo", O_RDONLY, 0, &error);
	EXPECT(f != NULL || error == -ERR_NOMEM);
	if (f != NULL) {
		const int64_t bytes = get(f, text, sizeof(text), NULL);
		EXPECT(bytes > 0 || bytes == -ERR_NOMEM);
		file_drop(f);
	}
	while (count > 0)
		EXPECT(page_free(&tw->pages, hoard[--count], 0, PAGE_OWNER_KERNEL) == PAGE_FREED);
}

static void first(struct task *t)
{
	open_proc(t);
	system_files();
	drop_caches();
	own_files(t);
	descriptors(t);
	ends_of_others(t);
	without_memory();
	close_proc();
}

int main(void)
{
	const struct test_choice choice = { .cpus = 1 };
	host_cpus_open(1);
	task_test_open(&choice, 100);
	task_test_run(first, 0);
	task_test_close();
	host_cpus_close();
	return 0;
}
