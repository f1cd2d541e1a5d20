/*
 * run_test.c -- the decoder, the stored file and the runner, on a machine of this test's own.
 *
 * The machine here is the least that struct run_machine allows: no fibers, a CPU is a number, and
 * escape() is longjmp.  The subject "toy" adds its operations' fields up and can be told to fail.
 * So what is tested is the frame alone: what it calls, in which order, how often, on which CPU.
 *
 * Bodies come from a fixed pseudo-random sequence: the same on every machine and every day.
 */
#include <setjmp.h>
#include <string.h>

#include "fuzz/frame/bytes.h"
#include "fuzz/frame/subject.h"
#include "machine/host/expect.h"
#include "machine/machine.h"
#include "machine/random.h"

static struct random lots = { 1 };

static uint32_t random_u32(void)
{
	return (uint32_t)(random_u64(&lots) >> 32);
}

static size_t random_body(uint8_t *out, size_t most)
{
	const size_t bytes = random_u32() % (most + 1);
	for (size_t i = 0; i < bytes; i++) out[i] = (uint8_t)random_u32();
	if (bytes > 18 && random_u32() % 2) put_u16(out + 16, (uint16_t)(bytes / 16));
	for (size_t at = 18; at < bytes; at += 8) out[at] &= 3; /* mostly known operations */
	return bytes;
}

/* --- the machine ------------------------------------------------------------------------------ */

static jmp_buf escape_to;
static unsigned cpu_now, visits, resets;

static void toy_reset(void)
{
	resets++;
}

static bool toy_run_on(unsigned cpu, void (*fn)(void *), void *arg)
{
	cpu_now = cpu;
	visits++;
	if (setjmp(escape_to) != 0) return false;
	fn(arg);
	return true;
}

static NORETURN void toy_escape(void)
{
	longjmp(escape_to, 1);
}

static const struct run_machine machine = {
	.cpus = SCRIPT_CPUS_MAX,
	.reset = toy_reset,
	.run_on = toy_run_on,
	.escape = toy_escape,
};

void kpanic(const char *id, const char *format, ...)
{
	struct run *run = run_current();
	if (run == NULL) {
		fprintf(stderr, "panic outside a run: %s %s\n", id, format);
		exit(1);
	}
	EXPECT(run_fault(run, id));
	EXPECT(!run_fault(run, "second"));
	toy_escape();
}

void kpanic_claim(const char *file, int line, const char *claim)
{
	fprintf(stderr, "%s:%d: %s\n", file, line, claim);
	abort();
}

/* --- the subject ------------------------------------------------------------------------------ */

static unsigned opens, steps, counts, walks, closes, leaves;

static void toy_open(struct run *run)
{
	EXPECT(cpu_now == 0 && run_current() == run && run->phase == RUN_OPENS);
	opens++;
	run_result(run, run->script->world.pages);
}

static void toy_step(struct run *run, const struct script_op *op)
{
	EXPECT(op->cpu == cpu_now && run->phase == RUN_OPERATES);
	steps++;
	run_result(run, op->code);
	run_result(run, op->cpu);
	run_result(run, op->slot);
	run_result(run, op->aux);
	run_result(run, op->arg);
}

static void toy_data(struct run *run, const struct script_op *op)
{
	const struct script *s = run->script;
	if (s->data_bytes != 0) run_result(run, s->body[s->data_at + op->arg % s->data_bytes]);
}

static void toy_die(struct run *run, const struct script_op *op)
{
	(void)run, (void)op;
	kpanic("overlap", "told to");
}

static void toy_check(struct run *run, enum check_depth depth)
{
	(void)run;
	if (depth == CHECK_COUNTS)
		counts++;
	else
		walks++;
}

static void toy_leave(struct run *run)
{
	EXPECT(run->phase == RUN_CLOSES);
	leaves |= 1u << cpu_now;
}

static void toy_close(struct run *run)
{
	EXPECT(leaves == (1u << run->script->world.cpus) - 1 || run->subject->leave == NULL);
	leaves = 0;
	EXPECT(cpu_now == 0 && run->phase == RUN_CLOSES);
	closes++;
	run_result(run, 7);
}

static const char *const colours[] = { "red", "green", "blue" };

static const struct op_kind toy_ops[] = {
	{ "add",
	  3,
	  { { "slot", IN_SLOT, FORM_NUMBER, 0, NULL }, { "size", IN_ARG, FORM_SIZE, 0, NULL } },
	  toy_step },
	{ "paint",
	  1,
	  { { "colour", IN_AUX, FORM_NAMES, 3, colours },
	    { "with", IN_SLOT, FORM_FLAGS, 3, colours } },
	  toy_step },
	{ "data", 1, { { "at", IN_ARG, FORM_NUMBER, 1000, NULL } }, toy_data },
};

static const struct op_kind fatal_ops[] = {
	{ "add", 1, { { "n", IN_AUX, FORM_NUMBER, 5, NULL } }, toy_step },
	{ "die", 0, { { NULL, 0, 0, 0, NULL } }, toy_die },
};

