/*
 * run.c -- an item's turn: a program with a seed, and what becomes of what it says.
 *
 * A turn leaves its marks in this order, so that a kill between any two loses nothing:
 *
 *	1. `begin` in the ledger: from now on the seed is used.
 *	2. a folder of its own below run/, with what a report would need; then the program.
 *	3. the program writes what it finds there, and its words into `log`.
 *	4. a finding: its folder, then a line in the ledger.
 *	5. `end` in the ledger; then the run's folder goes.
 *
 * A folder in run/ at the start of a night is a turn that got no further than 4: it is judged as if
 * its program had been cut, and what it found is kept.  Step 4 twice adds nothing (finding.h).
 *
 * Always true: no seed of an item begins twice.
 *
 * Locks: none.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz/frame/files.h"
#include "stress/nightly/finding.h"
#include "stress/nightly/night.h"

enum { NUMBER_ROOM = 24, LOG_MOST = 8 << 20 };

/* --- beginning -------------------------------------------------------------------------------- */

static bool put_file(const char *folder, const char *name, const char *text)
{
	char *path = words_made("%s/%s", folder, name);
	const bool done = disk_write(path, text, strlen(text));
	free(path);
	return done;
}

static bool make_below(const char *folder, const char *name)
{
	char *path = words_made("%s/%s", folder, name);
	const bool done = folder_make(path);
	free(path);
	return done;
}

/* What a report would say of the circumstances. */
static bool describe(const struct night *night, const struct running *run)
{
	char now[TIME_ROOM];
	struct words w = { 0 };
	words_put(&w, "%s", night->environment);
	words_put(&w, "item: %s\nseed: %llu\nsize: %llu\nbegan: %s\nshare: %.0f seconds\n",
		  run->item->name, (unsigned long long)run->seed, (unsigned long long)run->size,
		  night_time(now), run->share);
	const bool done = put_file(run->folder, "environment", words_text(&w));
	words_free(&w);
	return done;
}

/* The blanks of commands; texts live in `room`. */
struct fillings {
	char seed[NUMBER_ROOM], seconds[NUMBER_ROOM], size[NUMBER_ROOM], patience[NUMBER_ROOM];
	struct blank blanks[7];
};

static char *fill(const struct night *night, const struct running *run, const char *text)
{
	struct fillings f;
	char *corpus = words_made("%s/corpus/%s", night->root, run->item->subject);
	/* An engine looks at its watch now and then: it ends up to two seconds late. */
	const double seconds = run->share > 4 ? run->share - 2 : run->share / 2;
	snprintf(f.seed, sizeof(f.seed), "%llu", (unsigned long long)run->seed);
	snprintf(f.seconds, sizeof(f.seconds), "%.0f", seconds < 1 ? 1 : seconds);
	snprintf(f.size, sizeof(f.size), "%llu", (unsigned long long)run->size);
	snprintf(f.patience, sizeof(f.patience), "%u",
		 (unsigned)run->share + run->item->patience_s * 3 / 4);
	const struct blank blanks[] = {
		{ "seed", f.seed },   { "seconds", f.seconds },   { "size", f.size },
		{ "corpus", corpus }, { "patience", f.patience }, { "run", run->folder },
		{ NULL, NULL },
	};
	char *filled = table_fill(text, blanks);
	free(corpus);
	return filled;
}

static bool prepare(const struct night *night, const struct running *run)
{
	char *corpus = words_made("%s/corpus/%s", night->root, run->item->subject);
	char *again = fill(night, run, run->item->again);
	char *filled = fill(night, run, run->item->command);
	char *command = words_made("cd %s/programs && %s", night->root, filled);
	const bool done = (run->item->kind != ITEM_ENGINE || folder_make(corpus)) &&
			  make_below(run->folder, "found") && make_below(run->folder, "kept") &&
			  describe(night, run) && put_file(run->folder, "again", again) &&
			  put_file(run->folder, "command", command);
	free(command);
	free(filled);
	free(again);
	free(corpus);
	return done;
}

static bool start(const struct night *night, struct running *run)
{
	char *command = fill(night, run, run->item->command);
	char **argv = table_split(command);
	char *log = words_made("%s/log", run->folder), *temporary = night_path(night, "tmp");
	const bool done =
		argv != NULL && leash_start(&run->leash, argv, log, log, temporary, night->alive);
	free(temporary);
	free(log);
	free(argv);
	free(command);
	return done;
}

