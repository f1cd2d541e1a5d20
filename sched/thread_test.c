/*
 * thread_test.c -- the six states and every pair of them, moves that come late, slots of the
 * documents' layout and of others, cooldown, generations, and each rule of the check broken once.
 */
#include "sched/thread.h"

#include "machine/host/arena.h"
#include "machine/host/expect.h"
#include "machine/host/panics.h"

enum { SLOTS = 32, RESERVED = 8, COOLDOWN_NS = 10000000, MANY = 5000 };

static struct thread threads[MANY];
static struct thread_table table;

static void sound(void)
{
	const char *why = thread_table_check(&table);
	if (why != NULL) kpanic("walk", "%s", why);
}

static void make(uint32_t slots, uint32_t reserved, uint64_t cooldown_ns)
{
	host_reset();
	memset(threads, 0xa5, sizeof threads); /* of any contents */
	thread_table_init(&table, threads, slots, reserved, cooldown_ns);
	sound();
}

/* --- states ----------------------------------------------------------------------------------- */

/* Rows from, columns to, in the order of enum thread_state: free, ready, running, terminated,
 * initializing, waiting. */
static const char *const edges[THREAD_STATES] = {
	"....x.", "..x...", ".x.x.x", "x.....", "xx....", ".x....",
};

struct wanted_move {
	enum thread_state from, to;
	bool must;
};

static uint64_t word_in(enum thread_state state)
{
	return 7ull << 32 | 3u << 16 | THREAD_TIMEOUT | (uint64_t)state;
}

static void do_move(void *arg)
{
	const struct wanted_move *m = arg;
	struct thread *t = &threads[0];

	t->word = word_in(m->from);
	if (m->must)
		EXPECT(thread_must_move(t, m->from, m->to, 0, 0) == word_in(m->from));
	else
		EXPECT(thread_move(t, word_in(m->from), m->to, 0, 0));
}

static void test_edges(void)
{
	for (uint32_t from = 0; from < THREAD_STATES; from++) {
		for (uint32_t to = 0; to < THREAD_STATES; to++) {
			const bool legal = edges[from][to] == 'x';
			struct wanted_move m = { from, to, false };
			EXPECT(thread_edge_is_legal(from, to) == legal);
			for (int must = 0; must < 2; must++) {
				m.must = must != 0;
				expect_panic(0, do_move, &m, legal ? NULL : "thread-state", "edge");
				const uint64_t word = threads[0].word;
				EXPECT(thread_word_state(word) == (legal ? to : from));
			}
		}
	}
	EXPECT(!thread_edge_is_legal(THREAD_STATES, THREAD_FREE));
	EXPECT(!thread_edge_is_legal(THREAD_FREE, THREAD_STATES));
}

/* From a state that the thread is not in. */
static void move_from_elsewhere(void *arg)
{
	(void)arg;
	threads[0].word = word_in(THREAD_WAITING);
	thread_must_move(&threads[0], THREAD_RUNNING, THREAD_READY, 0, 0);
}