static const struct subject toy = {
	.name = "toy",
	.ops = toy_ops,
	.op_count = COUNT_OF(toy_ops),
	.open = toy_open,
	.check = toy_check,
	.close = toy_close,
	.reads_data = true,
	.leave = toy_leave,
};
static const struct subject fatal = {
	.name = "fatal",
	.ops = fatal_ops,
	.op_count = COUNT_OF(fatal_ops),
	.open = toy_open,
	.check = toy_check,
	.close = toy_close,
};
const struct subject *const subjects[] = { &toy, &fatal, NULL };

static struct script run_input;
static struct run run;
static char run_state[16];

static bool run_body(const struct subject *subject, const uint8_t *bytes, size_t length)
{
	script_open(&run_input, bytes, length);
	run.state = run_state;
	return run_script(&run, subject, &run_input, &machine);
}

/* --- the tests -------------------------------------------------------------------------------- */

static uint8_t body[SCRIPT_BODY_MAX], other[SCRIPT_BODY_MAX], file[SCRIPT_BODY_MAX + 64];

static void test_any_bytes_are_a_script(void)
{
	for (unsigned turn = 0; turn < 4000; turn++) {
		const size_t bytes = random_body(body, 400);
		struct script s;
		script_open(&s, body, bytes);
		EXPECT(s.world.pages >= SCRIPT_PAGES_MIN && s.world.pages <= SCRIPT_PAGES_MAX);
		EXPECT(s.world.cpus >= 1 && s.world.cpus <= SCRIPT_CPUS_MAX);
		EXPECT(s.world.cache_pages <= 64 && s.world.magazine <= 32);
		EXPECT(s.world.redzone <= 64 && s.world.redzone % 8 == 0);
		EXPECT(s.data_at + s.data_bytes == bytes);
		for (uint32_t n = 0; n < s.ops; n++) {
			const struct script_op op = script_op_for(&s, &toy, n);
			EXPECT(op.cpu < s.world.cpus && op.slot < SCRIPT_SLOTS);
		}
	}
}

static void test_short_bodies_end_in_zeroes(void)
{
	static const uint8_t whole[26] = { 32, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
					   0,  0, 0, 1, 0, 0, 1, 5, 0, 7, 0, 0, 0 };
	struct script s;
	script_open(&s, whole, 23);
	EXPECT(s.ops == 1 && s.data_bytes == 0);
	const struct script_op op = script_op(&s, 0);
	EXPECT(op.cpu == 1 && op.slot == 5 && op.arg == 7);
	script_open(&s, whole, 3);
	EXPECT(s.ops == 0 && s.world.pages == 32 && s.world.cpus == 2);
	script_open(&s, NULL, 0);
	EXPECT(s.ops == 0 && s.world.pages == SCRIPT_PAGES_MIN && s.world.cpus == 1);
}

static void test_canonical_runs_alike(const struct subject *subject)
{
	for (unsigned turn = 0; turn < 4000; turn++) {
		const size_t bytes = random_body(body, 600);
		struct script s, t;
		script_open(&s, body, bytes);
		const size_t length = script_canonical(&s, subject, other, sizeof(other));
		EXPECT(length >= 18);
		EXPECT(script_canonical(&s, subject, other, length - 1) == 0);
		script_open(&t, other, length);
		EXPECT(t.ops == s.ops);
		EXPECT(script_canonical(&t, subject, file, sizeof(file)) == length);
		EXPECT(memcmp(file, other, length) == 0);

		run_body(subject, body, bytes);
		const struct run first = run;
		run_body(subject, other, length);
		EXPECT(run.digest == first.digest && run.oracle == first.oracle &&
		       run.op == first.op);
	}
}

static void test_what_a_run_calls(void)
{
	memset(body, 0, 2000);
	put_u16(body + 16, 130);
	body[2] = 2;
	for (unsigned n = 0; n < 130; n++) body[18 + 8 * n + 1] = n >= 100;
	opens = steps = counts = walks = closes = visits = resets = 0;
	EXPECT(run_body(&toy, body, 18 + 8 * 130));
	EXPECT(resets == 1 && opens == 1 && steps == 130 && counts == 130 && closes == 1);
	EXPECT(walks == 3);  /* after the 64th, the 128th and the last */
	EXPECT(visits == 6); /* open, CPU 0, CPU 1, both to leave, close */
	EXPECT(run.op == 130 && run_current() == NULL);

	body[3] = WORLD_WALK_ALWAYS;
	walks = 0;
	EXPECT(run_body(&toy, body, 18 + 8 * 130));
	EXPECT(walks == 130);
}

static void test_first_fault_ends_the_run(void)
{
	memset(body, 0, 200);
	put_u16(body + 16, 10);
	body[18 + 8 * 6] = 1; /* die */
	steps = closes = 0;
	EXPECT(!run_body(&fatal, body, 18 + 8 * 10));
	EXPECT(run.op == 6 && steps == 6 && closes == 0);
	EXPECT(oracle_find(run.oracle) != NULL && run_current() == NULL);
	EXPECT(strcmp(run_doing(&run), "die") == 0);
	const uint64_t digest = run.digest;
	body[18 + 8 * 7 + 3] = 1; /* beyond the failure: cannot matter */
	EXPECT(!run_body(&fatal, body, 18 + 8 * 10));
	EXPECT(run.digest == digest);
}