bool run_begin(struct night *night, struct running *run, struct item *item, double share)
{
	char now[TIME_ROOM];
	*run = (struct running){ .item = item, .share = share, .since = night_now(night) };
	run->seed = item->seed++;
	run->size = item->least == 0 ? 0 : plan_size(item, share);
	if (!ledger_add(&night->ledger,
			"begin item=%s seed=%llu size=%llu share=%.0f commit=%s at=%s", item->name,
			(unsigned long long)run->seed, (unsigned long long)run->size, share,
			night->commit, night_time(now)))
		return false;
	item->last_turn = ++night->turns;
	if (item->runs++ == 0) item->first_seed = run->seed;
	run->folder = words_made("%s/run/%s~%llu", night->root, item->name,
				 (unsigned long long)run->seed);
	run->used = prepare(night, run) && start(night, run);
	item->runs_now = run->used;
	if (!run->used) free(run->folder);
	return run->used;
}

/* --- what was found --------------------------------------------------------------------------- */

/* Lower is better: ours say what they are for, an engine's own are raw. */
static unsigned script_rank(const char *name, const char *subject)
{
	static const char *const raw[] = { "crash-", "timeout-", "oom-", "leak-" };
	const size_t length = strlen(name);
	if (length > 4 && strcmp(name + length - 4, ".txt") == 0) return UINT32_MAX;
	if (strstr(name, ".part") != NULL) return UINT32_MAX;
	if (words_begin(name, subject) && name[strlen(subject)] == '-') return 0;
	for (unsigned i = 0; i < COUNT_OF(raw); i++)
		if (words_begin(name, raw[i])) return i + 1;
	return UINT32_MAX;
}

/* The path of the script that a run left, or NULL. */
static char *find_script(const char *folder, const char *subject)
{
	char *found = words_made("%s/found", folder), *best = NULL;
	unsigned rank = UINT32_MAX;
	struct dirent **names;
	const int count = scandir(found, &names, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		const unsigned this = script_rank(names[i]->d_name, subject);
		if (this < rank) {
			rank = this;
			free(best);
			best = words_made("%s/%s", found, names[i]->d_name);
		}
		free(names[i]);
	}
	if (count >= 0) free(names);
	free(found);
	return best;
}

static void note(struct night *night, const struct running *run, const struct verdict *v,
		 bool first)
{
	if (night->notes == NOTES_MAX) return;
	night->note[night->notes++] =
		(struct note){ words_copy(v->signature), words_copy(run->item->name), run->seed,
			       v->outcome, first };
}

static char *read_below(const char *folder, const char *name)
{
	char *path = words_made("%s/%s", folder, name), *text = words_of_file(path, LOG_MOST);
	free(path);
	return text != NULL ? text : words_copy("");
}

/* A program that was ended for want of an end has perhaps not said so. */
static char *report_of(const struct running *run, const char *log)
{
	if (run->item->kind == ITEM_PLAY && words_begin(log, "differs ")) {
		size_t three = 0; /* lines: of the panic, the script, the difference */
		for (unsigned lines = 0; log[three] != '\0' && lines < 3; three++)
			lines += log[three] == '\n';
		return words_made("panic: %.*s", (int)three, log);
	}
	if (!run->ending.overdue)
		return words_copy(*log == '\0' ? "(it said nothing)\n" : log_report(log));
	return words_made("no end within %.0f seconds; the end of what it said:\n%s",
			  run->share + run->item->patience_s, log_report(log));
}

/* Where no script was kept, what shows it again is the whole run. */
static char *again_of(const struct running *run, const char *script)
{
	static const char other[] = " || ";
	char *again = read_below(run->folder, "again");
	char *second = strstr(again, other), *command = NULL;
	if (second != NULL) *second = '\0';
	if (script == NULL && second != NULL)
		command = words_copy(second + strlen(other));
	else if (script == NULL && strstr(again, "{script}") != NULL)
		command = read_below(run->folder, "command");
	if (command == NULL) return again;
	free(again);
	return command;
}

/* What was found, by the log from `words` on.  False: it could not be kept, and the run's folder
 * must stay. */
static bool keep(struct night *night, const struct running *run, const struct verdict *v,
		 const char *log, const char *words, const char *script)
{
	char now[TIME_ROOM];
	char *folder = night_findings(night, run->item);
	char *environment = read_below(run->folder, "environment");
	char *again = again_of(run, script);
	char *report = report_of(run, words);
	const struct finding f = { v->signature,
				   run->item->name,
				   run->seed,
				   outcome_names[v->outcome],
				   night_time(now),
				   script,
				   log,
				   report,
				   environment,
				   again };
	const enum finding_kept kept = finding_keep(folder, &f);
	if (kept == FINDING_LOST) {
		night->trouble = "a finding could not be kept; what there is of it is in run/";
		tell_line("%s: %s: %s", run->item->name, v->signature, strerror(errno));
	}
	if (kept == FINDING_NEW || kept == FINDING_SEEN_BEFORE)
		ledger_add(&night->ledger, "finding signature=%s item=%s seed=%llu first=%s",
			   v->signature, run->item->name, (unsigned long long)run->seed,
			   kept == FINDING_NEW ? "yes" : "no");
	if (run->item->must_find && v->outcome == OUTCOME_FINDING &&
	    !words_begin(v->signature, "silent-"))
		night->canaries_found++;
	else
		note(night, run, v, kept == FINDING_NEW);
	free(report);
	free(again);
	free(environment);
	free(folder);
	return kept != FINDING_LOST;
}