static void test_words(void)
{
	struct thread *t = &threads[0];
	t->word = word_in(THREAD_RUNNING);

	/* Flags are set and cleared; a wait is counted; the generation stays. */
	EXPECT(thread_move(t, t->word, THREAD_WAITING, THREAD_KILLED, THREAD_TIMEOUT));
	EXPECT(t->word == (7ull << 32 | 4u << 16 | THREAD_KILLED | THREAD_WAITING));
	/* Of two that would wake it from this wait one does, and from an earlier one nobody. */
	const uint64_t seen = t->word;
	EXPECT(!thread_move(t, seen - (1 << 16), THREAD_READY, 0, 0) && t->word == seen);
	EXPECT(thread_move(t, seen, THREAD_READY, 0, THREAD_KILLED));
	EXPECT(!thread_move(t, seen, THREAD_READY, 0, 0));
	EXPECT(t->word == (7ull << 32 | 4u << 16 | THREAD_READY));
	/* A mark changes no state, and comes too late for a word that has moved on. */
	EXPECT(!thread_mark(t, seen, THREAD_KILLED));
	EXPECT(thread_mark(t, t->word, THREAD_KILLED));
	EXPECT(t->word == (7ull << 32 | 4u << 16 | THREAD_KILLED | THREAD_READY));
	/* The count of waits wraps into nothing else. */
	t->word = 7ull << 32 | 0xffffu << 16 | THREAD_RUNNING;
	EXPECT(thread_move(t, t->word, THREAD_WAITING, 0, 0));
	EXPECT(t->word == (7ull << 32 | THREAD_WAITING));
	expect_panic(0, move_from_elsewhere, NULL, "thread-state", "from another state");
	for (uint32_t s = 0; s < THREAD_STATES; s++)
		for (uint32_t o = 0; o < s; o++)
			EXPECT(strcmp(thread_state_name(s), thread_state_name(o)) != 0);
	EXPECT(strcmp(thread_state_name(THREAD_STATES), "no state") == 0);
}

/* --- slots ------------------------------------------------------------------------------------ */

/* Claims until none is left; the slots must be these, in this order. */
static void claim_all(enum slot_class class, uint32_t first, uint32_t end)
{
	for (uint32_t slot = first; slot < end; slot++) {
		struct thread *t = thread_claim(&table, class);
		EXPECT(t == &threads[slot] && t->slot == slot);
		EXPECT(thread_word_state(t->word) == THREAD_INITIALIZING);
		EXPECT(!list_linked(&t->run_link) && !list_linked(&t->wait_link));
		EXPECT(t->timer.deadline_ns == UINT64_MAX && t->switches == 0);
	}
}

static void end_life(struct thread *t)
{
	thread_must_move(t, THREAD_INITIALIZING, THREAD_READY, 0, 0);
	thread_must_move(t, THREAD_READY, THREAD_RUNNING, 0, 0);
	thread_must_move(t, THREAD_RUNNING, THREAD_TERMINATED, 0, 0);
}

static void release(uint32_t slot)
{
	end_life(&threads[slot]);
	thread_release(&table, &threads[slot]);
}

/* 0 boot, 1 network, 2 to 7 system, 8 and above users'. */
static void test_documents_layout(void)
{
	make(SLOTS, RESERVED, 0);
	claim_all(SLOT_USER, 8, 32);
	EXPECT(thread_claim(&table, SLOT_USER) == NULL && thread_count(&table) == 24);
	claim_all(SLOT_SYSTEM, 0, 8);
	EXPECT(thread_claim(&table, SLOT_SYSTEM) == NULL && thread_count(&table) == 32);
	sound();
	/* At each boundary: what comes free goes to whom it may go, and to nobody else. */
	static const uint32_t boundary[] = { 0, 1, 2, 7, 8, 31 };
	for (uint32_t i = 0; i < COUNT_OF(boundary); i++) {
		const uint32_t slot = boundary[i];
		const thread_id old = thread_id_of(&threads[slot]);
		release(slot);
		sound();
		struct thread *user = thread_claim(&table, SLOT_USER);
		EXPECT((user == NULL) == (slot < RESERVED));
		if (user == NULL) EXPECT(thread_claim(&table, SLOT_SYSTEM) == &threads[slot]);
		EXPECT(thread_id_of(&threads[slot]) == old + (1ull << 32));
	}
	/* A system thread takes a reserved slot first, then any. */
	release(20);
	release(3);
	EXPECT(thread_claim(&table, SLOT_SYSTEM) == &threads[3]);
	EXPECT(thread_claim(&table, SLOT_SYSTEM) == &threads[20]);
	EXPECT(thread_claim(&table, SLOT_SYSTEM) == NULL);
	sound();
}

