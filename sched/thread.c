/*
 * thread.c -- a thread's six states, and the edges between them.
 *
 * A thread's word is the one place where concurrent parties meet: who spawns, runs, wakes, kills
 * and reaps it all move it from a value that they have seen to the next one, by compare-and-swap,
 * so each move happens once and whoever comes second is told.  What may follow what is one table;
 * a move that is not in it is a bug of ours, whoever asks for it, and panics ("thread-state").
 *
 * Two forms.  thread_move() is for parties that compete: it says whether it won.  For a party that
 * alone may make a move (the CPU that runs a thread, the one that reaps it) there is
 * thread_must_move(): flags may be set meanwhile, by thread_mark(), but the state may not change.
 *
 * Always true: the generation in a word is not 0, and rises when the slot becomes FREE and at no
 * other time; the count of waits rises with every move to WAITING and at no other time.
 *
 * Locks: none.  Cost: a compare-and-swap and about ten instructions.
 */
#include "sched/thread.h"

const char *thread_state_name(enum thread_state state)
{
	static const char *const names[THREAD_STATES] = {
		[THREAD_FREE] = "free",
		[THREAD_READY] = "ready",
		[THREAD_RUNNING] = "running",
		[THREAD_TERMINATED] = "terminated",
		[THREAD_INITIALIZING] = "initializing",
		[THREAD_WAITING] = "waiting",
	};

	return (uint32_t)state < THREAD_STATES ? names[state] : "no state";
}

bool thread_edge_is_legal(enum thread_state from, enum thread_state to)
{
	static const uint8_t next[THREAD_STATES] = {
		[THREAD_FREE] = 1 << THREAD_INITIALIZING,
		[THREAD_INITIALIZING] = 1 << THREAD_READY | 1 << THREAD_FREE,
		[THREAD_READY] = 1 << THREAD_RUNNING,
		[THREAD_RUNNING] = 1 << THREAD_READY | 1 << THREAD_WAITING | 1 << THREAD_TERMINATED,
		[THREAD_WAITING] = 1 << THREAD_READY,
		[THREAD_TERMINATED] = 1 << THREAD_FREE,
	};

	if ((uint32_t)from >= THREAD_STATES || (uint32_t)to >= THREAD_STATES) return false;
	return (next[from] >> to & 1) != 0;
}

static NORETURN void thread_refuse(const struct thread *t, uint64_t word, const char *wanted,
				   enum thread_state to)
{
	kpanic("thread-state", "slot %u, generation %u: %s, wanted %s -> %s", t->slot,
	       thread_word_generation(word), thread_state_name(thread_word_state(word)), wanted,
	       thread_state_name(to));
}

bool thread_move(struct thread *t, uint64_t was, enum thread_state to, uint32_t flags,
		 uint32_t clear)
{
	ASSERT_SLOW(((flags | clear) & ~0xff00u) == 0 && thread_word_generation(was) != 0);
	if (UNLIKELY(!thread_edge_is_legal(thread_word_state(was), to)))
		thread_refuse(t, was, thread_state_name(thread_word_state(was)), to);
	return atomic_change_u64(&t->word, was, thread_word_after(was, to, flags, clear));
}

uint64_t thread_must_move(struct thread *t, enum thread_state from, enum thread_state to,
			  uint32_t flags, uint32_t clear)
{
	uint64_t was;

	do {
		was = atomic_load_u64(&t->word);
		if (UNLIKELY(thread_word_state(was) != from))
			thread_refuse(t, was, thread_state_name(from), to);
	} while (!thread_move(t, was, to, flags, clear));
	return was;
}

bool thread_mark(struct thread *t, uint64_t was, uint32_t flags)
{
	ASSERT((flags & ~0xff00u) == 0);
	return atomic_change_u64(&t->word, was, was | flags);
}

void thread_unmark(struct thread *t, uint32_t flags)
{
	uint64_t was;

	ASSERT((flags & ~0xff00u) == 0);
	do {
		was = atomic_load_u64(&t->word);
	} while ((was & flags) != 0 && !atomic_change_u64(&t->word, was, was & ~(uint64_t)flags));
}
