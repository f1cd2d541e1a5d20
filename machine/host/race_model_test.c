/*
 * race_model_test.c -- the race detector against a plainer one, on random runs.
 *
 * The same question asked in the plainest way: all accesses of a run are kept, each with its CPU's
 * clock, and a new one is compared with every one of them, byte by byte.  Runs are drawn at random:
 * accesses of all sizes and kinds to a few bytes, words that hand on, interrupts, frees.  At every
 * step both must say the same, race or none.  How often a group of steps is put in order, by a lock
 * or by interrupts, differs from run to run, so that some race at once, some late, some never.
 */
#include "machine/host/arena.h"
#include "machine/host/panics.h"
#include "machine/host/race.h"
#include "machine/random.h"

enum { STEPS = 200, RUNS = 4000, BYTES = 32, WORDS = BYTES / 4 + 1 };

enum what { READ, WRITE, ACQUIRE, RELEASE, BOTH, SEND, TAKE, FREE_PAGE, PEEK, POKE };

struct step {
	enum what what;
	unsigned cpu, first, bytes; /* SEND: to CPU `first` */
};

/* --- the plain detector ----------------------------------------------------------------------- */

struct access {
	struct step step;
	uint32_t clock;
};

static struct model {
	unsigned count;
	struct access done[3 * STEPS];
	uint32_t known[CPUS_MAX][CPUS_MAX], word[WORDS][CPUS_MAX], sent[CPUS_MAX][CPUS_MAX];
} model;

static void model_begin(void)
{
	memset(&model, 0, sizeof(model));
	for (unsigned i = 0; i < CPUS_MAX; i++) model.known[i][i] = 1;
}

static void join(uint32_t *to, const uint32_t *from)
{
	for (unsigned i = 0; i < CPUS_MAX; i++) to[i] = to[i] > from[i] ? to[i] : from[i];
}

static bool is_atomic(enum what what)
{
	return what == ACQUIRE || what == RELEASE || what == BOTH || what == PEEK || what == POKE;
}

static bool only_reads(enum what what)
{
	return what == READ || what == ACQUIRE || what == PEEK;
}

static bool model_access(const struct step *now)
{
	uint32_t *known = model.known[now->cpu];
	for (unsigned i = 0; i < model.count; i++) {
		const struct step *then = &model.done[i].step;
		if (then->first + then->bytes <= now->first) continue;
		if (now->first + now->bytes <= then->first) continue;
		if (only_reads(then->what) && only_reads(now->what)) continue;
		if (is_atomic(then->what) && is_atomic(now->what)) continue;
		if (model.done[i].clock > known[then->cpu]) return true;
	}
	model.done[model.count++] = (struct access){ *now, known[now->cpu] };
	return false;
}

/* Whether the step races. */
static bool model_step(const struct step *s)
{
	uint32_t *known = model.known[s->cpu], *word = model.word[s->first / 4 % WORDS];
	if (s->what == SEND) {
		join(model.sent[s->first], known);
		known[s->cpu]++;
		return false;
	}
	if (s->what == TAKE) {
		join(known, model.sent[s->cpu]);
		return false;
	}
	if (s->what == ACQUIRE || s->what == BOTH) join(known, word);
	if (model_access(s)) return true;
	if (s->what == POKE) memset(word, 0, sizeof(model.word[0]));
	if (s->what == RELEASE || s->what == BOTH) {
		memcpy(word, known, sizeof(model.word[0]));
		known[s->cpu]++;
	}
	return false;
}

/* --- the detector ----------------------------------------------------------------------------- */

static uint8_t *page;

static void step_do(void *arg)
{
	const struct step *s = arg;
	const void *pc = __builtin_return_address(0);
	const void *at = page + s->first;
	switch (s->what) {
	case READ: race_access(race_offset(at), s->bytes, RACE_READ, RACE_RANGE, pc); break;
	case WRITE: race_access(race_offset(at), s->bytes, RACE_WRITE, RACE_RANGE, pc); break;
	case ACQUIRE: race_acquire(at, s->bytes, pc); break;
	case RELEASE: race_release(at, s->bytes, pc); break;
	case BOTH: race_acquire_release(at, s->bytes, pc); break;
	case PEEK: race_peek(at, s->bytes, pc); break;
	case POKE: race_poke(at, s->bytes, pc); break;
	case SEND: race_interrupt_sent(s->first); break;
	case TAKE: race_interrupt_taken(); break;
	case FREE_PAGE: race_freed(page, PAGE_SIZE, pc); break;
	}
}