/* All layouts of small tables. */
static void test_layouts(void)
{
	for (uint32_t slots = 1; slots <= 9; slots++) {
		for (uint32_t reserved = 0; reserved <= slots; reserved++) {
			make(slots, reserved, 0);
			claim_all(SLOT_USER, reserved, slots);
			EXPECT(thread_claim(&table, SLOT_USER) == NULL);
			claim_all(SLOT_SYSTEM, 0, reserved);
			EXPECT(thread_claim(&table, SLOT_SYSTEM) == NULL);
			make(slots, reserved, 0);
			claim_all(SLOT_SYSTEM, 0, slots);
			EXPECT(thread_claim(&table, SLOT_USER) == NULL);
			for (uint32_t i = 0; i < slots; i++) thread_abandon(&table, &threads[i]);
			sound();
			EXPECT(thread_count(&table) == 0);
		}
	}
}

static void test_oldest_first(void)
{
	make(MANY, 0, 0);
	claim_all(SLOT_USER, 0, MANY);
	for (uint32_t i = 0; i < MANY; i++) release((i * 7 + 3) % MANY);
	sound();
	for (uint32_t i = 0; i < MANY; i++)
		EXPECT(thread_claim(&table, SLOT_USER) == &threads[(i * 7 + 3) % MANY]);
	EXPECT(thread_count(&table) == MANY);
}

static void test_cooldown(void)
{
	make(SLOTS, RESERVED, COOLDOWN_NS);
	claim_all(SLOT_USER, 8, 32); /* a new table is cold */
	host_clock_advance(1000);
	release(9);
	host_clock_advance(5);
	release(8);
	EXPECT(thread_claim(&table, SLOT_USER) == NULL);
	host_clock_advance(COOLDOWN_NS - 6);
	EXPECT(thread_claim(&table, SLOT_USER) == NULL);
	host_clock_advance(1);
	EXPECT(thread_claim(&table, SLOT_USER) == &threads[9]);
	EXPECT(thread_claim(&table, SLOT_USER) == NULL);
	host_clock_advance(5);
	EXPECT(thread_claim(&table, SLOT_USER) == &threads[8]);
	sound();
	/* What was never published cools down too; a system's thread passes over it. */
	claim_all(SLOT_SYSTEM, 0, 8);
	thread_abandon(&table, &threads[4]);
	EXPECT(thread_claim(&table, SLOT_SYSTEM) == NULL);
	sound();
}

static void test_ids(void)
{
	make(4, 0, 0);
	struct thread *t = thread_claim(&table, SLOT_USER);
	const thread_id id = thread_id_of(t);

	EXPECT(id == 1ull << 32 && id != THREAD_NONE);
	EXPECT(thread_find(&table, id) == NULL); /* not published */
	thread_must_move(t, THREAD_INITIALIZING, THREAD_READY, 0, 0);
	EXPECT(thread_find(&table, id) == t);
	EXPECT(thread_find(&table, id + 1) == NULL && thread_find(&table, id + 4) == NULL);
	EXPECT(thread_find(&table, id + UINT32_MAX) == NULL);
	EXPECT(thread_find(&table, THREAD_NONE) == NULL);
	thread_must_move(t, THREAD_READY, THREAD_RUNNING, 0, 0);
	thread_must_move(t, THREAD_RUNNING, THREAD_TERMINATED, 0, 0);
	EXPECT(thread_find(&table, id) == t);
	thread_release(&table, t);
	EXPECT(thread_find(&table, id) == NULL && thread_find(&table, id + (1ull << 32)) == NULL);
	/* The last generation, and the one after it. */
	t->word = (uint64_t)UINT32_MAX << 32 | THREAD_TERMINATED | THREAD_KILLED | 5u << 16;
	list_remove(&t->slot_link);
	table.live++;
	thread_release(&table, t);
	EXPECT(t->word == (1ull << 32 | THREAD_FREE));
	sound();
}

/* --- misuse, and checks that fail ------------------------------------------------------------- */

static void release_twice(void *arg)
{
	(void)arg;
	struct thread *t = thread_claim(&table, SLOT_USER);
	end_life(t);
	thread_release(&table, t);
	thread_release(&table, t);
}

