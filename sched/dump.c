/*
 * dump.c -- a scheduler as lines of text.
 *
 *	sched: 2 CPUs, 3 of 32 slots in use, at 5250000 us
 *	cpu 0: runs 7.1, last switch 1200 us ago, seen 200 us ago
 *	cpu 0: 153 switches, 20 preemptions, 3 steals, 40 wakes
 *	cpu 0: the lock of its run queue is held by cpu 1, 1 wait
 *	cpu 0: waits since 1200 us ago for a lock of rank 7 that cpu 1 had last
 *	cpu 0: ready at 4: 9.1 10.3
 *	cpu 0: 2 timers, the first 300 us from now
 *	thread 7.1: running on cpu 0, priority 4, 15 switches, owns 1 mutexes
 *	thread 8.1: waiting, last on cpu 1, priority 4, 2 switches, for a mutex that 7.1 owns
 *
 * A thread is named by slot and generation.  Times are in microseconds; what lies in the past is
 * "ago", so that a deadline that was missed stands out.
 *
 * Nothing here can be relied on to be sound, for that may be why it is asked for: pointers to
 * threads are looked up in the table before they are followed, lists are walked no further than
 * there are threads, and states have names or numbers.  Only the wait queue of a WAITING thread is
 * taken at its word.
 *
 * Locks: none, on purpose.  Cost: does not matter; 400 bytes of stack.
 */
#include "sched/dump.h"

#include "machine/format.h"
#include "sched/mutex.h"

struct dump {
	const struct sched *sched;
	uint64_t now_ns;
	void (*line)(void *arg, const char *text);
	void *arg;
	size_t used;
	char text[DUMP_LINE_BYTES];
};

/* --- words ------------------------------------------------------------------------------------ */

PRINTF_LIKE(2, 3) static void dump_add(struct dump *d, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	d->used += format_text_v(d->text + d->used, sizeof d->text - d->used, format, args);
	va_end(args);
	ASSERT(d->used < sizeof d->text);
}

static void dump_end_line(struct dump *d)
{
	if (d->used > 0) d->line(d->arg, d->text);
	d->used = 0;
	d->text[0] = '\0';
}

static void dump_time(struct dump *d, uint64_t at_ns)
{
	if (at_ns >= d->now_ns)
		dump_add(d, "%lu us from now", (at_ns - d->now_ns) / 1000);
	else
		dump_add(d, "%lu us ago", (d->now_ns - at_ns) / 1000);
}

static void dump_id(struct dump *d, thread_id id)
{
	dump_add(d, "%u.%u", (uint32_t)id, (uint32_t)(id >> 32));
}

/* The thread whose member at `offset` lies at `at`; NULL: none of the table has it there. */
static const struct thread *dump_find(const struct sched *s, const void *at, size_t offset)
{
	const uintptr_t base = (uintptr_t)s->table.threads + offset, p = (uintptr_t)at;
	const uintptr_t n = (p - base) / sizeof(struct thread);

	if (p < base || n >= s->table.slots || p != base + n * sizeof(struct thread)) return NULL;
	return &s->table.threads[n];
}

/* --- CPUs ------------------------------------------------------------------------------------- */

static void dump_current(struct dump *d, uint32_t cpu)
{
	const struct sched_cpu *c = &d->sched->cpu[cpu];
	const struct thread *t = c->current;

	dump_add(d, "cpu %u: ", cpu);
	if (t == &c->idle)
		dump_add(d, "idles");
	else if (t == NULL)
		dump_add(d, "has not begun");
	else if (dump_find(d->sched, t, 0) == NULL)
		dump_add(d, "runs what is no thread");
	else {
		dump_add(d, "runs ");
		dump_id(d, thread_id_of(t));
	}
	dump_add(d, atomic_load_u32(&c->online) != 0 ? "" : ", offline");
	dump_add(d, ", last switch ");
	dump_time(d, atomic_load_u64(&c->switch_ns));
	dump_add(d, ", seen ");
	dump_time(d, atomic_load_u64(&c->beat_ns));
	dump_add(d, atomic_load_u32(&c->resched) != 0 ? ", is to choose anew" : "");
	dump_end_line(d);
	dump_add(d, "cpu %u: %lu switches, %lu preemptions, %lu steals, %lu wakes", cpu,
		 c->switches, c->preemptions, c->steals, c->wakes);
	dump_end_line(d);
}

static void dump_lock(struct dump *d, uint32_t cpu, const char *what, const struct lock *l)
{
	const uint32_t held = atomic_load_u32(&l->next) - atomic_load_u32(&l->serving);

	if (held == 0) return;
	dump_add(d, "cpu %u: the lock of its %s is held by cpu %u, %u wait", cpu, what,
		 atomic_load_u32(&l->holder), held - 1);
	dump_end_line(d);
}

