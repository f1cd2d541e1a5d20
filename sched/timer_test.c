/*
 * timer_test.c -- the timer queue: every small queue there is, a model for large ones, misuse, and
 * each rule of timer_check() broken once.
 */
#include "sched/timer.h"

#include "machine/host/expect.h"
#include "machine/host/panics.h"
#include "machine/random.h"

enum { SMALL = 6, DEADLINES = 3, MANY = 50000, MODEL = 300 };

static struct timer_queue queue;
static struct timer timers[MANY];
static uint64_t due_ns[MANY]; /* the model: UINT64_MAX when not in the queue */
static uint64_t turn[MANY];   /* and which adding it was */
static uint64_t adds;
static uint32_t fired[MANY];
static uint32_t fired_count;
static struct timer *add_when_fired; /* and what the next to fire adds */
static uint64_t add_deadline_ns;

static struct random lots;

static void note(void *arg, struct timer *timer, uint64_t cookie)
{
	const uint32_t n = (uint32_t)(timer - timers);

	EXPECT(arg == &queue && mach_irq_masked() && fired_count < MANY);
	EXPECT(cookie == turn[n] && timer->deadline_ns == UINT64_MAX);
	fired[fired_count++] = n;
	due_ns[n] = UINT64_MAX;
	if (add_when_fired == NULL) return;
	const uint32_t other = (uint32_t)(add_when_fired - timers);
	add_when_fired = NULL;
	due_ns[other] = add_deadline_ns;
	turn[other] = ++adds;
	(void)timer_add(&queue, &timers[other], add_deadline_ns, adds);
}

static void sound(void)
{
	const char *why = timer_check(&queue);
	if (why != NULL) kpanic("walk", "%s", why);
}

static void make(uint32_t count)
{
	timer_queue_init(&queue, 0);
	adds = fired_count = 0;
	add_when_fired = NULL;
	for (uint32_t i = 0; i < count; i++) {
		timer_init(&timers[i], note);
		due_ns[i] = UINT64_MAX;
	}
}

static bool before(uint32_t a, uint32_t b)
{
	return due_ns[a] != due_ns[b] ? due_ns[a] < due_ns[b] : turn[a] < turn[b];
}

/* The earliest of the first `count` by the model, or `count`. */
static uint32_t model_first(uint32_t count)
{
	uint32_t first = count;

	for (uint32_t i = 0; i < count; i++)
		if (due_ns[i] != UINT64_MAX && (first == count || before(i, first))) first = i;
	return first;
}

static void add(uint32_t n, uint64_t deadline_ns, uint32_t count)
{
	due_ns[n] = deadline_ns;
	turn[n] = ++adds;
	const bool first = timer_add(&queue, &timers[n], deadline_ns, turn[n]);
	EXPECT(first == (model_first(count) == n));
}

static void cancel(uint32_t n)
{
	EXPECT(timer_cancel(&queue, &timers[n]) == (due_ns[n] != UINT64_MAX));
	EXPECT(!timer_cancel(&queue, &timers[n]));
	due_ns[n] = UINT64_MAX;
}

static uint32_t run(uint64_t now_ns)
{
	const mach_irq_t was = mach_irq_save();
	const uint32_t count = timer_run(&queue, now_ns, &queue);

	mach_irq_restore(was);
	return count;
}

/* Runs the queue up to `now_ns`, and demands what the model says, in its order. */
static void run_like_model(uint64_t now_ns, uint32_t count)
{
	static uint64_t was_due[MANY];
	static uint32_t expected[MANY];
	uint32_t want = 0;

	memcpy(was_due, due_ns, count * sizeof due_ns[0]);
	for (;;) {
		const uint32_t first = model_first(count);
		if (first == count || due_ns[first] > now_ns) break;
		expected[want++] = first;
		due_ns[first] = UINT64_MAX;
	}
	memcpy(due_ns, was_due, count * sizeof due_ns[0]);
	fired_count = 0;
	EXPECT(run(now_ns) == want && fired_count == want);
	EXPECT(memcmp(fired, expected, want * sizeof fired[0]) == 0);
	const uint32_t first = model_first(count);
	EXPECT(timer_next_ns(&queue) == (first == count ? UINT64_MAX : due_ns[first]));
}

