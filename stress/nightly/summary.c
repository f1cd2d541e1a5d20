/*
 * summary.c -- the night in plain text: verdict, findings, what was not reached, a line an item.
 *
 * Locks: none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/frame/files.h"
#include "stress/nightly/finding.h"
#include "stress/nightly/night.h"

const char *summary_item(const struct item *item)
{
	if (item->runs == 0) return "not reached";
	if (item->ended[OUTCOME_PANIC] != 0) return "panic";
	if (item->ended[OUTCOME_HANG] != 0) return "hang";
	if (item->ended[OUTCOME_FINDING] != 0) return item->must_find ? "found, as due" : "finding";
	if (item->ended[OUTCOME_ENVIRONMENT] != 0) return "environment";
	if (item->ended[OUTCOME_CLEAN] != 0) return "clean";
	return "cut";
}

static uint32_t count_items(const struct night *night, bool reached)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < night->table.items; i++)
		count += (night->table.item[i].runs != 0) == reached;
	return count;
}

static uint32_t count_new(const struct night *night)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < night->notes; i++) count += night->note[i].first;
	return count;
}

char *summary_night(const struct night *night)
{
	struct words w = { 0 };
	if (night->notes == 0)
		words_put(&w, "nothing found");
	else
		words_put(&w, "found something %u times, %u of that new", night->notes,
			  count_new(night));
	if (count_items(night, false) != 0)
		words_put(&w, "; %u of %u items not reached", count_items(night, false),
			  night->table.items);
	if (*night->interrupted) words_put(&w, "; interrupted");
	if (night->killed != 0) words_put(&w, "; %u runs of a killed night judged", night->killed);
	if (night->trouble != NULL) words_put(&w, "; trouble: %s", night->trouble);
	return w.at;
}

static char *replay_of(const struct night *night, const struct note *note)
{
	char *path = words_made("%s/findings/%s/replay", night->root, note->signature);
	char *line = words_of_file(path, 4096);
	free(path);
	if (line == NULL) return words_copy("");
	line[strcspn(line, "\n")] = '\0';
	return line;
}

static bool noted_before(const struct night *night, uint32_t at)
{
	for (uint32_t i = 0; i < at; i++)
		if (strcmp(night->note[i].signature, night->note[at].signature) == 0) return true;
	return false;
}

static void put_findings(struct words *w, const struct night *night)
{
	for (uint32_t i = 0; i < night->notes; i++) {
		const struct note *note = &night->note[i];
		if (noted_before(night, i)) continue;
		char *replay = replay_of(night, note);
		words_put(w, "\n%s: %s, by %s with seed %llu%s\n  replay: %s\n", note->signature,
			  outcome_names[note->outcome], note->item, (unsigned long long)note->seed,
			  note->first ? " (new)" : "", replay);
		free(replay);
	}
}

static void put_item(struct words *w, const struct item *item)
{
	const double seconds = (double)item->took_ms / 1000;
	words_put(w, "%-38s %-13s %4u %9.1f", item->name, summary_item(item), item->runs, seconds);
	if (item->runs != 0)
		words_put(w, "  %4llu-%-4llu", (unsigned long long)item->first_seed,
			  (unsigned long long)item->first_seed + item->runs - 1);
	if (item->sum.executions != 0)
		words_put(w, " %11llu %8.0f", (unsigned long long)item->sum.executions,
			  seconds > 0 ? (double)item->sum.executions / seconds : 0);
	if (item->sum.lines != 0) words_put(w, "  %llu lines", (unsigned long long)item->sum.lines);
	if (item->sum.edges_of != 0)
		words_put(w, "  %llu of %llu edges", (unsigned long long)item->sum.edges,
			  (unsigned long long)item->sum.edges_of);
	if (item->sum.corpus_is != 0)
		words_put(w, "  corpus %llu + %llu, merged %llu, %llu features",
			  (unsigned long long)item->sum.corpus_was,
			  (unsigned long long)item->sum.corpus_new,
			  (unsigned long long)item->sum.corpus_is,
			  (unsigned long long)item->sum.features);
	if (item->sum.states_of != 0)
		words_put(w, "  %llu of %llu states", (unsigned long long)item->sum.states,
			  (unsigned long long)item->sum.states_of);
	words_put(w, "\n");
}

static void put_unreached(struct words *w, const struct night *night)
{
	if (count_items(night, false) == 0) return;
	words_put(w, "\nNot reached in this time, and first in the next night:");
	for (uint32_t i = 0; i < night->table.items; i++)
		if (night->table.item[i].runs == 0) words_put(w, " %s", night->table.item[i].name);
	words_put(w, "\n");
}

static void put_head(struct words *w, const struct night *night)
{
	char *verdict = summary_night(night);
	words_put(w, "Anvil's night of %s: %s\n", night->began, verdict);
	words_put(w,
		  "commit %s; %.0f seconds of %.0f, %u side by side, %u rounds; night %u of this "
		  "folder\n",
		  night->commit, night_now(night), night->seconds, night->plan.jobs,
		  night->plan.round, night->nights);
	words_put(w, "on this commit before: %llu runs, %llu executions\n",
		  (unsigned long long)night->commit_runs,
		  (unsigned long long)night->commit_executions);
	free(verdict);
}

static void save(const struct night *night, const struct words *w)
{
	char *latest = night_path(night, "summary.txt");
	char *own = words_made("%s/nights/%s.txt", night->root, night->began);
	if (!disk_write(latest, w->at, w->bytes) || !disk_write(own, w->at, w->bytes))
		perror(latest);
	free(latest);
	free(own);
}

void summary_write(struct night *night)
{
	struct words w = { 0 };
	put_head(&w, night);
	put_findings(&w, night);
	put_unreached(&w, night);
	words_put(&w, "\n%-38s %-13s %4s %9s  %-9s %11s %8s\n", "item", "verdict", "runs",
		  "seconds", "seeds", "executions", "a second");
	for (uint32_t i = 0; i < night->table.items; i++) put_item(&w, &night->table.item[i]);
	words_put(&w,
		  "\nExecutions are scripts, of stress.* operations.  Edges are libFuzzer's own "
		  "count: inline 8-bit\ncounters of the program that were reached, of all it "
		  "has.  States are those that a subject must reach.  Lines are of scores that "
		  "programs played, on all kernels.\nA corpus is counted in inputs, before and "
		  "new; features are libFuzzer's count of what the merged ones show.\n\n%s",
		  night->environment);
	save(night, &w);
	fwrite(w.at, 1, w.bytes, stdout);
	fflush(stdout);
	words_free(&w);
}
