/*
 * proc_task.c -- what /proc tells of one process or thread.
 *
 * Formats are those of proc(5) for Linux 6.1; fields for what is not kept here are 0.  Memory is
 * counted by the space itself (mm/space.h); a zombie has none.
 */
#include "kernel/abi.h"
#include "kernel/procfs/proc_inside.h"

enum { NS_PER_TICK = 10000000 }; /* USER_HZ is 100 */

static uint64_t ticks(uint64_t ns)
{
	return ns / NS_PER_TICK;
}

/* All 0 where there is no space. */
static void count_space(const struct proc_about *about, struct space_counts *out)
{
	struct space *s = task_space_hold(about->world, about->id.pid);
	memset(out, 0, sizeof(*out));
	if (s == NULL) return;
	space_count(s, out);
	space_retire(s);
}

/* Linux's: 20 and the nice value, and what runs before all of these is negative, from -2 on. */
static int priority(const struct task_look *t)
{
	return t->schedule.priority == 0 ? 20 + t->schedule.nice : -1 - t->schedule.priority;
}

void proc_task_stat(struct proc_text *t, const struct proc_about *about)
{
	const struct task_look *k = &about->task;
	struct space_counts space;
	count_space(about, &space);
	const struct limit rss = k->limits[RLIMIT_RSS];
	proc_print(t, "%d (%s) %c %d %d %d 0 -1 0 %lu %lu 0 0 ", k->tid, k->name, k->state,
		   k->parent, k->pgid, k->sid, k->used.faults, k->children.faults);
	proc_print(t, "%lu %lu %lu %lu %d %d %u 0 %lu ", ticks(k->used.user_ns),
		   ticks(k->used.kernel_ns), ticks(k->children.user_ns),
		   ticks(k->children.kernel_ns), priority(k), k->schedule.nice, k->threads,
		   ticks(k->start_ns));
	proc_print(t, "%lu %u %lu 0 0 0 0 0 ", space.mapped * PAGE_SIZE, space.resident, rss.soft);
	proc_print(t, "%lu %lu %lu %lu 0 0 0 17 %u 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
		   k->pending & INT32_MAX, k->blocked & INT32_MAX, k->ignored & INT32_MAX,
		   k->caught & INT32_MAX, k->cpu);
}

void proc_task_statm(struct proc_text *t, const struct proc_about *about)
{
	struct space_counts space;
	count_space(about, &space);
	proc_print(t, "%lu %u 0 0 0 %lu 0\n", space.mapped, space.resident, space.mapped);
}

static const char *state_name(char state)
{
	switch (state) {
	case 'R': return "running";
	case 'T': return "stopped";
	case 'Z': return "zombie";
	default: return "sleeping";
	}
}

static void status_memory(struct proc_text *t, const struct proc_about *about)
{
	struct space_counts space;
	count_space(about, &space);
	if (about->task.zombie) return;
	const uint64_t page_kib = PAGE_SIZE / 1024;
	proc_print(t, "VmPeak:\t%8lu kB\nVmSize:\t%8lu kB\n", space.mapped * page_kib,
		   space.mapped * page_kib);
	proc_print(t, "VmHWM:\t%8lu kB\nVmRSS:\t%8lu kB\n", space.peak * page_kib,
		   space.resident * page_kib);
	proc_print(t, "VmPTE:\t%8lu kB\nVmSwap:\t%8u kB\n", space.tables * page_kib, 0u);
}

void proc_task_status(struct proc_text *t, const struct proc_about *about)
{
	const struct task_look *k = &about->task;
	proc_print(t, "Name:\t%s\nState:\t%c (%s)\n", k->name, k->state, state_name(k->state));
	proc_print(t, "Tgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n", k->pid, k->tid,
		   k->parent);
	proc_print(t, "Uid:\t%u\t%u\t%u\t%u\n", k->uid[ID_REAL], k->uid[ID_EFFECTIVE],
		   k->uid[ID_SAVED], k->uid[ID_FILES]);
	proc_print(t, "Gid:\t%u\t%u\t%u\t%u\n", k->gid[ID_REAL], k->gid[ID_EFFECTIVE],
		   k->gid[ID_SAVED], k->gid[ID_FILES]);
	status_memory(t, about);
	proc_print(t, "Threads:\t%u\n", k->threads);
	proc_print(t, "SigPnd:\t%016lx\nShdPnd:\t%016lx\nSigBlk:\t%016lx\n", k->pending,
		   k->group_pending, k->blocked);
	proc_print(t, "SigIgn:\t%016lx\nSigCgt:\t%016lx\n", k->ignored, k->caught);
	proc_print(t, "Cpus_allowed:\t%x\n", k->affinity);
}

void proc_task_cmdline(struct proc_text *t, const struct proc_about *about)
{
	proc_add(t, about->task.line, about->task.line_bytes);
}

void proc_task_comm(struct proc_text *t, const struct proc_about *about)
{
	proc_print(t, "%s\n", about->task.name);
}

/* --- limits ----------------------------------------------------------------------------------- */

static void limit_value(struct proc_text *t, uint64_t value)
{
	if (value == UINT64_MAX)
		proc_print(t, "%-20s ", "unlimited");
	else
		proc_print(t, "%-20lu ", value);
}

void proc_task_limits(struct proc_text *t, const struct proc_about *about)
{
	static const struct {
		const char *name, *unit;
	} rows[LIMITS] = {
		{ "Max cpu time", "seconds" },     { "Max file size", "bytes" },
		{ "Max data size", "bytes" },      { "Max stack size", "bytes" },
		{ "Max core file size", "bytes" }, { "Max resident set", "bytes" },
		{ "Max processes", "processes" },  { "Max open files", "files" },
		{ "Max locked memory", "bytes" },  { "Max address space", "bytes" },
		{ "Max file locks", "locks" },     { "Max pending signals", "signals" },
		{ "Max msgqueue size", "bytes" },  { "Max nice priority", "" },
		{ "Max realtime priority", "" },   { "Max realtime timeout", "us" },
	};
	proc_print(t, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (unsigned i = 0; i < LIMITS; i++) {
		proc_print(t, "%-25s ", rows[i].name);
		limit_value(t, about->task.limits[i].soft);
		limit_value(t, about->task.limits[i].hard);
		proc_print(t, "%-10s\n", rows[i].unit);
	}
}