/* --- every small queue ------------------------------------------------------------------------ */

/* SMALL timers with the deadlines that the digits of `code` say, some of them cancelled; one of
 * these is added again. */
static void small_queue(uint32_t code, uint32_t cancelled, bool again)
{
	make(SMALL);
	for (uint32_t i = 0; i < SMALL; i++, code /= DEADLINES) add(i, code % DEADLINES, SMALL);
	for (uint32_t i = 0; i < SMALL; i++)
		if (cancelled >> i & 1) cancel(i);
	sound();
	if (again && cancelled != 0) add(bit_lowest(cancelled), 1, SMALL);
	sound();
	run_like_model(0, SMALL);
	sound();
	run_like_model(UINT64_MAX - 1, SMALL);
	EXPECT(queue.count == 0 && queue.first == NULL);
}

static void test_every_small_queue(void)
{
	uint32_t codes = 1;

	for (uint32_t i = 0; i < SMALL; i++) codes *= DEADLINES;
	for (uint32_t code = 0; code < codes; code++)
		for (uint32_t cancelled = 0; cancelled < 1u << SMALL; cancelled++)
			small_queue(code, cancelled, (code ^ cancelled) & 1);
}

/* After taking the first, children have been melded in pairs: every shape a few takes make, and a
 * cancel in every position of it. */
static void test_cancel_in_every_position(void)
{
	enum { COUNT = 24 };

	for (uint32_t takes = 0; takes < COUNT; takes++) {
		for (uint32_t n = 0; n < COUNT; n++) {
			make(COUNT);
			for (uint32_t i = 0; i < COUNT; i++) add(i, i * 7 % COUNT, COUNT);
			for (uint32_t i = 0; i < takes; i++) run_like_model(i, COUNT);
			cancel(n);
			sound();
			run_like_model(COUNT, COUNT);
			EXPECT(queue.count == 0);
		}
	}
}

/* --- a model ---------------------------------------------------------------------------------- */

static void test_against_model(uint64_t seed)
{
	uint64_t now_ns = 0;

	lots.state = seed;
	make(MODEL);
	for (uint32_t step = 0; step < 2000; step++) {
		const uint32_t n = random_below(&lots, MODEL);
		switch (random_below(&lots, 8)) {
		case 0:
			now_ns += random_below(&lots, 200);
			run_like_model(now_ns, MODEL);
			break;
		case 1:
		case 2: cancel(n); break;
		default:
			if (due_ns[n] != UINT64_MAX) cancel(n);
			add(n, now_ns + random_below(&lots, 1000), MODEL);
			break;
		}
		if (step % 8 == 0) sound();
	}
	run_like_model(UINT64_MAX - 1, MODEL);
	EXPECT(queue.count == 0);
}

/* --- very many -------------------------------------------------------------------------------- */

static uint64_t deadline_of(uint32_t shape, uint32_t i)
{
	if (shape == 0) return i;
	if (shape == 1) return MANY - i;
	if (shape == 2) return 5;
	return (uint64_t)i * 40503 % MANY;
}

/* A chain, a star, equal deadlines, and a mixture; a third of them cancelled. */
static void test_very_many(uint32_t shape)
{
	make(MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		due_ns[i] = deadline_of(shape, i);
		turn[i] = ++adds;
		(void)timer_add(&queue, &timers[i], due_ns[i], turn[i]);
	}
	sound();
	for (uint32_t i = 0; i < MANY; i += 3) cancel(i);
	sound();
	/* note() forgets deadlines: the order is looked at with a copy. */
	static uint64_t deadline[MANY];
	memcpy(deadline, due_ns, sizeof due_ns);
	EXPECT(run(MANY / 2) <= MANY);
	sound();
	(void)run(UINT64_MAX - 1);
	EXPECT(queue.count == 0 && fired_count == MANY - (MANY + 2) / 3);
	for (uint32_t i = 1; i < fired_count; i++) {
		const uint32_t a = fired[i - 1], b = fired[i];
		EXPECT(deadline[a] < deadline[b] ||
		       (deadline[a] == deadline[b] && turn[a] < turn[b]));
	}
}

