/*
 * proc_system.c -- what /proc tells of the whole kernel.
 *
 * Formats are those of Linux 6.1 as far as programs parse them (proc(5)); lines for what there is
 * not here are left out, but where programs look for them by name they are 0.
 *
 * There is no clock tick and so nobody samples: CPU time is split into idle, which the scheduler
 * measures, and what programs and the kernel used, which tasks measure at EL0's border; the load is
 * the number of threads that are ready or run now, not an average.
 */
#include "kernel/abi.h"
#include "kernel/procfs/proc_inside.h"

enum { NS_PER_TICK = 10000000 }; /* USER_HZ is 100 */

static uint64_t kib(uint64_t pages)
{
	return pages * (PAGE_SIZE / 1024);
}

static void line(struct proc_text *t, const char *name, uint64_t pages)
{
	proc_print(t, "%-16s%8lu kB\n", name, kib(pages));
}

void proc_meminfo(struct proc_text *t, const struct proc_about *about)
{
	const struct task_config *config = &about->world->config;
	struct page_counts pages;
	struct kmalloc_counts memory;
	struct vm_counts vm;
	page_count(config->vm->pages, &pages);
	kmalloc_count(config->memory, &memory);
	vm_count(config->vm, &vm);
	const uint64_t free = (uint64_t)pages.free + pages.cached;
	line(t, "MemTotal:", pages.total - pages.reserved);
	line(t, "MemFree:", free);
	line(t, "MemAvailable:", free);
	line(t, "Buffers:", 0);
	line(t, "Cached:", vm.backing_pages);
	line(t, "SwapCached:", 0);
	line(t, "SwapTotal:", 0);
	line(t, "SwapFree:", 0);
	line(t, "Shmem:", vm.backing_pages);
	line(t, "Slab:", memory.slab_pages);
	line(t, "SReclaimable:", 0);
	line(t, "SUnreclaim:", memory.slab_pages);
	/* Ours: what the heap has, what CPUs keep for next time, what lies in quarantine. */
	line(t, "KernelHeap:", memory.heap_pages);
	line(t, "PageCaches:", pages.cached);
	line(t, "Quarantine:", pages.quarantined);
	line(t, "MemPeak:", pages.peak_used);
}

/* --- CPUs ------------------------------------------------------------------------------------- */

struct times {
	uint64_t user_ns, kernel_ns, idle_ns;
};

/* What is neither a program's nor idle is the kernel's. */
static struct times times_of(const struct sched *s, uint32_t cpu)
{
	const uint64_t idle_ns = atomic_load_u64(&s->cpu[cpu].idle_ns);
	uint64_t now_ns;
	const uint64_t user_ns = mach_ticks_ns(mach_user_ticks_of(cpu, &now_ns));

	return (struct times){ user_ns, sub_or_zero(now_ns, user_ns + idle_ns), idle_ns };
}

static void cpu_line(struct proc_text *t, const char *name, const struct times *of)
{
	proc_print(t, "%s %lu 0 %lu %lu 0 0 0 0 0 0\n", name, of->user_ns / NS_PER_TICK,
		   of->kernel_ns / NS_PER_TICK, of->idle_ns / NS_PER_TICK);
}

static uint64_t switches(const struct sched *s)
{
	uint64_t sum = 0;
	for (uint32_t cpu = 0; cpu < s->config.cpus; cpu++)
		sum += __atomic_load_n(&s->cpu[cpu].switches, __ATOMIC_RELAXED);
	return sum;
}

/* Threads that are ready or run. */
static uint32_t running(const struct sched *s)
{
	uint32_t sum = 0;
	for (uint32_t cpu = 0; cpu < s->config.cpus; cpu++) {
		sum += atomic_load_u32(&s->cpu[cpu].runq.count);
		sum += atomic_load_u32(&s->cpu[cpu].idles) == 0;
	}
	return sum;
}

static uint64_t wall_ns(const struct task_world *w)
{
	const struct task_machine *m = &w->config.machine;
	return m->wall_ns != NULL ? m->wall_ns(m->arg) : mach_now_ns();
}