/* Of programs that play scripts: each kind of difference, with the script that is told below it. */
static bool keep_played(struct night *night, const struct running *run, struct verdict v,
			const char *log)
{
	static const char told[] = "\nscript: ";
	bool kept = true;
	for (const char *at = log_next(run->item, log, &v); at != NULL;
	     at = log_next(run->item, at, &v)) {
		const size_t line = strcspn(at, "\n");
		char *script =
			words_copy(words_begin(at + line, told) ? at + line + strlen(told) : "");
		script[strcspn(script, "\n")] = '\0';
		kept = keep(night, run, &v, log, at, *script == '\0' ? NULL : script) && kept;
		free(script);
	}
	return kept;
}

static bool keep_all(struct night *night, const struct running *run, const struct verdict *v,
		     const char *log)
{
	struct verdict some = *v;
	if (v->signature[0] == '\0') return true;
	if (run->item->kind == ITEM_PLAY && log_next(run->item, log, &some) != NULL)
		return keep_played(night, run, *v, log);
	char *script = find_script(run->folder, run->item->subject);
	const bool kept = keep(night, run, v, log, log, script);
	free(script);
	return kept;
}

/* --- the end ---------------------------------------------------------------------------------- */

static void move_file(const char *from, const char *to)
{
	if (rename(from, to) != 0 && errno != ENOENT) tell_line("%s: %s", to, strerror(errno));
}

/* The path of the first file that a run keeps with such an end to its name, or NULL. */
static char *find_kept(const char *folder, const char *end)
{
	char *kept = words_made("%s/kept", folder), *found = NULL;
	struct dirent **names;
	const int count = scandir(kept, &names, NULL, alphasort);
	for (int i = 0; i < count; i++) {
		const size_t length = strlen(names[i]->d_name), tail = strlen(end);
		if (found == NULL && length > tail &&
		    strcmp(names[i]->d_name + length - tail, end) == 0)
			found = words_made("%s/%s", kept, names[i]->d_name);
		free(names[i]);
	}
	if (count >= 0) free(names);
	free(kept);
	return found;
}

/* The log and the picture of the last run of each item stay. */
static void keep_words(const struct night *night, const struct running *run)
{
	char *log = words_made("%s/log", run->folder);
	char *log_to = words_made("%s/logs/%s", night->root, run->item->name);
	char *picture = find_kept(run->folder, ".svg");
	char *picture_to = words_made("%s/pictures/%s.svg", night->root, run->item->name);
	move_file(log, log_to);
	if (picture != NULL) move_file(picture, picture_to);
	free(picture_to);
	free(picture);
	free(log_to);
	free(log);
}

/* What waited to be merged is among what was. */
static void add_corpus(struct figures *sum, const struct figures *f)
{
	const bool first = sum->corpus_is == 0;
	if (first && f->corpus_new != 0) sum->corpus_new = 0;
	if (first || f->corpus_is != 0) sum->corpus_new += f->corpus_new;
	if (f->corpus_is == 0) return;
	if (first) sum->corpus_was = f->corpus_was;
	sum->corpus_is = f->corpus_is;
	sum->features = f->features;
}

static void add_up(struct item *item, const struct running *run, const struct verdict *v,
		   double took)
{
	const struct figures *f = &v->figures;
	struct figures *sum = &item->sum;
	item->ended[v->outcome]++;
	item->took_ms += (uint64_t)(took * 1000);
	item->size = run->size;
	sum->executions += f->executions;
	sum->lines += f->lines;
	add_corpus(sum, f);
	if (f->edges > sum->edges) sum->edges = f->edges;
	if (f->edges_of > sum->edges_of) sum->edges_of = f->edges_of;
	if (f->states > sum->states) sum->states = f->states;
	if (f->states_of > sum->states_of) sum->states_of = f->states_of;
	if (v->outcome != OUTCOME_CLEAN || run->size == 0) return;
	item->last_size = run->size;
	item->last_took_ms = (uint64_t)(took * 1000);
}