/* --- what fire() may do ----------------------------------------------------------------------- */

static void test_adding_while_firing(void)
{
	make(3);
	add(0, 10, 3);
	add(1, 20, 3);
	add_when_fired = &timers[0]; /* itself, later */
	add_deadline_ns = 30;
	EXPECT(run(15) == 1 && due_ns[0] == 30 && queue.count == 2);
	add_when_fired = &timers[2]; /* another, due already: fires in the same run */
	add_deadline_ns = 5;
	EXPECT(run(25) == 2 && fired[fired_count - 2] == 1 && fired[fired_count - 1] == 2);
	sound();
	EXPECT(run(29) == 0 && run(30) == 1 && fired[fired_count - 1] == 0);
}

/* The number of an adding is not the number of timers: it goes on where the queue was empty. */
static void test_order_goes_on(void)
{
	make(2);
	add(0, 1, 2);
	EXPECT(run(1) == 1);
	add(1, 9, 2);
	add(0, 9, 2);
	EXPECT(timers[1].order == 1 && timers[0].order == 2);
	EXPECT(run(9) == 2 && fired[1] == 1 && fired[2] == 0);
}

/* --- misuse ----------------------------------------------------------------------------------- */

static void add_twice(void *arg)
{
	(void)arg;
	timer_add(&queue, &timers[0], 1, 0);
	timer_add(&queue, &timers[0], 2, 0);
}

static void add_never(void *arg)
{
	(void)arg;
	timer_add(&queue, &timers[0], UINT64_MAX, 0);
}

static void add_nothing(void *arg)
{
	(void)arg;
	timer_init(&timers[0], NULL);
	timer_add(&queue, &timers[0], 1, 0);
}

static void run_unmasked(void *arg)
{
	(void)arg;
	timer_run(&queue, 1, &queue);
}

static void cancel_elsewhere(void *arg)
{
	static struct timer_queue other;
	(void)arg;
	timer_queue_init(&other, 1);
	timer_add(&queue, &timers[0], 1, 0);
	timer_cancel(&other, &timers[0]);
}

static void test_misuse(void)
{
	void (*const wrong[])(void *) = { add_twice, add_never, add_nothing, run_unmasked,
					  cancel_elsewhere };
	for (uint32_t i = 0; i < COUNT_OF(wrong); i++) {
		make(1);
		expect_panic(0, wrong[i], NULL, "assert", "misuse");
	}
}

/* --- the check -------------------------------------------------------------------------------- */

static void broken(const char *rule)
{
	const char *why = timer_check(&queue);
	EXPECT(why != NULL && memcmp(why, rule, 2) == 0);
}

static void make_damaged(void)
{
	make(5);
	for (uint32_t i = 0; i < 5; i++) add(i, 10 + i, 5);
	(void)run(10);
	sound();
}

static void test_check(void)
{
	make_damaged();
	queue.first->child->deadline_ns = queue.first->deadline_ns - 1;
	broken("T1");
	make_damaged();
	queue.first->child->prev = &timers[0];
	broken("T2");
	make_damaged();
	queue.first->child->next = NULL; /* one is lost */
	broken("T3");
	make_damaged();
	queue.first->next = &timers[0];
	broken("T2");
	make_damaged();
	queue.first->child->cpu = 1;
	broken("T3");
	make_damaged();
	queue.first->child->order = queue.added;
	broken("T3");
	make_damaged();
	queue.count++;
	broken("T3");
	make_damaged();
	queue.first->deadline_ns--;
	broken("T4");
}

int main(void)
{
	host_cpus_open(1);
	test_every_small_queue();
	test_cancel_in_every_position();
	for (uint64_t seed = 1; seed <= 12; seed++) test_against_model(seed);
	for (uint32_t shape = 0; shape < 4; shape++) test_very_many(shape);
	test_adding_while_firing();
	test_order_goes_on();
	test_misuse();
	test_check();
	host_cpus_close();
	return 0;
}
