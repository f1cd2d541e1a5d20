/*
 * page.c -- the night as one page that needs nothing else: no link leads out of it, pictures are
 * inline SVG (gnuplot's, of memory over time; ours, of edges over executions and of what programs
 * leave free).
 *
 * What programs printed is escaped.  Pictures are what our own tools made, and are taken as they
 * are, from `<svg` on.
 *
 * Locks: none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/files.h"
#include "stress/nightly/curve.h"
#include "stress/nightly/finding.h"
#include "stress/nightly/night.h"

enum { PART_MOST = 20000, PICTURE_MOST = 1 << 20, LOG_MOST = 4 << 20 };

static const char style[] =
	"body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:68em;padding:0 1em;"
	"color:#222;background:#fff}"
	"table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
	"td,th{padding:.15em .7em;text-align:right;border-bottom:1px solid #ddd}"
	"td:first-child,th:first-child,td:nth-child(2),th:nth-child(2){text-align:left}"
	"pre{background:#f5f5f5;padding:.7em;overflow:auto;max-height:30em;font-size:13px}"
	".well{color:#176a2b}.bad{color:#a31515;font-weight:600}.none{color:#777}"
	"figure{margin:1em 0}figcaption{color:#555}figure svg{width:100%;height:auto}"
	"figure svg.memory{width:60%}"
	"svg.edges{width:9em;height:1.6em;vertical-align:middle}";

/* --- pieces ----------------------------------------------------------------------------------- */

static void put_escaped(struct words *w, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '<')
			words_put(w, "&lt;");
		else if (*text == '>')
			words_put(w, "&gt;");
		else if (*text == '&')
			words_put(w, "&amp;");
		else if (*text == '"')
			words_put(w, "&quot;");
		else if (*text == '\n' || *text == '\t' || (unsigned char)*text >= ' ')
			words_put_bytes(w, text, 1);
	}
}

static void put_file(struct words *w, const char *folder, const char *name)
{
	char *path = words_made("%s/%s", folder, name), *text = words_of_file(path, PART_MOST);
	if (text != NULL) put_escaped(w, text);
	free(text);
	free(path);
}

/* --- curves ----------------------------------------------------------------------------------- */

static char *log_of(const struct night *night, const struct item *item)
{
	char *path = words_made("%s/logs/%s", night->root, item->name);
	char *log = words_of_file(path, LOG_MOST);
	free(path);
	return log;
}

static void put_edges(struct words *w, const struct night *night, const struct item *item)
{
	struct curve c = { .count = 0 };
	char *log = log_of(night, item);
	if (log != NULL) curve_of_edges(&c, log);
	curve_put_small(w, &c);
	free(log);
}

/* --- the table of verdicts -------------------------------------------------------------------- */

static const char *class_of(const struct item *item)
{
	const char *word = summary_item(item);
	if (strcmp(word, "clean") == 0 || strcmp(word, "found, as due") == 0) return "well";
	return strcmp(word, "cut") == 0 || strcmp(word, "not reached") == 0 ? "none" : "bad";
}

static void put_of(struct words *w, uint64_t some, uint64_t all)
{
	words_put(w, "<td>");
	if (all != 0)
		words_put(w, "%llu of %llu", (unsigned long long)some, (unsigned long long)all);
	words_put(w, "</td>");
}

static void put_row(struct words *w, const struct night *night, const struct item *item)
{
	const double seconds = (double)item->took_ms / 1000;
	words_put(w, "<tr><td>%s</td><td class=\"%s\">%s</td><td>%u</td><td>", item->name,
		  class_of(item), summary_item(item), item->runs);
	if (item->runs != 0)
		words_put(w, "%llu&ndash;%llu", (unsigned long long)item->first_seed,
			  (unsigned long long)item->first_seed + item->runs - 1);
	words_put(w, "</td><td>%.1f</td><td>", seconds);
	if (item->sum.executions != 0)
		words_put(w, "%llu</td><td>%.0f", (unsigned long long)item->sum.executions,
			  seconds > 0 ? (double)item->sum.executions / seconds : 0);
	else
		words_put(w, "</td><td>");
	words_put(w, "</td>");
	put_of(w, item->sum.edges, item->sum.edges_of);
	words_put(w, "<td>");
	if (item->kind == ITEM_ENGINE) put_edges(w, night, item);
	words_put(w, "</td>");
	put_of(w, item->sum.states, item->sum.states_of);
	words_put(w, "</tr>\n");
}

static void put_items(struct words *w, const struct night *night)
{
	words_put(w, "<h2>Verdicts</h2>\n<table><tr><th>item</th><th>verdict</th><th>runs</th>"
		     "<th>seeds</th><th>seconds</th><th>executions</th><th>a second</th>"
		     "<th>edges</th><th>over executions</th><th>states</th></tr>\n");
	for (uint32_t i = 0; i < night->table.items; i++) put_row(w, night, &night->table.item[i]);
	words_put(w, "</table>\n<p>Executions are scripts, of stress.* operations. Edges are "
		     "libFuzzer&#39;s own count: inline 8-bit counters of the program that were "
		     "reached, of all that it has. States are those that a subject must reach; a "
		     "hunt&#39;s. A canary must find something: its findings are proof that "
		     "findings arrive.</p>\n");
}

