/*
 * sched_observe_test.c -- what an observer of a scheduler is told, and when: a claim before anybody
 * can run the thread, each coming into a queue but those by yielding.
 */
#include "sched/test_sched.h"

#define S (&tw.sched)

static struct wait_queue *queue;
static thread_id sleeper;
static bool told_claimed; /* of the thread that is being spawned */

/* A claim is noted as C, a thread that becomes ready as its letter. */
static void observe(void *arg, enum sched_seen seen, const struct thread *t)
{
	EXPECT(arg == &tw && mach_irq_masked());
	const enum thread_state state = thread_word_state(t->word);
	if (seen == SEEN_CLAIMED) {
		EXPECT(state == THREAD_INITIALIZING && t->entry != NULL && t->stack_bytes != 0);
		EXPECT(!told_claimed && !list_linked(&t->run_link));
		told_claimed = true;
		t_note('C');
		return;
	}
	EXPECT(seen == SEEN_READY && state == THREAD_READY && list_linked(&t->run_link));
	EXPECT(t->switches != 0 || told_claimed);
	told_claimed = false;
	t_note((char)(uintptr_t)t->arg);
}

static void sleeps(void *arg)
{
	const mach_irq_t was = wait_enter(queue);
	(void)arg;
	EXPECT(wait_sleep(S, queue, WAIT_FOREVER) == WAIT_WOKEN);
	wait_leave(queue, was);
	EXPECT(sched_sleep_until(S, mach_now_ns() + 1) == WAIT_TIMEOUT);
	EXPECT(wait_enter(queue).state == was.state);
	EXPECT(wait_sleep(S, queue, WAIT_FOREVER) == WAIT_KILLED);
	wait_leave(queue, was);
}

static void wakes(void *arg)
{
	(void)arg;
	sched_yield_cpu(S); /* to the other, which goes to sleep */
	sched_yield_cpu(S); /* nobody is told of it */
	const mach_irq_t was = wait_enter(queue);
	EXPECT(wait_wake_one(S, queue) == 1);
	wait_leave(queue, was);
	sched_sleep_until(S, mach_now_ns() + 1000);
	EXPECT(sched_kill(S, sleeper));
}

static void test_observer(void)
{
	t_make(1, 8, 0, REAP_AFTER_SWITCH);
	queue = t_more(sizeof(*queue));
	wait_init(queue, RANK_WAIT);
	S->config.observe = observe;
	sleeper = t_spawn(sleeps, 'a');
	t_spawn(wakes, 'b');
	t_go(&t_quiet);
	t_noted("CaCb" /* spawned */ "a" /* woken */ "a" /* its time came */ "b" /* so did b's */
		"a" /* killed */);
}

int main(void)
{
	host_arena_open(T_ARENA_BYTES);
	host_cpus_open(1);
	test_observer();
	host_cpus_close();
	return 0;
}
