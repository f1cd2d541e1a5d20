/*
 * sched_lives.c -- the threads of a world, and what they live for.
 *
 * Every thread has a record, from before it is spawned until the scheduler says that it was reaped.
 * A thread begins once, under an id that nobody had before, in a slot that nobody has; it ends as
 * it says itself; and is reaped once after that, with the stack and the code that are its own.
 *
 * A lane's operations are performed by threads in turn: when one was killed, or an operation says
 * so, it ends, and another goes on with the next operation.  It spawns that one itself if there is
 * a slot; else the one thread that takes care does it.
 *
 * That one is never killed and is the last to end.  It waits until a CPU with nothing to do finds
 * that nobody can go on by himself: every thread waits, without a deadline or for other lanes to
 * come.  Then it gives a unit to each queue at which somebody waits without a deadline, and calls
 * everybody where somebody waits for a call, so that any script comes to an end; and where it did
 * so many times and nobody has done anything, a wake-up was lost.
 *
 * A spawn that is refused has first had all the dead reaped that were waiting for that.
 *
 * The stacks are names: pieces of the arena that nothing is written to, one for each record, so
 * what one has had is soon another's.
 *
 * Compiled without points, and records are changed in one piece.  Locks: none.
 */
#include "fuzz/frame/must.h"
#include "fuzz/sched_world.h"

enum {
	CARE_PATIENCE = 64, /* times that nothing is done after it took care */
	STACKS_AT = 4 << 20,
	STEPS = 3,
};

static struct {
	struct life life[LIVES];
	thread_id heard[HEARD];
	uint32_t generation[SLOTS_MAX];
	uint32_t begun;   /* threads, ever */
	uint32_t spawns;  /* calls that were begun, ever */
	uint32_t count;   /* records in use */
	uint32_t due;     /* lanes that need a thread, by bit */
	uint32_t telling; /* CPUs that have reaped somebody, and have not told of it yet */
	uint64_t done;    /* counted by lives_progress() */
	bool started, over;
} world;

void lives_open(struct run *run)
{
	(void)run;
	memset(&world, 0, sizeof(world));
	for (uint32_t i = 0; i < LIVES; i++) world.life[i].number = i;
}

uint32_t lives_count(void)
{
	return world.count;
}

bool lives_over(void)
{
	return world.over;
}

void lives_progress(void)
{
	world.done++;
}

thread_id lives_heard(uint32_t n)
{
	return world.heard[n % HEARD];
}

thread_id lives_of_lane(unsigned lane)
{
	for (uint32_t i = 0; i < LIVES; i++)
		if (world.life[i].state == LIFE_RUNS && world.life[i].lane == lane)
			return world.life[i].id;
	return THREAD_NONE;
}

struct life *life_with(thread_id id)
{
	for (uint32_t i = 0; i < LIVES; i++)
		if (world.life[i].state != LIFE_NONE && world.life[i].id == id && id != THREAD_NONE)
			return &world.life[i];
	return NULL;
}

struct life *life_of(const struct run *run)
{
	const struct thread *t = sched_of(run)->cpu[mach_cpu()].current;
	return t == NULL ? NULL : t->owner;
}

unsigned lives_lane_now(struct run *run)
{
	const struct life *me = life_of(run);
	return me == NULL ? RUN_NO_LANE : me->lane;
}

static uint64_t stack_of(const struct run *run, const struct life *life)
{
	return (uintptr_t)run->machine->arena + STACKS_AT +
	       (uint64_t)life->number * LIFE_STACK_BYTES;
}

/* --- a thread's life -------------------------------------------------------------------------- */