/* --- findings --------------------------------------------------------------------------------- */

struct listing {
	struct words *w;
	const struct night *night;
	const char *folder;
	unsigned count;
};

static const char *when_found(const struct night *night, const char *signature)
{
	const char *when = "in an earlier night, not in this";
	for (uint32_t i = 0; i < night->notes; i++) {
		if (strcmp(night->note[i].signature, signature) != 0) continue;
		if (night->note[i].first) return "new";
		when = "again";
	}
	return when;
}

static void put_part(struct listing *l, const char *signature, const char *name)
{
	char *at = words_made("%s/%s", l->folder, signature);
	if (finding_has(l->folder, signature, name)) {
		words_put(l->w, "<details><summary>%s</summary><pre>", name);
		put_file(l->w, at, name);
		words_put(l->w, "</pre></details>\n");
	}
	free(at);
}

static void put_finding(const char *signature, void *context)
{
	struct listing *l = context;
	char *at = words_made("%s/%s", l->folder, signature);
	l->count++;
	words_put(l->w, "<h3>");
	put_escaped(l->w, signature);
	words_put(l->w, "</h3>\n<p>%s</p>\n<pre>", when_found(l->night, signature));
	put_file(l->w, at, "replay");
	words_put(l->w, "</pre>\n");
	put_part(l, signature, "report");
	put_part(l, signature, "small.txt");
	put_part(l, signature, "script.txt");
	put_part(l, signature, "environment");
	put_part(l, signature, "seen");
	free(at);
}

static void put_findings(struct words *w, const struct night *night)
{
	char *folder = night_path(night, "findings");
	struct listing l = { w, night, folder, 0 };
	words_put(w, "<h2>Findings</h2>\n");
	finding_each(folder, put_finding, &l);
	if (l.count == 0) words_put(w, "<p>None.</p>\n");
	free(folder);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* Drawn by the stress itself; or by us, from what its log says. */
static void put_picture(struct words *w, const struct night *night, const struct item *item)
{
	struct curve c = { .count = 0 };
	char *path = words_made("%s/pictures/%s.svg", night->root, item->name);
	char *text = words_of_file(path, PICTURE_MOST);
	char *log = item->kind == ITEM_STRESS ? log_of(night, item) : NULL;
	const char *svg = text == NULL ? NULL : strstr(text, "<svg");
	if (log != NULL) curve_of_memory(&c, log);
	if (item->runs != 0 && (svg != NULL || c.count > 1)) {
		words_put(w, "<figure><figcaption>%s</figcaption>\n", item->name);
		if (svg != NULL)
			words_put(w, "%s", svg);
		else
			curve_put_large(w, &c, "KiB free after each cycle");
		words_put(w, "</figure>\n");
	}
	free(log);
	free(text);
	free(path);
}

/* --- the page --------------------------------------------------------------------------------- */

static void put_head(struct words *w, const struct night *night)
{
	char *verdict = summary_night(night);
	words_put(w,
		  "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		  "<title>Anvil, night of %s</title><style>%s</style></head><body>\n",
		  night->began, style);
	words_put(w, "<h1>Night of %s</h1>\n<p class=\"%s\">", night->began,
		  night->notes == 0 && night->trouble == NULL ? "well" : "bad");
	put_escaped(w, verdict);
	words_put(w, "</p>\n<p>commit ");
	put_escaped(w, night->commit);
	words_put(w,
		  "; %.0f seconds of %.0f, %u side by side, %u rounds; night %u of this folder; on "
		  "this commit before: %llu runs, %llu executions</p>\n",
		  night_now(night), night->seconds, night->plan.jobs, night->plan.round,
		  night->nights, (unsigned long long)night->commit_runs,
		  (unsigned long long)night->commit_executions);
	free(verdict);
}

static void save(const struct night *night, const struct words *w)
{
	char *latest = night_path(night, "report.html");
	char *own = words_made("%s/nights/%s.html", night->root, night->began);
	if (!disk_write(latest, w->at, w->bytes) || !disk_write(own, w->at, w->bytes))
		perror(latest);
	free(latest);
	free(own);
}

void page_write(struct night *night)
{
	struct words w = { 0 };
	put_head(&w, night);
	put_findings(&w, night);
	put_items(&w, night);
	words_put(&w, "<h2>Memory over time</h2>\n");
	for (uint32_t i = 0; i < night->table.items; i++)
		put_picture(&w, night, &night->table.item[i]);
	words_put(&w, "<h2>Machine</h2>\n<pre>");
	put_escaped(&w, night->environment);
	words_put(&w, "</pre>\n</body></html>\n");
	save(night, &w);
	words_free(&w);
}
