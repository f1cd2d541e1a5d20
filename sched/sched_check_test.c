/*
 * sched_check_test.c -- each rule of sched_check() broken, and the scheduler that it is said of.
 *
 * The world of each row is at rest and sound, with threads in every state that there is at rest;
 * then one word of it is changed.
 */
#include "sched/test_sched.h"

#define S (&tw.sched)

enum { SLOTS = 12, READY_AT = 2, READY_TOO, WAITING_AT, RUNNING_AT, DEAD_AT };

static void nothing(void *arg)
{
	(void)arg;
}

static struct thread *made(uint32_t slot)
{
	struct thread_how how = t_how(nothing, 0);

	how.affinity = 1;
	const thread_id id = t_spawn_how(how);
	EXPECT((uint32_t)id == slot);
	return thread_find(&S->table, id);
}

static void run_from_queue(struct thread *t)
{
	runq_remove_locked(&S->cpu[0].runq, t);
	thread_must_move(t, THREAD_READY, THREAD_RUNNING, 0, 0);
}

/* CPU 0 runs a thread, with two more ready; CPU 1 idles; CPU 2 is offline. */
static void make(void)
{
	t_make(3, SLOTS, READY_AT, REAP_IN_IDLE);
	for (uint32_t slot = READY_AT; slot <= DEAD_AT; slot++) made(slot);
	for (uint32_t slot = WAITING_AT; slot <= DEAD_AT; slot++) run_from_queue(&tw.threads[slot]);
	thread_must_move(&tw.threads[WAITING_AT], THREAD_RUNNING, THREAD_WAITING, 0, 0);
	thread_must_move(&tw.threads[DEAD_AT], THREAD_RUNNING, THREAD_TERMINATED, 0, 0);
	list_add_last(&S->cpu[0].dead, &tw.threads[DEAD_AT].slot_link);
	S->cpu[0].dead_count = 1;
	S->cpu[0].current = &tw.threads[RUNNING_AT];
	S->cpu[0].slice_end_ns = T_SLICE_NS;
	S->cpu[1].current = &S->cpu[1].idle;
	thread_must_move(&S->cpu[1].idle, THREAD_READY, THREAD_RUNNING, 0, 0);
	S->cpu[0].online = S->cpu[1].online = 1;
	S->idle_cpus = 1u << 1;
}

static void set_state(struct thread *t, enum thread_state state)
{
	t->word = (t->word & ~0xffull) | state;
}

static void queue_count(void)
{
	S->cpu[0].runq.count = 5;
}

static struct timer timer;

static void timer_out_of_queue(void)
{
	timer_init(&timer, NULL);
	S->cpu[2].timers.first = &timer;
}

static void ready_nowhere(void)
{
	runq_remove_locked(&S->cpu[0].runq, &tw.threads[READY_AT]);
}

static void ready_but_waiting(void)
{
	set_state(&tw.threads[WAITING_AT], THREAD_READY);
}

static void unsettled(void)
{
	S->cpu[2].left = &tw.threads[WAITING_AT];
}

static void offline_runs(void)
{
	S->cpu[2].current = &S->cpu[2].idle;
	set_state(&S->cpu[2].idle, THREAD_RUNNING);
}

static void online_runs_none(void)
{
	S->cpu[2].online = 1;
}

static void idle_ready(void)
{
	set_state(&S->cpu[1].idle, THREAD_READY);
}

static void idle_running(void)
{
	set_state(&S->cpu[0].idle, THREAD_RUNNING);
}

static void current_waits(void)
{
	set_state(&tw.threads[RUNNING_AT], THREAD_WAITING);
}

static void current_elsewhere(void)
{
	tw.threads[RUNNING_AT].cpu = 1;
}

static void runs_nowhere(void)
{
	set_state(&tw.threads[WAITING_AT], THREAD_RUNNING);
}

static void no_state(void)
{
	set_state(&tw.threads[WAITING_AT], THREAD_STATES);
}

static void dead_nowhere(void)
{
	list_take_first(&S->cpu[0].dead);
	S->cpu[0].dead_count = 0;
}

static void dead_count(void)
{
	S->cpu[0].dead_count = 2;
}

static void dead_lives(void)
{
	set_state(&tw.threads[DEAD_AT], THREAD_WAITING);
}

static void dead_links(void)
{
	tw.threads[DEAD_AT].slot_link.next = &tw.threads[WAITING_AT].slot_link;
}

static void idles_with_work(void)
{
	tw.threads[READY_TOO].affinity = 3;
}

static void no_slice(void)
{
	S->cpu[0].slice_end_ns = UINT64_MAX;
}

static void slot_lost(void)
{
	list_remove(&tw.threads[SLOTS - 1].slot_link);
}

static const struct row {
	const char *name;
	void (*harm)(void);
	const char *rule; /* how the answer begins; NULL: sound */
} rows[] = {
	{ "nothing", NULL, NULL },
	{ "a run queue's count", queue_count, "R3" },
	{ "a timer in the wrong queue", timer_out_of_queue, "T" },
	{ "ready and in no queue", ready_nowhere, "Q2" },
	{ "ready though it waits", ready_but_waiting, "Q2" },
	{ "a switch that was not settled", unsettled, "Q3" },
	{ "a CPU offline that runs", offline_runs, "Q3" },
	{ "a CPU online that does not", online_runs_none, "Q3" },
	{ "an idle thread that idles, ready", idle_ready, "Q3" },
	{ "an idle thread that does not, running", idle_running, "Q3" },
	{ "what runs waits", current_waits, "Q3" },
	{ "what runs is another CPU's", current_elsewhere, "Q3" },
	{ "running on no CPU", runs_nowhere, "Q3" },
	{ "no state at all", no_state, "Q3" },
	{ "dead and in no queue", dead_nowhere, "Q4" },
	{ "the count of the dead", dead_count, "Q4" },
	{ "the dead who live", dead_lives, "Q4" },
	{ "links of the dead", dead_links, "Q4" },
	{ "a CPU that waits with work to do", idles_with_work, "Q5" },
	{ "a turn that nothing ends", no_slice, "Q6" },
	{ "a slot that is lost", slot_lost, "S1" },
};

int main(void)
{
	host_arena_open(T_ARENA_BYTES);
	host_cpus_open(3);
	for (uint32_t i = 0; i < COUNT_OF(rows); i++) {
		const struct row *row = &rows[i];
		make();
		const char *before = sched_check(S);
		if (before != NULL) kpanic("test", "%s: unsound before: %s", row->name, before);
		if (row->harm != NULL) row->harm();
		const char *why = sched_check(S);
		const char *said = why != NULL ? why : "sound";
		if (strncmp(said, row->rule != NULL ? row->rule : "sound",
			    row->rule != NULL ? strlen(row->rule) : 5) != 0)
			kpanic("test", "%s: wanted %s, got %s", row->name,
			       row->rule != NULL ? row->rule : "sound", said);
	}
	host_cpus_close();
	return 0;
}