static void test_digest_sees_order(void)
{
	memset(body, 0, 200);
	put_u16(body + 16, 2);
	body[18 + 4] = 1;
	EXPECT(run_body(&toy, body, 34));
	const uint64_t digest = run.digest;
	body[18 + 4] = 0;
	body[26 + 4] = 1;
	EXPECT(run_body(&toy, body, 34));
	EXPECT(run.digest != digest);
}

static enum script_file open_file(size_t bytes, const uint8_t **at, size_t *length)
{
	static char name[SCRIPT_NAME_MAX + 1];
	return script_file_open(file, bytes, at, length, name);
}

static void test_stored_files(void)
{
	const uint8_t *at;
	size_t length;
	const size_t bytes = random_body(body, 300);
	const size_t total = script_file_make("toy", body, bytes, file, sizeof(file));
	EXPECT(total == bytes + SCRIPT_ENVELOPE_BYTES);
	EXPECT(script_file_make("toy", body, bytes, file, total - 1) == 0);
	EXPECT(script_file_make("thirteen-long", body, bytes, other, sizeof(other)) == 0);
	EXPECT(open_file(total, &at, &length) == SCRIPT_FILE_STORED);
	EXPECT(length == bytes && memcmp(at, body, bytes) == 0);
	EXPECT(script_file_expects(file) == NULL);

	for (size_t bit = 0; bit < total * 8; bit++) { /* every single flipped bit is seen */
		file[bit / 8] ^= (uint8_t)(1u << bit % 8);
		EXPECT(open_file(total, &at, &length) != SCRIPT_FILE_STORED);
		file[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t cut = 6; cut < total; cut++)
		EXPECT(open_file(cut, &at, &length) == SCRIPT_FILE_CUT_SHORT);
	EXPECT(open_file(total + 1, &at, &length) == SCRIPT_FILE_CUT_SHORT);

	script_file_expect(file, total, ORACLE_LEAK);
	EXPECT(open_file(total, &at, &length) == SCRIPT_FILE_STORED);
	EXPECT(strcmp(script_file_expects(file), ORACLE_LEAK) == 0);
	script_file_expect(file, total, "no-such-oracle");
	EXPECT(strcmp(script_file_expects(file), "unknown") == 0);

	EXPECT(script_file_make("stranger", body, bytes, file, sizeof(file)) != 0);
	EXPECT(open_file(total, &at, &length) == SCRIPT_FILE_SUBJECT);
	EXPECT(script_file_open(body, bytes, &at, &length, NULL) == SCRIPT_FILE_RAW);
	EXPECT(at == body && length == bytes);
}

static void test_subject_tables(void)
{
	static const struct op_kind clash[] = {
		{ "x",
		  1,
		  { { "a", IN_AUX, FORM_NUMBER, 0, NULL }, { "b", IN_AUX, FORM_NUMBER, 0, NULL } },
		  toy_step },
	};
	static const struct op_kind wide[] = {
		{ "x", 1, { { "a", IN_AUX, FORM_NUMBER, 257, NULL } }, toy_step },
	};
	static const struct op_kind halves[] = {
		{ "x",
		  1,
		  { { "a", IN_LOW, FORM_NUMBER, 7, NULL }, { "b", IN_HIGH, FORM_NUMBER, 0, NULL } },
		  toy_step },
	};
	static const struct op_kind overlap[] = {
		{ "x",
		  1,
		  { { "a", IN_ARG, FORM_NUMBER, 7, NULL }, { "b", IN_HIGH, FORM_NUMBER, 0, NULL } },
		  toy_step },
	};
	struct subject bad = toy;
	EXPECT(subject_fault(&toy) == NULL && subject_fault(&fatal) == NULL);
	bad.ops = clash, bad.op_count = 1;
	EXPECT(subject_fault(&bad) != NULL);
	bad.ops = wide;
	EXPECT(subject_fault(&bad) != NULL);
	bad.ops = overlap;
	EXPECT(subject_fault(&bad) != NULL);
	bad.ops = halves;
	EXPECT(subject_fault(&bad) == NULL);
	struct script_op op = { .arg = 0x12340009 };
	EXPECT(field_get(&halves[0].fields[0], &op) == 2 &&
	       field_get(&halves[0].fields[1], &op) == 0x1234);
	field_set(&halves[0].fields[1], &op, 0xffff);
	field_set(&halves[0].fields[0], &op, 6);
	EXPECT(op.arg == 0xffff0006);
	bad.op_count = 0;
	EXPECT(subject_fault(&bad) != NULL);
	EXPECT(subject_find("fatal") == &fatal && subject_find("fat") == NULL);
}

int main(void)
{
	test_any_bytes_are_a_script();
	test_short_bodies_end_in_zeroes();
	test_canonical_runs_alike(&toy);
	test_canonical_runs_alike(&fatal);
	test_what_a_run_calls();
	test_first_fault_ends_the_run();
	test_digest_sees_order();
	test_stored_files();
	test_subject_tables();
	return 0;
}