/* --- runs ------------------------------------------------------------------------------------- */

static struct random lots = { 1 };

static uint32_t below(uint32_t n)
{
	return random_below(&lots, n);
}

static struct step step_draw(unsigned cpus)
{
	struct step s = { .cpu = below(cpus), .bytes = 1u << below(5) };
	const unsigned draw = below(64);
	if (draw == 0) return (struct step){ FREE_PAGE, s.cpu, 0, PAGE_SIZE };
	if (draw < 4) return (struct step){ SEND, s.cpu, below(cpus), 0 };
	if (draw < 8) return (struct step){ TAKE, s.cpu, 0, 0 };
	static const enum what words[] = { ACQUIRE, RELEASE, BOTH, BOTH, PEEK, POKE };
	s.what = draw < 40 ? READ : draw < 52 ? WRITE : words[draw % COUNT_OF(words)];
	if (is_atomic(s.what)) {
		s.bytes = 4;
		s.first = 4 * below(BYTES / 4);
	} else {
		s.first = below(BYTES - s.bytes + 1);
	}
	return s;
}

static struct {
	unsigned raced, ended, late; /* how runs went: both kinds must occur */
} seen;

/* True when the step raced, as both say. */
static bool step_both(struct step s, unsigned run, unsigned number)
{
	const bool wanted = model_step(&s);
	const bool raced = !host_run_on(s.cpu, step_do, &s);
	if (raced && strcmp(panic_id, "race") != 0)
		kpanic("test", "run %u step %u: %s: %s", run, number, panic_id, panic_text);
	if (raced != wanted)
		kpanic("test", "run %u step %u, what %u by cpu %u at %u: %s", run, number, s.what,
		       s.cpu, s.first, raced ? panic_text : "a race was missed");
	return raced;
}

/* How a run keeps order: `order` of 64 groups of steps come after all earlier such groups. */
struct discipline {
	unsigned cpus, order;
	bool token; /* passed on by interrupts; otherwise a lock */
	unsigned holder;
};

/* Before and after a group on `cpu`; true when that raced already. */
static bool order_keep(struct discipline *d, unsigned cpu, bool after, unsigned run,
		       unsigned number)
{
	if (!d->token) return step_both((struct step){ BOTH, cpu, BYTES, 4 }, run, number);
	if (after || d->holder == cpu) return false;
	const struct step send = { SEND, d->holder, cpu, 0 }, take = { TAKE, cpu, 0, 0 };
	d->holder = cpu;
	return step_both(send, run, number) || step_both(take, run, number);
}

/* Whether the run ended in a race. */
static bool run_both(unsigned run, struct discipline *d)
{
	for (unsigned i = 0; i < STEPS;) {
		const unsigned cpu = below(d->cpus);
		const bool orderly = below(64) < d->order;
		if (orderly && order_keep(d, cpu, false, run, i)) return true;
		for (unsigned left = 1 + below(4); left > 0; left--, i++) {
			struct step s = step_draw(d->cpus);
			s.cpu = cpu;
			if (!step_both(s, run, i)) continue;
			seen.late += i > STEPS / 4;
			return true;
		}
		if (orderly && order_keep(d, cpu, true, run, i)) return true;
	}
	return false;
}

int main(void)
{
	page = host_arena_open(4 << 20);
	host_cpus_open(CPUS_MAX);
	for (unsigned run = 0; run < RUNS; run++) {
		struct discipline d = { .cpus = 2 + below(CPUS_MAX - 1) };
		d.order = below(2) == 0 ? below(65) : 56 + below(9);
		d.token = below(2) == 0;
		model_begin();
		race_begin(d.cpus);
		if (run_both(run, &d))
			seen.raced++;
		else
			seen.ended++;
		race_end();
	}
	if (seen.raced < RUNS / 10 || seen.ended < RUNS / 100 || seen.late < RUNS / 100)
		kpanic("test", "%u raced, %u of them late, %u did not", seen.raced, seen.late,
		       seen.ended);
	host_cpus_close();
	return 0;
}
