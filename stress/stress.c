/*
 * stress.c -- runs a stress in cycles on the booted kernel, and judges what it leaves behind.
 *
 * Boot arguments: stress=NAME seed=S cycles=K operations=N, exhaust, must-not-fail, lose-page=N,
 * lose-object=N, corrupt=N, out=FILE (samples for the picture).
 *
 * A cycle is all parts of the stress, each on all CPUs at once; then the machine is at rest, what
 * was put off is forced, every structure is walked and every count is read.  The first cycle warms
 * up: what is made once and kept is made then.  After each of the others the counts must be equal
 * to those after the first, one by one: a number that fell is as wrong as one that rose.
 *
 * Every cycle has its own random numbers, out of seed, cycle and CPU: equal counts after different
 * histories say more than after equal ones.  With CPUs running freely the histories differ from
 * run to run; under QEMU's -icount they do not, and neither does anything printed here but the
 * time.
 *
 * Output: progress as comments, KTAP, on failure who has what is missing, a line of JSON, and last
 * the verdict.  Status: 0 stabilised, 1 anything not ok.
 *
 * Always true: between cycles no CPU but 0 runs, and nothing of the stress holds memory.
 *
 * Locks: none.  Cost of a rest: a walk over all frames.
 */
#include "stress/stress.h"

#include "kernel/boot.h"
#include "kernel/check/deliberate.h"
#include "kernel/kmem.h"
#include "kernel/ktap.h"
#include "kernel/oom.h"
#include "kernel/power.h"
#include "kernel/program.h"
#include "kernel/smp.h"
#include "machine/aarch64/cpu.h"
#include "machine/atomic.h"
#include "machine/format.h"
#include "stress/reading.h"
#include "stress/sample.h"

enum { NAME_ROOM = 256, SAMPLE_SHARES = 24, SAMPLE_NS = 250000000, CYCLES_LEAST = 4 };

static const struct stress *const stresses[] = { &kmalloc_stress, &space_stress, &maps_stress,
						 &spawn_stress,   &wake_stress,  NULL };

static const struct stress *stress;
static struct stress_plan plan;
static uint32_t counts[STRESS_COUNTS];

/* What there is to judge. */
static struct readings baseline, latest;
static const struct reading *unequal; /* in `latest`, or NULL */
static uint32_t unequal_cycle;
static const char *unsound; /* a structure, or NULL */
static uint32_t wrong_contents;
static struct {
	const char *when;
	size_t bytes, at;
	uint32_t cpu;
} first_wrong;

/* --- for stresses ----------------------------------------------------------------------------- */

uint32_t stress_count(enum stress_count what)
{
	return atomic_fetch_add_u32(&counts[what], 1);
}

void stress_content_wrong(const char *when, size_t bytes, size_t at)
{
	if (atomic_fetch_add_u32(&wrong_contents, 1) != 0) return;
	first_wrong.when = when;
	first_wrong.bytes = bytes;
	first_wrong.at = at;
	first_wrong.cpu = mach_cpu();
}

void stress_sample(const struct stress_turn *turn)
{
	static uint32_t passed;
	static uint64_t last_ns;
	const uint32_t every = turn->plan->operations / SAMPLE_SHARES + 1;
	if (mach_cpu() != 0) return;
	const uint64_t now_ns = mach_now_ns();
	if (++passed % every != 0 && now_ns - last_ns < SAMPLE_NS) return;
	last_ns = now_ns;
	sample_take(turn->cycle, false);
}

/* --- cycles ----------------------------------------------------------------------------------- */

struct part_run {
	const struct stress_part *part;
	struct stress_turn turn;
	uint32_t number;
};

static void run_part(void *arg)
{
	const struct part_run *run = arg;
	struct random random = { plan.seed };
	random.state = random_u64(&random) ^ run->turn.cycle;
	random.state = random_u64(&random) ^ run->number;
	random.state = random_u64(&random) ^ mach_cpu();
	run->part->run(&run->turn, &random);
}

static void judge(uint32_t cycle)
{
	const char *wrong = readings_take(&latest);
	if (unsound == NULL) unsound = wrong;
	if (cycle == 0) {
		baseline = latest;
		readings_keep_sites();
	} else if (unequal == NULL) {
		unequal = readings_differ(&baseline, &latest);
		unequal_cycle = cycle;
	}
	sample_take(cycle, true);
	samples_flush();
}

static bool all_well(void)
{
	return unequal == NULL && unsound == NULL && wrong_contents == 0;
}

static void run_cycle(uint32_t cycle)
{
	struct part_run run = { .turn = { &plan, cycle } };
	for (run.part = stress->parts; run.part->name != NULL; run.part++, run.number++) {
		if (run.part->exhausting && !plan.exhaust) continue;
		console_print("# cycle %u of %u: %s\n", cycle, plan.cycles, run.part->name);
		if (!smp_run_all(run_part, &run)) kpanic("assert", "a part did not return");
	}
	judge(cycle);
	console_print(
		"# cycle %u of %u: %u operations, %u handed over, %u refused; %lu pages free%s\n",
		cycle, plan.cycles, counts[STRESS_OPERATIONS], counts[STRESS_HANDED_OVER],
		counts[STRESS_REFUSED], latest.row[0].value, cycle == 0 ? " (warm-up)" : "");
}

/* --- the verdict ------------------------------------------------------------------------------ */

static char words[CONSOLE_LINE_BYTES / 2];

