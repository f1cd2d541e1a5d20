/*
 * page_tables.c -- the page's tables: the night at a glance, then each kind of items with the
 * columns that it has figures for.
 *
 * Stresses are told in one line for each program and a column for each number of CPUs and way to
 * run; all others in a line an item.
 *
 * Locks: none.
 */
#include <stdlib.h>
#include <string.h>

#include "stress/nightly/curve.h"
#include "stress/nightly/page.h"

enum { VARIANTS_MAX = 16 };

/* --- pieces ----------------------------------------------------------------------------------- */

static const char *class_of(const struct item *item)
{
	const char *word = summary_item(item);
	if (strcmp(word, "clean") == 0 || strcmp(word, "found, as due") == 0) return "well";
	return strcmp(word, "cut") == 0 || strcmp(word, "not reached") == 0 ? "none" : "bad";
}

static void put_cell(struct words *w, uint64_t count)
{
	words_put(w, "<td>");
	if (count != 0) words_put_count(w, count);
	words_put(w, "</td>");
}

static void put_of(struct words *w, uint64_t some, uint64_t all)
{
	words_put(w, "<td>");
	if (all != 0) {
		words_put_count(w, some);
		words_put(w, " of ");
		words_put_count(w, all);
	}
	words_put(w, "</td>");
}

static double seconds_of(const struct item *item)
{
	return (double)item->took_ms / 1000;
}

/* --- at a glance ------------------------------------------------------------------------------ */

struct glance {
	uint32_t items, reached, bad;
	uint64_t runs, executions, lines, features;
	double seconds;
};

static void add(struct glance *g, const struct item *item)
{
	g->items++;
	g->reached += item->runs != 0;
	g->bad += strcmp(class_of(item), "bad") == 0;
	g->runs += item->runs;
	g->executions += item->sum.executions;
	g->lines += item->sum.lines;
	g->features += item->sum.features;
	g->seconds += seconds_of(item);
}

static void put_glance(struct words *w, const char *name, const struct glance *g,
		       const char *executions)
{
	if (g->items == 0) return;
	words_put(w, "<tr><td>%s</td>", name);
	if (g->bad != 0)
		words_put(w, "<td class=\"bad\">%u not well</td>", g->bad);
	else
		words_put(w, g->reached != 0 ? "<td class=\"well\">well</td>"
					     : "<td class=\"none\">not reached</td>");
	put_of(w, g->reached, g->items);
	put_cell(w, g->runs);
	words_put(w, "<td>%.0f</td>", g->seconds);
	words_put(w, "<td>");
	if (g->executions != 0) {
		words_put_count(w, g->executions);
		words_put(w, " %s", executions);
	}
	if (g->lines != 0) {
		words_put(w, ", ");
		words_put_count(w, g->lines);
		words_put(w, " lines compared");
	}
	words_put(w, "</td></tr>\n");
}

void page_glance(struct words *w, const struct night *night)
{
	static const char *const names[ITEM_KINDS] = {
		[ITEM_ENGINE] = "fuzzing: engines on their corpora",
		[ITEM_HUNT] = "hunts: scripts drawn from a seed",
		[ITEM_PLAY] = "scripts played by programs",
		[ITEM_STRESS] = "stresses and storms of programs",
	};
	struct glance of[ITEM_KINDS] = { { 0 } }, canaries = { 0 };
	for (uint32_t i = 0; i < night->table.items; i++) {
		const struct item *item = &night->table.item[i];
		add(item->must_find ? &canaries : &of[item->kind], item);
	}
	words_put(w, "<table class=\"wide\"><tr><th></th><th>verdict</th><th>items</th>"
		     "<th>runs</th><th>seconds</th><th></th></tr>\n");
	put_glance(w, "canaries: they must find something", &canaries, "scripts");
	for (unsigned kind = 0; kind < ITEM_KINDS; kind++)
		put_glance(w, names[kind], &of[kind],
			   kind == ITEM_STRESS ? "operations counted" : "scripts");
	words_put(w, "</table>\n");
}

/* --- a line an item --------------------------------------------------------------------------- */

static void put_edges(struct words *w, const struct night *night, const struct item *item)
{
	struct curve c = { .count = 0 };
	char *log = page_log(night, item);
	if (log != NULL) curve_of_edges(&c, log);
	words_put(w, "<td>");
	curve_put_small(w, &c);
	words_put(w, "</td>");
	free(log);
}

static void put_corpus(struct words *w, const struct figures *f)
{
	if (f->corpus_is == 0) {
		words_put(w, "<td>");
		if (f->corpus_new != 0) words_put_count(w, f->corpus_new);
		words_put(w, "%s</td><td></td><td></td>", f->corpus_new != 0 ? " to merge" : "");
		return;
	}
	words_put(w, "<td>");
	words_put_count(w, f->corpus_was);
	words_put(w, " + ");
	words_put_count(w, f->corpus_new);
	words_put(w, "</td>");
	put_cell(w, f->corpus_is);
	put_cell(w, f->features);
}