static void begins(struct run *run, struct life *me)
{
	const thread_id id = thread_id_of(sched_current(sched_of(run)));
	const uint32_t slot = (uint32_t)id, generation = (uint32_t)(id >> 32);
	if (me->state != LIFE_SPAWNED || (me->id != THREAD_NONE && me->id != id))
		kpanic(ORACLE_SLOT_REUSE, "thread %u begins, and has before", slot);
	if (generation <= world.generation[slot])
		kpanic(ORACLE_SLOT_REUSE, "slot %u is given under the same id again", slot);
	for (uint32_t i = 0; i < LIVES; i++)
		if (world.life[i].state == LIFE_RUNS && (uint32_t)world.life[i].id == slot)
			kpanic(ORACLE_SLOT_REUSE, "slot %u is given twice", slot);
	world.generation[slot] = generation;
	me->id = id;
	me->state = LIFE_RUNS;
	if (me->way != WAY_CARE) world.heard[world.begun++ % HEARD] = id;
	lives_progress();
}

static void ends(struct run *run, struct life *me)
{
	owned_unlock_all(run, me);
	if (thread_id_of(sched_current(sched_of(run))) != me->id)
		kpanic(ORACLE_THREAD_STATE, "thread %u is not itself at its end", me->number);
	me->state = LIFE_ENDED;
	lives_progress();
	if (me->code != 0) sched_exit(sched_of(run), me->code);
}

static void lane_goes_on(struct run *run, unsigned lane)
{
	const struct life_how how = { .way = WAY_LANE,
				      .lane = (uint8_t)lane,
				      .priority = PRIORITY_NORMAL,
				      .class = SLOT_USER };
	world.due &= ~(1u << lane);
	if (!life_spawn(run, &how)) world.due |= 1u << lane;
}

static void lives_a_lane(struct run *run, struct life *me)
{
	if (run_lane(run, me->lane)) return;
	run_sometimes(run, SAW_LANE_WENT_ON);
	owned_unlock_all(run, me);
	const unsigned lane = me->lane;
	me->lane = RUN_NO_LANE;
	lane_goes_on(run, lane);
}

static void lives_one_step(struct run *run, struct life *me)
{
	struct sched *s = sched_of(run);
	switch (me->way) {
	case WAY_YIELDS: sched_yield_cpu(s); break;
	case WAY_SLEEPS: {
		const uint64_t until = mach_now_ns() + SLICE_NS / 2;
		wait_judge(me, sched_sleep_until(s, until), until);
		break;
	}
	case WAY_WAITS: queue_wait(run, me, me->number % QUEUES, WAIT_FOREVER); break;
	case WAY_POSTS: queue_post(run, me->number % QUEUES, 1, me->number % 2 != 0); break;
	case WAY_LOCKS:
		if (owned_lock(run, me, me->number % MUTEXES, WAIT_FOREVER) == WAIT_WOKEN) {
			sched_yield_cpu(s);
			owned_unlock(run, me, me->number % MUTEXES);
		}
		break;
	case WAY_WORKS: does_pass(run, 20); break;
	case WAY_SPAWNS: {
		const struct life_how how = { WAY_YIELDS, RUN_NO_LANE, PRIORITY_NORMAL, 0,
					      SLOT_USER };
		life_spawn(run, &how);
		break;
	}
	default: break;
	}
	lives_progress();
}

/* --- taking care ------------------------------------------------------------------------------ */

static void gives_units(struct run *run)
{
	for (uint32_t n = 0; n < QUEUES; n++)
		if (queue_has_forever(run, n)) queue_post(run, n, 1, false);
	for (uint32_t n = 0; n < CALLS; n++)
		if (calls_have_forever(run, n)) calls_make(run, n, (1u << LANES) - 1);
}

static bool waits(const struct run *run, const struct life *life)
{
	const struct thread *t = &sched_state_of(run)->threads[(uint32_t)life->id];
	if (life->state != LIFE_RUNS || thread_word_state(t->word) != THREAD_WAITING) return false;
	return life->pauses || t->wait_until_ns == WAIT_FOREVER;
}

