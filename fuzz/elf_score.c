/*
 * elf_score.c -- subject elf: files and what execve makes of them, as a score (score.h).
 *
 * What changed in a file since it was last run is written to it; then a child runs it.  What is due
 * is what the model says, since pages may be scarce here and are not elsewhere; where it cannot
 * tell, or a limit of this world decides, kernels are free to answer otherwise.
 *
 * Locks: none.
 */
#include "fuzz/elf_subject.h"
#include "fuzz/frame/score.h"

/* What the player's files hold. */
static struct {
	uint8_t program[MODEL_FILE_BYTES], script[MODEL_SCRIPT_BYTES];
	uint32_t program_bytes, script_bytes;
} there;

void elf_score_opens(void)
{
	there.program_bytes = there.script_bytes = 0;
}

static void say_piece(struct run *run, const char *path, uint32_t at, const uint8_t *from,
		      uint32_t bytes)
{
	score_say(run->score, "0 write %s %u", path, at);
	score_bytes(run->score, from, bytes);
	score_say(run->score, "\n");
}

/* Makes `was`, of *size bytes, what the file is now. */
static void say_file(struct run *run, const char *path, uint8_t *was, uint32_t *size,
		     const uint8_t *now, uint32_t bytes)
{
	for (uint32_t at = 0, end; at < bytes; at = end) {
		end = at + 1;
		if (at < *size && was[at] == now[at]) continue;
		while (end < bytes && (end >= *size || was[end] != now[end])) end++;
		say_piece(run, path, at, now + at, end - at);
	}
	if (bytes < *size || *size == 0) score_say(run->score, "0 cut %s %u\n", path, bytes);
	memcpy(was, now, bytes);
	*size = bytes;
}

static void say_strings(struct run *run, const struct elf_files *f)
{
	if (f->string_count == 0) score_say(run->score, " -");
	for (uint32_t i = 0; i < f->string_count; i++)
		score_say(run->score, "%s%c%c%u", i == 0 ? " " : ".",
			  f->strings[i].environment ? 'e' : 'a', f->strings[i].letter,
			  f->strings[i].length);
}

void elf_score_run(struct run *run, bool script, const struct elf_expected *e)
{
	const struct elf_files *f = &state_of(run)->model;
	struct score *s = run->score;

	if (s == NULL) return;
	say_file(run, "/program", there.program, &there.program_bytes, f->program,
		 f->program_bytes);
	say_file(run, "/script", there.script, &there.script_bytes, (const uint8_t *)f->script,
		 f->script_bytes);
	score_say(s, "0 exec %s", script ? "/script" : "/program");
	say_strings(run, f);
	if (e->error == 0)
		score_say(s, " = runs");
	else if (e->late)
		score_say(s, " = dies");
	else
		score_say(s, " = %d", -e->error);
	score_say(s, e->unsure || e->maybe_memory ? " ?\n" : "\n");
}