void proc_stat(struct proc_text *t, const struct proc_about *about)
{
	const struct sched *s = about->world->config.sched;
	struct process_counts counts;
	struct times of[CPUS_MAX], sum = { 0, 0, 0 };
	process_count(about->world->config.processes, &counts);
	for (uint32_t cpu = 0; cpu < s->config.cpus; cpu++) {
		of[cpu] = times_of(s, cpu);
		sum.user_ns += of[cpu].user_ns;
		sum.kernel_ns += of[cpu].kernel_ns;
		sum.idle_ns += of[cpu].idle_ns;
	}
	cpu_line(t, "cpu ", &sum);
	for (uint32_t cpu = 0; cpu < s->config.cpus; cpu++) {
		char name[] = { 'c', 'p', 'u', (char)('0' + cpu), '\0' };
		cpu_line(t, name, &of[cpu]);
	}
	proc_print(t, "intr 0\nctxt %lu\nbtime %lu\n", switches(s),
		   (wall_ns(about->world) - mach_now_ns()) / 1000000000);
	proc_print(t, "processes %lu\nprocs_running %u\nprocs_blocked 0\n", counts.spawned,
		   running(s));
}

static void seconds(struct proc_text *t, uint64_t ns, char end)
{
	proc_print(t, "%lu.%02lu%c", ns / 1000000000, ns / NS_PER_TICK % 100, end);
}

void proc_uptime(struct proc_text *t, const struct proc_about *about)
{
	const struct sched *s = about->world->config.sched;
	uint64_t idle = 0;
	for (uint32_t cpu = 0; cpu < s->config.cpus; cpu++)
		idle += atomic_load_u64(&s->cpu[cpu].idle_ns);
	seconds(t, mach_now_ns(), ' ');
	seconds(t, idle, '\n');
}

void proc_loadavg(struct proc_text *t, const struct proc_about *about)
{
	struct process_counts counts;
	const uint32_t now = running(about->world->config.sched);
	process_count(about->world->config.processes, &counts);
	proc_print(t, "%u.00 %u.00 %u.00 %u/%u %lu\n", now, now, now, now, counts.threads,
		   counts.spawned);
}

void proc_cpuinfo(struct proc_text *t, const struct proc_about *about)
{
	const uint32_t cpus = about->world->config.sched->config.cpus;
	for (uint32_t cpu = 0; cpu < cpus; cpu++) {
		proc_print(t, "processor\t: %u\nFeatures\t: fp asimd\n", cpu);
		proc_print(t, "CPU implementer\t: 0x41\nCPU architecture: 8\n\n");
	}
}

/* --- names ------------------------------------------------------------------------------------ */

void proc_version(struct proc_text *t, const struct proc_about *about)
{
	(void)about;
	proc_print(t, "Linux version %s (anvil) %s\n", UTS_RELEASE, UTS_VERSION);
}

void proc_filesystems(struct proc_text *t, const struct proc_about *about)
{
	const struct file_system *const *kinds = about->tree->config.kinds;
	for (; *kinds != NULL; kinds++) proc_print(t, "nodev\t%s\n", (*kinds)->name);
}

enum { MOUNTS_SHOWN = 32, MOUNT_PATH_ROOM = 256 };

/* Each mount's root is held while its path is asked for, without the lock. */
void proc_mounts(struct proc_text *t, const struct proc_about *about)
{
	struct file_tree *tree = about->tree;
	struct node *roots[MOUNTS_SHOWN];
	unsigned count = 0;
	const mach_irq_t was = lock_take(&tree->lock);
	for (struct list *l = tree->mounts.next; l != &tree->mounts && count < MOUNTS_SHOWN;
	     l = l->next)
		roots[count++] = node_hold(CONTAINER_OF(l, struct mount, link)->root);
	lock_drop(&tree->lock, was);
	for (unsigned i = 0; i < count; i++) {
		char path[MOUNT_PATH_ROOM];
		const struct mount *m = roots[i]->mount;
		if (tree_path(about->view, roots[i], path, sizeof(path)) > 0)
			proc_print(t, "%s %s %s rw 0 0\n", m->source, path, m->kind->name);
		node_drop(roots[i]);
	}
}