static void dump_waiting(struct dump *d, uint32_t cpu)
{
	const struct lock_waiting *w = mach_lock_waiting(cpu);
	const uint32_t rank = atomic_load_u32(&w->rank), holder = atomic_load_u32(&w->holder);

	if (rank == RANK_NONE) return;
	dump_add(d, "cpu %u: waits since ", cpu);
	dump_time(d, atomic_load_u64(&w->since_ns));
	dump_add(d, " for a lock of rank %u", rank);
	if (holder < CPUS_MAX) dump_add(d, " that cpu %u had last", holder);
	dump_end_line(d);
}

/* One priority of a run queue, in lines of ROW threads. */
static void dump_queue(struct dump *d, uint32_t cpu, unsigned priority)
{
	enum { ROW = 8 };
	const struct list *head = &d->sched->cpu[cpu].runq.queue[priority];
	const struct list *link = head->next;
	uint32_t seen = 0;

	for (; link != head && seen <= d->sched->table.slots; link = link->next, seen++) {
		const struct thread *t =
			dump_find(d->sched, link, offsetof(struct thread, run_link));
		if (seen % ROW == 0) {
			dump_end_line(d);
			dump_add(d, "cpu %u: ready at %u:", cpu, priority);
		}
		if (t == NULL) break;
		dump_add(d, " ");
		dump_id(d, thread_id_of(t));
	}
	if (link != head) dump_add(d, " and then links that lead elsewhere");
	dump_end_line(d);
}

static void dump_timers(struct dump *d, uint32_t cpu)
{
	const struct timer_queue *q = &d->sched->cpu[cpu].timers;
	const uint64_t next_ns = timer_next_ns(q);

	if (next_ns == UINT64_MAX) return;
	dump_add(d, "cpu %u: %u timers, the first ", cpu, q->count);
	dump_time(d, next_ns);
	dump_end_line(d);
}

static void dump_cpu(struct dump *d, uint32_t cpu)
{
	const struct sched_cpu *c = &d->sched->cpu[cpu];

	dump_current(d, cpu);
	dump_lock(d, cpu, "run queue", &c->runq.lock);
	dump_lock(d, cpu, "timers", &c->timers.lock);
	dump_waiting(d, cpu);
	for (unsigned p = 0; p < PRIORITIES; p++) dump_queue(d, cpu, p);
	dump_timers(d, cpu);
}

/* --- threads ---------------------------------------------------------------------------------- */

static void dump_wait(struct dump *d, const struct thread *t)
{
	const uint64_t until_ns = atomic_load_u64(&t->wait_until_ns);
	const struct wait_queue *q = (const void *)(uintptr_t)atomic_load_u64(&t->waits_in);

	if (until_ns != WAIT_FOREVER) {
		dump_add(d, ", until ");
		dump_time(d, until_ns);
	}
	if (q == NULL) return;
	if (!q->is_mutex) {
		dump_add(d, ", in queue %p", (const void *)q);
		return;
	}
	dump_add(d, ", for a mutex that ");
	dump_id(d, CONTAINER_OF(q, struct mutex, queue)->owner);
	dump_add(d, " owns");
}

static void dump_thread(struct dump *d, const struct thread *t)
{
	const uint64_t word = atomic_load_u64(&t->word);
	const enum thread_state state = thread_word_state(word);

	if (state == THREAD_FREE) return;
	dump_add(d, "thread ");
	dump_id(d, thread_id_of(t));
	if (state < THREAD_STATES)
		dump_add(d, ": %s", thread_state_name(state));
	else
		dump_add(d, ": state %u", (unsigned)state);
	dump_add(d, state == THREAD_RUNNING ? " on" : ", last on");
	dump_add(d, " cpu %u, priority %u, %lu switches", atomic_load_u32(&t->cpu), t->priority,
		 t->switches);
	if (t->mutexes != 0) dump_add(d, ", owns %u mutexes", t->mutexes);
	if ((word & THREAD_KILLED) != 0) dump_add(d, ", killed");
	if (state == THREAD_WAITING) dump_wait(d, t);
	if (state == THREAD_READY) {
		dump_add(d, ", queued ");
		dump_time(d, t->ready_ns);
	}
	dump_end_line(d);
}

void sched_dump(const struct sched *s, uint64_t now_ns, void (*line)(void *arg, const char *text),
		void *arg)
{
	struct dump d = { .sched = s, .now_ns = now_ns, .line = line, .arg = arg };
	uint32_t used = 0;

	ASSERT(s != NULL && line != NULL);
	for (uint32_t i = 0; i < s->table.slots; i++)
		used += thread_word_state(atomic_load_u64(&s->table.threads[i].word)) !=
			THREAD_FREE;
	dump_add(&d, "sched: %u CPUs, %u of %u slots in use, at %lu us", s->config.cpus, used,
		 s->table.slots, now_ns / 1000);
	dump_end_line(&d);
	for (uint32_t cpu = 0; cpu < s->config.cpus && cpu < CPUS_MAX; cpu++) dump_cpu(&d, cpu);
	for (uint32_t i = 0; i < s->table.slots; i++) dump_thread(&d, &s->table.threads[i]);
}