static const char *check_contents(void)
{
	if (wrong_contents == 0) return NULL;
	format_text(words, sizeof(words), "%u times; first: %s on CPU %u, byte %zu of %zu",
		    wrong_contents, first_wrong.when, first_wrong.cpu, first_wrong.at,
		    first_wrong.bytes);
	return words;
}

static const char *check_structures(void)
{
	return unsound;
}

static const char *check_stable(void)
{
	if (unequal == NULL) return NULL;
	const uint64_t was = baseline.row[unequal - latest.row].value;
	format_text(words, sizeof(words), "cycle %u of %u: %s %u: %lu, after the warm-up %lu",
		    unequal_cycle, plan.cycles, unequal->name, unequal->of, unequal->value, was);
	return words;
}

static const char *check_storm(void)
{
	const char *things = stress->things;
	if (counts[STRESS_OPERATIONS] < plan.operations) return "hardly any operations";
	if (cpu_count() == 1 || things == NULL) return NULL;
	if (counts[STRESS_HANDED_OVER] != 0 && counts[STRESS_FREED_FOREIGN] != 0) return NULL;
	format_text(words, sizeof(words), "no %s %s another CPU", things,
		    counts[STRESS_HANDED_OVER] == 0 ? "went to" : "was freed by");
	return words;
}

/* All memory was gone, and that was told; or it was not, and nothing was. */
static const char *check_exhaustion(void)
{
	const uint32_t told = oom_count(MM_EVENT_PAGES_AT_GROWTH) +
			      oom_count(MM_EVENT_NO_HEAP_BLOCK) + oom_count(MM_EVENT_CANNOT_GO_ON);
	if (!plan.exhaust) return told == 0 ? NULL : "out of memory without having been asked for";
	if (counts[STRESS_REFUSED] < cpu_count() * (plan.cycles + 1))
		return "memory was never gone";
	return told == 0 && stress->tells_exhaustion ? "nobody said that memory was gone" : NULL;
}

static const struct ktap_check checks[] = {
	{ "contents", check_contents },     { "structures", check_structures },
	{ "counts-equal", check_stable },   { "handed-over", check_storm },
	{ "exhaustion", check_exhaustion },
};

static void print_json(unsigned failed)
{
	console_print("{\"stress\": \"%s\", \"seed\": %lu, \"cpus\": %u, \"cycles\": %u, "
		      "\"operations\": %u, \"handed_over\": %u, ",
		      stress->name, plan.seed, cpu_count(), plan.cycles, counts[STRESS_OPERATIONS],
		      counts[STRESS_HANDED_OVER]);
	console_print("\"freed_foreign\": %u, \"refused\": %u, \"failed\": %u, \"readings\": {",
		      counts[STRESS_FREED_FOREIGN], counts[STRESS_REFUSED], failed);
	for (uint32_t i = 0; i < latest.count; i++) {
		const struct reading *r = &latest.row[i];
		const bool numbered = r->of != 0 || (i + 1 < latest.count && r[1].name == r->name);
		console_print(i == 0 ? "\"%s" : ", \"%s", r->name);
		if (numbered) console_print("_%u", r->of);
		console_print("\": %lu", r->value);
	}
	console_print("}}\n");
}

static int verdict(void)
{
	const unsigned failed = ktap_run(checks, COUNT_OF(checks));
	if (unequal != NULL) readings_blame();
	print_json(failed);
	if (failed == 0)
		console_print("memory stabilised\n");
	else
		console_print("stress %s: %u of %u checks failed%s\n", stress->name, failed,
			      (unsigned)COUNT_OF(checks),
			      unequal == NULL ? "" : "; memory did not stabilise");
	return failed == 0 ? STATUS_OK : STATUS_FINDING;
}

/* --- boot arguments --------------------------------------------------------------------------- */

static bool argument(const char *key, char *out, size_t room)
{
	return bootarg_copy(boot.platform.bootargs, key, out, room);
}

static uint32_t number(const char *key, uint32_t otherwise)
{
	return (uint32_t)min_u64(bootarg_number(boot.platform.bootargs, key, otherwise),
				 UINT32_MAX);
}

static void read_plan(void)
{
	const char *words_given = boot.platform.bootargs;
	plan = (struct stress_plan){
		.seed = bootarg_number(words_given, "seed", 1),
		.cycles = number("cycles", CYCLES_LEAST),
		.operations = number("operations", 20000),
		.exhaust = bootarg_is_set(words_given, "exhaust"),
		.must_not_fail = bootarg_is_set(words_given, "must-not-fail"),
		.lose_page = number("lose-page", 0),
		.lose_object = number("lose-object", 0),
		.corrupt = number("corrupt", 0),
	};
}

static const struct stress *stress_named(const char *name)
{
	for (unsigned i = 0; stresses[i] != NULL; i++)
		if (same_text(stresses[i]->name, name)) return stresses[i];
	return NULL;
}

int program_main(void)
{
	char name[NAME_ROOM];
	read_plan();
	stress = argument("stress", name, sizeof(name)) ? stress_named(name) : NULL;
	if (stress == NULL || plan.cycles < CYCLES_LEAST) {
		console_print("stress: needs stress=NAME, and at least %u cycles\n", CYCLES_LEAST);
		return STATUS_USAGE;
	}
	if (argument("out", name, sizeof(name)) && !samples_open(name))
		console_print("# no samples: %s cannot be written\n", name);
	deliberate(plan.exhaust || plan.must_not_fail ? "out-of-memory" : "");
	stress->open();
	for (uint32_t cycle = 0; cycle <= plan.cycles && all_well(); cycle++) run_cycle(cycle);
	return verdict();
}