static void put_line(struct words *w, const struct night *night, const struct item *item)
{
	const double seconds = seconds_of(item);
	words_put(w, "<tr><td>%s</td><td class=\"%s\">%s</td><td>%u</td><td>", item->name,
		  class_of(item), summary_item(item), item->runs);
	if (item->runs != 0)
		words_put(w, "%llu&ndash;%llu", (unsigned long long)item->first_seed,
			  (unsigned long long)item->first_seed + item->runs - 1);
	words_put(w, "</td><td>%.1f</td>", seconds);
	put_cell(w, item->sum.executions);
	if (item->kind == ITEM_PLAY) {
		put_cell(w, item->sum.lines);
	} else {
		put_cell(w, seconds > 0 ? (uint64_t)((double)item->sum.executions / seconds) : 0);
	}
	if (item->kind == ITEM_HUNT) put_of(w, item->sum.states, item->sum.states_of);
	if (item->kind == ITEM_ENGINE) {
		put_of(w, item->sum.edges, item->sum.edges_of);
		put_edges(w, night, item);
		put_corpus(w, &item->sum);
	}
	words_put(w, "</tr>\n");
}

static bool has_kind(const struct night *night, enum item_kind kind)
{
	for (uint32_t i = 0; i < night->table.items; i++)
		if (night->table.item[i].kind == kind) return true;
	return false;
}

static void put_lines(struct words *w, const struct night *night, enum item_kind kind,
		      const char *title, const char *columns, const char *notes)
{
	if (!has_kind(night, kind)) return;
	words_put(w,
		  "<h2>%s</h2>\n<table class=\"wide\"><tr><th>item</th><th>verdict</th>"
		  "<th>runs</th><th>seeds</th><th>seconds</th><th>scripts</th>%s</tr>\n",
		  title, columns);
	for (uint32_t i = 0; i < night->table.items; i++)
		if (night->table.item[i].kind == kind) put_line(w, night, &night->table.item[i]);
	words_put(w, "</table>\n<p>%s</p>\n", notes);
}

/* --- stresses --------------------------------------------------------------------------------- */

/* What stands behind the second dot: "4-free". */
static const char *variant_of(const struct item *item)
{
	const char *dot = strchr(item->name, '.');
	if (dot != NULL) dot = strchr(dot + 1, '.');
	return dot == NULL ? "" : dot + 1;
}

static unsigned variants_of(const struct night *night, const char *variant[VARIANTS_MAX])
{
	unsigned count = 0;
	for (uint32_t i = 0; i < night->table.items; i++) {
		const struct item *item = &night->table.item[i];
		unsigned at = 0;
		if (item->kind != ITEM_STRESS) continue;
		while (at < count && strcmp(variant[at], variant_of(item)) != 0) at++;
		if (at == count && count < VARIANTS_MAX) variant[count++] = variant_of(item);
	}
	return count;
}

static const struct item *stress_of(const struct night *night, const char *subject,
				    const char *variant)
{
	for (uint32_t i = 0; i < night->table.items; i++) {
		const struct item *item = &night->table.item[i];
		if (item->kind == ITEM_STRESS && strcmp(item->subject, subject) == 0 &&
		    strcmp(variant_of(item), variant) == 0)
			return item;
	}
	return NULL;
}

static void put_stress(struct words *w, const struct item *item)
{
	if (item == NULL) {
		words_put(w, "<td></td>");
		return;
	}
	words_put(w, "<td><span class=\"%s\">%s</span>", class_of(item), summary_item(item));
	if (item->runs != 0) words_put(w, "<br>%u&thinsp;&times;, ", item->runs);
	if (item->sum.executions != 0) {
		words_put_count(w, item->sum.executions);
		words_put(w, " ops, ");
	}
	if (item->runs != 0) words_put(w, "%.0f s", seconds_of(item));
	words_put(w, "</td>");
}

static void put_stresses(struct words *w, const struct night *night)
{
	const char *variant[VARIANTS_MAX];
	const unsigned variants = variants_of(night, variant);
	if (variants == 0) return;
	words_put(w, "<h2>Stresses</h2>\n<table class=\"wide\"><tr><th>by CPUs</th>");
	for (unsigned v = 0; v < variants; v++) words_put(w, "<th>%s</th>", variant[v]);
	words_put(w, "</tr>\n");
	for (uint32_t i = 0; i < night->table.items; i++) {
		const struct item *item = &night->table.item[i];
		if (item->kind != ITEM_STRESS ||
		    stress_of(night, item->subject, variant[0]) != item)
			continue;
		words_put(w, "<tr><td>%s</td>", item->subject);
		for (unsigned v = 0; v < variants; v++)
			put_stress(w, stress_of(night, item->subject, variant[v]));
		words_put(w, "</tr>\n");
	}
	words_put(w, "</table>\n<p>CPUs take turns by counted instructions, or (free) run as they "
		     "like. Clean: every check held, and memory stabilised.</p>\n");
}

void page_tables(struct words *w, const struct night *night)
{
	put_lines(w, night, ITEM_ENGINE, "Fuzzing",
		  "<th>a second</th><th>edges</th><th>over scripts</th><th>corpus + new</th>"
		  "<th>merged</th><th>features</th>",
		  "Edges are libFuzzer&#39;s own count: inline 8-bit counters of the program that "
		  "were reached, of all that it has. Corpora are counted in inputs; features are "
		  "libFuzzer&#39;s count of what the merged ones show.");
	put_lines(w, night, ITEM_HUNT, "Hunts", "<th>a second</th><th>states</th>",
		  "States are those that a subject must reach.");
	put_lines(w, night, ITEM_PLAY, "Scripts played by programs", "<th>lines compared</th>",
		  "Programs do on the booted kernel what a script&#39;s tasks did on the host; "
		  "with one CPU on Debian&#39;s Linux as well, where that was there.");
	put_stresses(w, night);
}