/* Of a stress: the line of JSON is a file of its own. */
static uint64_t operations_of(const struct running *run)
{
	static const char key[] = "\"operations\": ";
	char *path = find_kept(run->folder, ".json"), *text = NULL;
	if (path != NULL) text = words_of_file(path, LOG_MOST);
	const char *at = text == NULL ? NULL : strstr(text, key);
	const uint64_t count = at == NULL ? 0 : words_number(at + strlen(key));
	free(text);
	free(path);
	return count;
}

static void tell_end(const struct running *run, const struct verdict *v, double took)
{
	const struct figures *f = &v->figures;
	struct words w = { 0 };
	words_put(&w, "%s seed %llu: %s, %.1f s", run->item->name, (unsigned long long)run->seed,
		  outcome_names[v->outcome], took);
	if (f->executions != 0)
		words_put(&w, ", %llu %s", (unsigned long long)f->executions,
			  run->item->kind == ITEM_STRESS ? "operations" : "executions");
	if (f->lines != 0) words_put(&w, ", %llu lines compared", (unsigned long long)f->lines);
	if (f->edges != 0)
		words_put(&w, ", %llu of %llu edges", (unsigned long long)f->edges,
			  (unsigned long long)f->edges_of);
	if (f->states_of != 0)
		words_put(&w, ", %llu of %llu states", (unsigned long long)f->states,
			  (unsigned long long)f->states_of);
	if (v->signature[0] != '\0') words_put(&w, ": %s", v->signature);
	tell_line("%s", words_text(&w));
	words_free(&w);
}

/* A canary that sings of nothing: either it is broken or findings do not arrive. */
static void judge_canary(const struct item *item, struct verdict *v)
{
	if (!item->must_find || v->outcome != OUTCOME_CLEAN) return;
	v->outcome = OUTCOME_FINDING;
	snprintf(v->signature, sizeof(v->signature), "silent-%s", item->subject);
}

static void end_with(struct night *night, struct running *run, bool recovered)
{
	const double took = recovered ? 0 : night_now(night) - run->since;
	char *log = read_below(run->folder, "log");
	struct verdict v;
	log_judge(run->item, log, &run->ending, &v);
	judge_canary(run->item, &v);
	if (v.figures.executions == 0) v.figures.executions = operations_of(run);
	if (recovered && v.outcome == OUTCOME_CUT) v.outcome = OUTCOME_KILLED;
	const bool kept = keep_all(night, run, &v, log);
	add_up(run->item, run, &v, took);
	tell_end(run, &v, took);
	ledger_add(&night->ledger,
		   "end item=%s seed=%llu outcome=%s took=%.0f size=%llu executions=%llu "
		   "lines=%llu edges=%llu of=%llu states=%llu commit=%s",
		   run->item->name, (unsigned long long)run->seed, outcome_names[v.outcome],
		   took * 1000, (unsigned long long)run->size,
		   (unsigned long long)v.figures.executions, (unsigned long long)v.figures.lines,
		   (unsigned long long)v.figures.edges, (unsigned long long)v.figures.edges_of,
		   (unsigned long long)v.figures.states, night->commit);
	if (kept) {
		keep_words(night, run);
		folder_remove(run->folder);
	}
	free(log);
	free(run->folder);
	run->item->runs_now = run->used = false;
}

void run_end(struct night *night, struct running *run)
{
	end_with(night, run, false);
}

/* --- after a kill ----------------------------------------------------------------------------- */

/* An item that the table no longer has; its findings are kept all the same. */
static struct item *item_of_old(const char *name)
{
	static struct item item;
	static const char *const kinds[ITEM_KINDS] = { "fuzz.", "hunt.", "play.", "stress." };
	item = (struct item){ .name = words_copy(name), .kind = ITEM_STRESS };
	const char *dot = strchr(name, '.');
	item.subject = words_copy(dot == NULL ? name : dot + 1);
	item.subject[strcspn(item.subject, ".")] = '\0';
	for (unsigned i = 0; i < ITEM_KINDS; i++)
		if (words_begin(name, kinds[i])) item.kind = i;
	return &item;
}

static void recover_one(const char *name, void *context)
{
	struct night *night = context;
	struct running run = { .ending = { .status = 128 + SIGKILL, .cut = true } };
	const char *seed = strchr(name, '~');
	run.folder = words_made("%s/run/%s", night->root, name);
	if (seed == NULL || words_begin(name, "small~")) {
		folder_remove(run.folder);
		free(run.folder);
		return;
	}
	char *item = words_made("%.*s", (int)(seed - name), name);
	run.item = table_find(&night->table, item);
	if (run.item == NULL) run.item = item_of_old(item);
	run.seed = words_number(seed + 1);
	night->killed++;
	end_with(night, &run, true);
	free(item);
}

void run_recover(struct night *night)
{
	char *runs = night_path(night, "run");
	finding_each(runs, recover_one, night);
	free(runs);
}