static bool care_is_wanted(struct run *run)
{
	bool wanted = world.due != 0 || world.count == 1;
	for (uint32_t i = 0; i < LIVES; i++)
		if (world.life[i].state != LIFE_NONE && !waits(run, &world.life[i])) return false;
	if (world.telling == 0) sleepers_at_rest(run);
	for (uint32_t n = 0; n < QUEUES; n++) wanted |= queue_has_forever(run, n);
	for (uint32_t n = 0; n < CALLS; n++) wanted |= calls_have_forever(run, n);
	return wanted;
}

static void care_is_asked_for(struct run *run)
{
	struct queue *q = &sched_state_of(run)->care;
	const mach_irq_t was = wait_enter(&q->wait);
	queue_add_units(q, 1);
	wait_wake_one(sched_of(run), &q->wait);
	wait_leave(&q->wait, was);
}

static void waits_for_care(struct run *run)
{
	struct queue *q = &sched_state_of(run)->care;
	const mach_irq_t was = wait_enter(&q->wait);
	while (!queue_take_unit(q)) wait_sleep(sched_of(run), &q->wait, WAIT_FOREVER);
	wait_leave(&q->wait, was);
}

static void takes_care(struct run *run)
{
	uint32_t patience = CARE_PATIENCE;
	while (world.count > 1 || world.due != 0) {
		const uint64_t done = world.done;
		waits_for_care(run);
		for (unsigned lane = 0; lane < LANES; lane++)
			if ((world.due >> lane & 1) != 0) lane_goes_on(run, lane);
		gives_units(run);
		patience = world.done == done ? patience - 1 : CARE_PATIENCE;
		if (patience == 0)
			kpanic(ORACLE_LOST_WAKE, "%u threads, and none does anything",
			       world.count - 1);
	}
}

static void lives(void *arg)
{
	struct life *me = arg;
	struct run *run = must_run();
	begins(run, me);
	if (me->way == WAY_LANE)
		lives_a_lane(run, me);
	else if (me->way == WAY_CARE)
		takes_care(run);
	else if (me->way != WAY_ENDS)
		for (int i = 0; i < STEPS; i++) lives_one_step(run, me);
	ends(run, me);
}

/* A lane at a meeting point.  Who was killed cannot sleep: another thread waits there. */
void lives_pause(struct run *run)
{
	struct life *me = life_of(run);
	owned_unlock_all(run, me);
	me->pauses = true;
	if (sched_sleep_until(sched_of(run), mach_now_ns() + 2 * SLICE_NS) == WAIT_KILLED)
		run_lane_stops(run);
	me->pauses = false;
}

/* --- spawning and reaping --------------------------------------------------------------------- */

static struct life *record_claim(const struct life_how *how)
{
	for (uint32_t i = 0; i < LIVES; i++) {
		struct life *life = &world.life[i];
		if (life->state != LIFE_NONE) continue;
		*life = (struct life){ .number = i,
				       .state = LIFE_SPAWNED,
				       .way = how->way,
				       .lane = how->lane,
				       .spawn = ++world.spawns,
				       .code = world.spawns % 4 };
		world.count++;
		return life;
	}
	return NULL;
}

/* Dead threads in the queues of the dead: their words, by slot; 0: that one is not. */
struct dead {
	uint64_t word[SLOTS_MAX];
};

static void note_dead(const struct sched *s, struct dead *dead)
{
	for (uint32_t i = 0; i < s->table.slots; i++) {
		const struct thread *t = &s->table.threads[i];
		const bool queued = thread_word_state(t->word) == THREAD_TERMINATED &&
				    list_linked(&t->slot_link);
		dead->word[i] = queued ? t->word : 0;
	}
}

/* None, where somebody changes the queues at this moment. */
static void note_dead_before(const struct sched *s, struct dead *dead)
{
	memset(dead, 0, sizeof(*dead));
	if (s->table.lock.next == s->table.lock.serving) note_dead(s, dead);
}

