/*
 * table.c -- reads the rows of a night.
 *
 * Always true: an item that is in the table has all its fields, and a name of its own.
 *
 * Locks: none.
 */
#include "stress/nightly/table.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS = 12, ITEM_FIELDS = 11, SMALL_FIELDS = 3 };

const char *const outcome_names[OUTCOMES] = {
	"clean", "finding", "hang", "panic", "cut", "killed", "environment",
};

static const char *const kind_names[ITEM_KINDS] = { "engine", "hunt", "play", "stress" };

/* Cuts a line at its tabs; returns how many fields there are. */
static unsigned split_fields(char *line, char *field[FIELDS])
{
	unsigned count = 0;
	while (line != NULL && count < FIELDS) {
		field[count++] = line;
		line = strchr(line, '\t');
		if (line != NULL) *line++ = '\0';
	}
	return count;
}

static bool take_number(const char *text, uint64_t *out)
{
	char *end;
	*out = strtoull(text, &end, 10);
	return *text >= '0' && *text <= '9' && *end == '\0';
}

/* Names become names of folders and words of the ledger. */
static bool is_name(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789._-";
	return *text != '\0' && *text != '.' && text[strspn(text, letters)] == '\0';
}

static char *subject_of(const char *name)
{
	const char *dot = strchr(name, '.');
	char *subject = words_copy(dot == NULL ? name : dot + 1);
	subject[strcspn(subject, ".")] = '\0';
	return subject;
}

static bool take_numbers(struct item *item, char *field[FIELDS])
{
	uint64_t weight, patience;
	if (!take_number(field[5], &weight) || !take_number(field[6], &patience)) return false;
	if (!take_number(field[7], &item->least) || !take_number(field[8], &item->most))
		return false;
	item->weight = (uint32_t)weight;
	item->patience_s = (uint32_t)patience;
	return weight >= 1 && weight <= 100 && patience >= 1 && patience <= 100000 &&
	       item->least <= item->most;
}

static const char *take_item(struct table *table, char *field[FIELDS])
{
	struct item *item = &table->item[table->items];
	unsigned kind = 0;
	while (kind < ITEM_KINDS && strcmp(kind_names[kind], field[2]) != 0) kind++;
	item->kind = kind;
	item->must_find = strcmp(field[3], "finding") == 0;
	if (!is_name(field[1])) return "a wrong name";
	if (table_find(table, field[1]) != NULL) return "a name that is there already";
	if (kind == ITEM_KINDS) return "a kind that is none";
	if (!item->must_find && strcmp(field[3], "clean") != 0) return "neither clean nor finding";
	item->first = strcmp(field[4], "first") == 0;
	if (!item->first && strcmp(field[4], "later") != 0) return "neither first nor later";
	if (!take_numbers(item, field)) return "a number that is wrong";
	if (*field[9] == '\0') return "no command";
	item->name = words_copy(field[1]);
	item->subject = subject_of(item->name);
	item->command = words_copy(field[9]);
	item->again = words_copy(field[10]);
	item->seed = 1;
	table->items++;
	return NULL;
}

static const char *take_row(struct table *table, char *line)
{
	char *field[FIELDS];
	const unsigned count = split_fields(line, field);
	if (table->items == TABLE_ITEMS_MAX || table->smalls == TABLE_ITEMS_MAX)
		return "too many rows";
	if (strcmp(field[0], "item") == 0)
		return count == ITEM_FIELDS ? take_item(table, field) : "not eleven fields";
	if (strcmp(field[0], "small") != 0 || count != SMALL_FIELDS) return "no row of a table";
	table->small[table->smalls].subject = words_copy(field[1]);
	table->small[table->smalls++].command = words_copy(field[2]);
	return NULL;
}

bool table_read(struct table *table, const char *path, struct words *why)
{
	char *text = words_of_file(path, SIZE_MAX >> 1), *rest = text, *line;
	if (text == NULL) words_put(why, "%s: %s", path, strerror(errno));
	for (unsigned number = 1; (line = words_line(&rest)) != NULL; number++) {
		if (*line == '#' || *line == '\0') continue;
		const char *wrong = take_row(table, line);
		if (wrong == NULL) continue;
		words_put(why, "%s:%u: %s", path, number, wrong);
		break;
	}
	free(text);
	return why->bytes == 0;
}

struct item *table_find(struct table *table, const char *name)
{
	for (uint32_t i = 0; i < table->items; i++)
		if (strcmp(table->item[i].name, name) == 0) return &table->item[i];
	return NULL;
}

const char *table_small(const struct table *table, const char *subject)
{
	for (uint32_t i = 0; i < table->smalls; i++)
		if (strcmp(table->small[i].subject, subject) == 0) return table->small[i].command;
	return NULL;
}

/* The blank that `text` begins with, or NULL. */
static const struct blank *blank_at(const char *text, const struct blank *blanks)
{
	for (const struct blank *b = blanks; b->key != NULL; b++) {
		const size_t length = strlen(b->key);
		if (text[0] == '{' && strncmp(text + 1, b->key, length) == 0 &&
		    text[1 + length] == '}')
			return b;
	}
	return NULL;
}

char *table_fill(const char *text, const struct blank *blanks)
{
	struct words w = { 0 };
	while (*text != '\0') {
		const struct blank *b = blank_at(text, blanks);
		if (b == NULL) {
			words_put_bytes(&w, text++, 1);
			continue;
		}
		words_put(&w, "%s", b->value);
		text += strlen(b->key) + 2;
	}
	words_put_bytes(&w, "", 0);
	return w.at;
}

char **table_split(const char *command)
{
	const size_t bytes = strlen(command) + 1;
	char **list = calloc(1, (bytes / 2 + 2) * sizeof(char *) + bytes);
	if (list == NULL) return NULL;
	char *text = (char *)(list + bytes / 2 + 2), *rest = NULL;
	size_t count = 0;
	memcpy(text, command, bytes);
	for (char *word = strtok_r(text, " ", &rest); word != NULL;
	     word = strtok_r(NULL, " ", &rest))
		list[count++] = word;
	return list;
}
