/*
 * history.c -- what the ledger says of earlier nights.
 *
 * Always true: an item's next seed is above all that any night began with it.
 *
 * Locks: none.  Cost: the ledger's length, once a night.
 */
#include <stdlib.h>
#include <string.h>

#include "stress/nightly/night.h"

static struct item *item_in(struct night *night, const char *line)
{
	char name[256];
	return table_find(&night->table, ledger_word(line, "item", name, sizeof(name)));
}

static void saw_begin(struct night *night, const char *line)
{
	struct item *item = item_in(night, line);
	night->turns++;
	if (item == NULL) return;
	const uint64_t seed = ledger_number(line, "seed");
	if (seed >= item->seed) item->seed = seed + 1;
	item->last_turn = night->turns;
}

static void saw_end(struct night *night, const char *line)
{
	char word[256];
	struct item *item = item_in(night, line);
	if (strcmp(ledger_word(line, "commit", word, sizeof(word)), night->commit) == 0) {
		night->commit_runs++;
		night->commit_executions += ledger_number(line, "executions");
	}
	const uint64_t size = ledger_number(line, "size");
	if (item == NULL || size == 0) return;
	if (strcmp(ledger_word(line, "outcome", word, sizeof(word)), "clean") != 0) return;
	item->last_size = size;
	item->last_took_ms = ledger_number(line, "took");
}

static void saw(const char *line, void *context)
{
	struct night *night = context;
	if (words_begin(line, "night "))
		night->nights++;
	else if (words_begin(line, "begin "))
		saw_begin(night, line);
	else if (words_begin(line, "end "))
		saw_end(night, line);
}

void history_read(struct night *night)
{
	char *path = night_path(night, "ledger");
	ledger_read(path, saw, night);
	free(path);
}
