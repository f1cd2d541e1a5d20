/*
 * engine.c -- one subject under a coverage-guided engine: libFuzzer's entry points, which AFL++'s
 * driver calls too.
 *
 * Which subject: the first of subjects[], and an engine's program has just one.
 *
 * An input is a raw body, or a stored file whose envelope is taken off, so that corpora of either
 * kind serve.  Mutation and crossover are ours (mutate.c); where a subject reads data, libFuzzer's
 * own mutations, which know what was compared with what, work on the data half of the time.
 *
 * What happens on a finding: it is saved in the folder that -artifact_prefix or $ANVIL_FINDINGS
 * names, then reported, then the process aborts, which is how both engines learn of it.  After a
 * report of ASan's, ASan ends the process as engines expect it, and we only add ours; after one of
 * UBSan's there is no place to do so but its death, which then is an abort like the others.
 *
 * One input in TWICE_EVERY runs twice, and its digests are compared.
 *
 * Locks: none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/frame/harness.h"
#include "fuzz/frame/mutate.h"
#include "fuzz/frame/report.h"
#include "machine/random.h"

enum { TWICE_EVERY = 64, PATH_ROOM = 4096 };

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
				 uint8_t *out, size_t max_size, unsigned seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size) __attribute__((weak));
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));
void __asan_set_error_report_callback(void (*callback)(const char *)) __attribute__((weak));

static char findings[PATH_ROOM]; /* "": AFL++ keeps what crashes by itself */
static char saved[PATH_ROOM];

/* The second half of the report, and the end that engines understand. */
static NORETURN void end_with_report(void)
{
	report_ends(saved);
	abort();
}

static void announce(void)
{
	if (findings[0] != '\0') report_save(findings, saved, sizeof(saved));
	report_begins();
	if (strcmp(harness->oracle, ORACLE_UNDEFINED) == 0 && harness->fatal)
		__sanitizer_set_death_callback(end_with_report);
}

/* ASan has printed all it knows. */
static void asan_is_done(const char *its_report)
{
	(void)its_report;
	if (harness->oracle != NULL) report_ends(saved);
}

static void choose_folder(const char *path)
{
	size_t length = strlen(path);
	while (length > 1 && path[length - 1] == '/') length--;
	if (length != 0) snprintf(findings, sizeof(findings), "%.*s", (int)length, path);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char flag[] = "-artifact_prefix=";
	const char *folder = getenv("ANVIL_FINDINGS");
	for (int i = 1; i < *argc; i++) {
		if (strncmp((*argv)[i], flag, sizeof(flag) - 1) == 0 && folder == NULL)
			folder = (*argv)[i] + sizeof(flag) - 1;
	}
	if (folder == NULL && LLVMFuzzerMutate != NULL) folder = "."; /* as libFuzzer does */
	if (folder != NULL) choose_folder(folder);
	harness_open();
	harness->announce = announce;
	harness->twice_every = TWICE_EVERY;
	if (__asan_set_error_report_callback != NULL)
		__asan_set_error_report_callback(asan_is_done);
	return 0;
}

/* The body in what an engine hands us; of a damaged stored file all is body. */
static void open_input(const uint8_t **data, size_t *size)
{
	char name[SCRIPT_NAME_MAX + 1];
	const uint8_t *body;
	size_t bytes;
	if (script_file_open(*data, *size, &body, &bytes, name) != SCRIPT_FILE_STORED) return;
	*data = body;
	*size = bytes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	open_input(&data, &size);
	if (!harness_run(subjects[0], data, size, false)) end_with_report();
	return 0;
}

/* Data changed by the engine's own mutations: they know what the code compared it with. */
static size_t mutate_data(uint8_t *body, size_t bytes, size_t room)
{
	struct script s;
	script_open(&s, body, bytes);
	if (s.bytes < SCRIPT_WORLD_BYTES + 2 || s.data_at >= room) return bytes;
	return s.data_at + LLVMFuzzerMutate(body + s.data_at, s.data_bytes, room - s.data_at);
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	struct random random = { seed };
	const uint8_t *body = data;
	open_input(&body, &size);
	if (body != data) memmove(data, body, size);
	if (subjects[0]->reads_data && LLVMFuzzerMutate != NULL && random_one_in(&random, 2))
		return mutate_data(data, size, max_size);
	return script_mutate(subjects[0], random_u64(&random), data, size, max_size);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
				 uint8_t *out, size_t max_size, unsigned seed)
{
	open_input(&a, &a_size);
	open_input(&b, &b_size);
	return script_cross(subjects[0], seed, a, a_size, b, b_size, out, max_size);
}