static void release_ready(void *arg)
{
	(void)arg;
	struct thread *t = thread_claim(&table, SLOT_USER);
	thread_must_move(t, THREAD_INITIALIZING, THREAD_READY, 0, 0);
	thread_release(&table, t);
}

/* What a reaper does that takes every slot that is not in use for one to be cleaned up. */
static void release_while_claimed(void *arg)
{
	(void)arg;
	thread_release(&table, thread_claim(&table, SLOT_USER));
}

static void abandon_published(void *arg)
{
	(void)arg;
	struct thread *t = thread_claim(&table, SLOT_USER);
	thread_must_move(t, THREAD_INITIALIZING, THREAD_READY, 0, 0);
	thread_abandon(&table, t);
}

static void release_in_run_queue(void *arg)
{
	static struct list queue;
	(void)arg;
	struct thread *t = thread_claim(&table, SLOT_USER);
	end_life(t);
	list_init(&queue);
	list_add_last(&queue, &t->run_link);
	thread_release(&table, t);
}

static void test_misuse(void)
{
	make(SLOTS, RESERVED, 0);
	expect_panic(0, release_twice, NULL, "assert", "released twice");
	make(SLOTS, RESERVED, 0);
	expect_panic(0, release_ready, NULL, "thread-state", "a ready thread released");
	make(SLOTS, RESERVED, 0);
	expect_panic(0, release_while_claimed, NULL, "thread-state", "released while claimed");
	make(SLOTS, RESERVED, 0);
	expect_panic(0, abandon_published, NULL, "thread-state", "abandoned after publishing");
	make(SLOTS, RESERVED, 0);
	expect_panic(0, release_in_run_queue, NULL, "assert", "released in a run queue");
}

static void expect_unsound(const char *rule)
{
	const char *why = thread_table_check(&table);
	if (why == NULL || strncmp(why, rule, 2) != 0)
		kpanic("test", "wanted %s, got %s", rule, why != NULL ? why : "sound");
}

static void test_check(void)
{
	make(SLOTS, RESERVED, COOLDOWN_NS);
	threads[5].slot = 6;
	expect_unsound("S4");
	make(SLOTS, RESERVED, COOLDOWN_NS);
	threads[9].word = THREAD_FREE;
	expect_unsound("S4");
	make(SLOTS, RESERVED, COOLDOWN_NS);
	table.live = 1;
	expect_unsound("S3");
	make(SLOTS, RESERVED, COOLDOWN_NS);
	threads[8].free_ns = 5;
	expect_unsound("S2");
	make(SLOTS, RESERVED, COOLDOWN_NS);
	threads[8].word |= THREAD_TERMINATED;
	expect_unsound("S1");
	make(SLOTS, RESERVED, COOLDOWN_NS);
	list_remove(&threads[12].slot_link);
	expect_unsound("S1");
	make(SLOTS, RESERVED, COOLDOWN_NS);
	list_remove(&threads[12].slot_link);
	list_add_last(&table.free[SLOT_SYSTEM], &threads[12].slot_link);
	expect_unsound("S1");
	make(SLOTS, RESERVED, COOLDOWN_NS);
	threads[10].slot_link.next->prev = &threads[12].slot_link;
	expect_unsound("S1");
	make(SLOTS, RESERVED, COOLDOWN_NS);
	threads[31].slot_link.next = &threads[31].slot_link;
	expect_unsound("S1");
	make(SLOTS, RESERVED, COOLDOWN_NS);
	table.free[SLOT_USER].prev = &threads[30].slot_link;
	expect_unsound("S1");
}

int main(void)
{
	host_arena_open(PAGE_SIZE);
	host_cpus_open(1);
	test_edges();
	test_words();
	test_documents_layout();
	test_layouts();
	test_oldest_first();
	test_cooldown();
	test_ids();
	test_misuse();
	test_check();
	host_cpus_close();
	return 0;
}