/* Who finds no slot has the dead reaped: of those that were queued before, none is now. */
static void judge_reaping(const struct sched *s, const struct dead *before)
{
	struct dead now;
	note_dead(s, &now);
	for (uint32_t i = 0; i < s->table.slots; i++)
		if (now.word[i] != 0 && now.word[i] == before->word[i])
			kpanic(ORACLE_MUST_SUCCEED, "no slot for a thread, and %u has a dead one",
			       i);
}

/* While nobody else spawned, there cannot have been more threads than at first. */
static void judge_refusal(struct run *run, uint32_t others, uint32_t spawns)
{
	const struct thread_table *table = &sched_of(run)->table;
	run_sometimes(run, SAW_FULL);
	if (spawns == world.spawns && others < table->slots - table->reserved)
		kpanic(ORACLE_MUST_SUCCEED, "no slot for a thread, and %u of %u are taken", others,
		       table->slots);
}

bool life_spawn(struct run *run, const struct life_how *how)
{
	struct life *life = record_claim(how);
	if (life == NULL) return false;
	const uint32_t others = world.count - 1, spawns = world.spawns;
	const struct thread_how thread = {
		.entry = lives,
		.arg = life,
		.stack = stack_of(run, life),
		.stack_bytes = LIFE_STACK_BYTES,
		.owner = life,
		.class = how->class,
		.priority = how->priority,
		.affinity = how->affinity,
	};
	struct dead dead;
	note_dead_before(sched_of(run), &dead);
	const thread_id id = sched_spawn(sched_of(run), &thread);
	if (id == THREAD_NONE) {
		judge_reaping(sched_of(run), &dead);
		life->state = LIFE_NONE;
		world.count--;
		judge_refusal(run, others, spawns);
		return false;
	}
	/* It may have begun, have ended, and its record may be another's. */
	if (life->state == LIFE_SPAWNED && life->id == THREAD_NONE && life->spawn == spawns)
		life->id = id;
	return true;
}

void lives_reaped(void *arg, const struct thread_gone *gone)
{
	struct run *run = arg;
	struct sched *s = sched_of(run);
	struct life *life = gone->owner;
	if (life->state != LIFE_ENDED || life->id != gone->id)
		kpanic(ORACLE_SLOT_REUSE, "slot %u is reaped, and it has not ended",
		       (uint32_t)gone->id);
	if (gone->exit_code != life->code || gone->stack != stack_of(run, life))
		kpanic(ORACLE_CONTENT, "thread %u left code %lu and a stack, not %lu and its own",
		       life->number, (unsigned long)gone->exit_code, (unsigned long)life->code);
	mach_stack_gone(gone->stack, gone->stack_bytes);
	run_sometimes(run, SAW_REAP_AFTER_SWITCH + (unsigned)s->config.reap);
	life->state = LIFE_NONE;
	world.count--;
	world.telling++;
	lives_progress();
	ends_told(run);
	world.telling--;
	if (life->way != WAY_CARE) return;
	world.over = true;
	for (uint32_t cpu = 0; cpu < s->config.cpus; cpu++)
		if (atomic_load_u32(&s->cpu[cpu].online) != 0) mach_ipi(cpu);
}

bool lives_idle(void *run, uint32_t cpu)
{
	(void)cpu;
	sleepers_judge(run);
	if (!world.over && care_is_wanted(run)) care_is_asked_for(run);
	return !world.over;
}

void lives_start(struct run *run)
{
	const struct life_how care = { WAY_CARE, RUN_NO_LANE, 0, 0, SLOT_SYSTEM };
	world.due = (1u << LANES) - 1;
	if (!life_spawn(run, &care)) kpanic(ORACLE_MUST_SUCCEED, "no slot for the first thread");
	for (unsigned lane = 0; lane < LANES; lane++)
		if ((world.due >> lane & 1) != 0) lane_goes_on(run, lane);
}
