/*
 * small.c -- findings made small, as far as the night has time for it.
 *
 * Whatever finding has a script but no small one is owed; it does not matter whether it is of
 * tonight.  What is cut by the night's end is owed still; what failed SMALL_TRIES times is not
 * tried again.  How often is in the ledger.
 *
 * What programs play differs on some kernel, of which no program of the host can say whether a
 * smaller script still does: such findings stay as they are.
 *
 * Always true: the finding's own script is never touched.
 *
 * Locks: none.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/frame/files.h"
#include "stress/nightly/finding.h"
#include "stress/nightly/night.h"

#define SMALL_SHARE 60.0

/* --- which ------------------------------------------------------------------------------------ */

struct owed {
	struct night *night;
	const char *folder;
	char *signature; /* the first that is owed */
	const char *command;
	unsigned tries; /* of the one that is counted */
	const char *counted;
};

static void count_try(const char *line, void *context)
{
	struct owed *owed = context;
	char signature[128];
	if (!words_begin(line, "unsmall ")) return;
	ledger_word(line, "signature", signature, sizeof(signature));
	if (strcmp(signature, owed->counted) == 0) owed->tries++;
}

static bool may_try(struct owed *owed, const char *signature)
{
	char *path = night_path(owed->night, "ledger");
	owed->tries = 0;
	owed->counted = signature;
	ledger_read(path, count_try, owed);
	free(path);
	return owed->tries < SMALL_TRIES;
}

static bool is_under_way(const struct night *night, const char *signature)
{
	for (unsigned i = 0; i < night->plan.jobs; i++) {
		const struct running *run = &night->running[i];
		if (run->used && run->signature != NULL && strcmp(run->signature, signature) == 0)
			return true;
	}
	return false;
}

/* The subject, from the first line of `seen`: item=fuzz.SUBJECT. */
static char *subject_of(const char *folder, const char *signature)
{
	char *path = words_made("%s/%s/seen", folder, signature);
	char *seen = words_of_file(path, 4096), item[128];
	ledger_word(seen == NULL ? "" : seen, "item", item, sizeof(item));
	const char *dot = words_begin(item, "play.") ? NULL : strchr(item, '.');
	char *subject = words_copy(dot == NULL ? item : dot + 1);
	subject[strcspn(subject, ".\n")] = '\0';
	free(seen);
	free(path);
	return subject;
}

static void look(const char *signature, void *context)
{
	struct owed *owed = context;
	if (owed->signature != NULL || !finding_has(owed->folder, signature, "script") ||
	    finding_has(owed->folder, signature, "small") || is_under_way(owed->night, signature))
		return;
	char *subject = subject_of(owed->folder, signature);
	owed->command = table_small(&owed->night->table, subject);
	if (owed->command != NULL && may_try(owed, signature))
		owed->signature = words_copy(signature);
	free(subject);
}

/* --- doing it --------------------------------------------------------------------------------- */

static bool start(const struct night *night, struct running *run, const char *command)
{
	char *script = words_made("%s/findings/%s/script", night->root, run->signature);
	char *small = words_made("%s/small", run->folder);
	char *text = words_made("%s/text", run->folder), *said = words_made("%s/log", run->folder);
	char *temporary = night_path(night, "tmp");
	const struct blank blanks[] = {
		{ "script", script }, { "small", small }, { "run", run->folder }, { NULL, NULL }
	};
	char *filled = table_fill(command, blanks), **argv = table_split(filled);
	const bool done = argv != NULL && folder_make(run->folder) &&
			  leash_start(&run->leash, argv, text, said, temporary, night->alive);
	free(argv);
	free(filled);
	free(temporary);
	free(said);
	free(text);
	free(small);
	free(script);
	return done;
}

bool small_begin(struct night *night, struct running *run)
{
	char *folder = night_path(night, "findings");
	struct owed owed = { .night = night, .folder = folder };
	const double left = night->plan.stop - night_now(night);
	if (left >= PLAN_LEAST_S) finding_each(folder, look, &owed);
	free(folder);
	if (owed.signature == NULL) return false;
	*run = (struct running){ .signature = owed.signature, .since = night_now(night) };
	run->share = left < SMALL_SHARE ? left : SMALL_SHARE;
	run->folder = words_made("%s/run/small~%s", night->root, owed.signature);
	run->used = start(night, run, owed.command);
	if (!run->used) {
		ledger_add(&night->ledger, "unsmall signature=%s", run->signature);
		free(run->signature);
		free(run->folder);
	}
	return run->used;
}

void small_end(struct night *night, struct running *run)
{
	char *folder = night_path(night, "findings");
	char *small = words_made("%s/small", run->folder);
	char *text = words_made("%s/text", run->folder);
	const bool done = run->ending.status == 0 &&
			  finding_keep_small(folder, run->signature, small, text,
					     "tools/bazel run //tools:replay -- {script}");
	if (done) {
		ledger_add(&night->ledger, "small signature=%s", run->signature);
		tell_line("%s: made small", run->signature);
	} else if (!run->ending.cut) {
		ledger_add(&night->ledger, "unsmall signature=%s status=%d", run->signature,
			   run->ending.status);
		tell_line("%s: could not be made small (status %d)", run->signature,
			  run->ending.status);
	}
	folder_remove(run->folder);
	free(text);
	free(small);
	free(folder);
	free(run->folder);
	free(run->signature);
	run->used = false;
}
