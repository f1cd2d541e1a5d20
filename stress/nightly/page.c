/*
 * page.c -- the night as one page that needs nothing else: no link leads out of it, pictures are
 * inline SVG (gnuplot's, of memory over time; ours, of edges over executions and of what programs
 * leave free).
 *
 * From the top: the verdict, the night at a glance, findings (new ones, those seen again, and
 * folded up those of earlier nights), a table for each kind of items, memory.
 *
 * What programs printed is escaped.  Pictures are what our own tools made, and are taken as they
 * are, from `<svg` on.
 *
 * Locks: none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/frame/files.h"
#include "stress/nightly/curve.h"
#include "stress/nightly/finding.h"
#include "stress/nightly/page.h"

enum { PART_MOST = 20000, PICTURE_MOST = 1 << 20, LOG_MOST = 4 << 20 };

static const char style[] =
	"body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:74em;padding:0 1em;"
	"color:#222;background:#fff}"
	"h1{margin-bottom:.2em}h2{margin-top:1.6em}h3{margin:1.2em 0 .2em}"
	"p.verdict{font-size:1.5em;margin:.2em 0 .5em}"
	"table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
	"table.wide{font-size:13px}"
	"td,th{padding:.2em .7em;text-align:right;border-bottom:1px solid #ddd;white-space:nowrap}"
	"td:first-child,th:first-child,td:nth-child(2),th:nth-child(2){text-align:left}"
	"pre{background:#f5f5f5;padding:.7em;overflow:auto;max-height:30em;font-size:13px;"
	"margin:.4em 0}details{margin:.1em 0}summary{cursor:pointer}"
	".well{color:#176a2b}.bad{color:#a31515;font-weight:600}.none{color:#777}"
	"figure{margin:.6em 0;display:inline-block;vertical-align:top;padding-right:1%}"
	"figure.half{width:48%}figure.third{width:31%}figure svg{width:100%;height:auto}"
	"figcaption{color:#555;font-size:13px}"
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

char *page_log(const struct night *night, const struct item *item)
{
	char *path = words_made("%s/logs/%s", night->root, item->name);
	char *log = words_of_file(path, LOG_MOST);
	free(path);
	return log;
}

/* --- findings --------------------------------------------------------------------------------- */

enum when { TONIGHT_FIRST, TONIGHT_AGAIN, EARLIER, WHENS };

struct listing {
	struct words *w;
	const struct night *night;
	const char *folder;
	enum when when; /* of which it is now */
	unsigned count;
};

static enum when when_found(const struct night *night, const char *signature)
{
	enum when when = EARLIER;
	for (uint32_t i = 0; i < night->notes; i++) {
		if (strcmp(night->note[i].signature, signature) != 0) continue;
		if (night->note[i].first) return TONIGHT_FIRST;
		when = TONIGHT_AGAIN;
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

/* By whom, and how it ended: the last line of `seen`. */
static void put_seen(struct listing *l, const char *at)
{
	char *path = words_made("%s/seen", at), *seen = words_of_file(path, 400), word[128];
	char *line = seen == NULL ? NULL : strrchr(seen, '\n');
	if (line != NULL) {
		*line = '\0';
		line = strrchr(seen, '\n');
		line = words_made(" %s", line == NULL ? seen : line + 1);
		words_put(l->w, "%s, ", ledger_word(line, "outcome", word, sizeof(word)));
		words_put(l->w, "by %s", ledger_word(line, "item", word, sizeof(word)));
		words_put(l->w, " with seed %llu", (unsigned long long)ledger_number(line, "seed"));
		words_put(l->w, ", %s", ledger_word(line, "at", word, sizeof(word)));
		free(line);
	}
	free(seen);
	free(path);
}

/* What it says first of what is wrong. */
static void put_first_line(struct listing *l, const char *at)
{
	char *path = words_made("%s/report", at), *report = words_of_file(path, PART_MOST);
	if (report != NULL) {
		report[strcspn(report, "\n")] = '\0';
		put_escaped(l->w, report);
	}
	free(report);
	free(path);
}

static void put_finding(const char *signature, void *context)
{
	static const char *const words[WHENS] = { "new", "again",
						  "in an earlier night, not in this" };
	struct listing *l = context;
	if (when_found(l->night, signature) != l->when) return;
	char *at = words_made("%s/%s", l->folder, signature);
	l->count++;
	words_put(l->w, "<h3>");
	put_escaped(l->w, signature);
	words_put(l->w, "</h3>\n<p><b>%s</b>: ", words[l->when]);
	put_seen(l, at);
	words_put(l->w, "</p>\n<pre>");
	put_first_line(l, at);
	words_put(l->w, "\n\n");
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
	struct words before = { 0 };
	char *folder = night_path(night, "findings");
	struct listing l = { w, night, folder, TONIGHT_FIRST, 0 };
	words_put(w, "<h2>Findings</h2>\n");
	finding_each(folder, put_finding, &l);
	l.when = TONIGHT_AGAIN;
	finding_each(folder, put_finding, &l);
	if (l.count == 0) words_put(w, "<p>None in this night.</p>\n");
	l = (struct listing){ &before, night, folder, EARLIER, 0 };
	finding_each(folder, put_finding, &l);
	if (l.count != 0)
		words_put(w, "<details><summary>%u of earlier nights</summary>\n%s</details>\n",
			  l.count, words_text(&before));
	words_free(&before);
	free(folder);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* Drawn by the stress itself; or by us, from what its log says. */
static void put_picture(struct words *w, const struct night *night, const struct item *item)
{
	struct curve c = { .count = 0 };
	char *path = words_made("%s/pictures/%s.svg", night->root, item->name);
	char *text = words_of_file(path, PICTURE_MOST);
	char *log = item->kind == ITEM_STRESS ? page_log(night, item) : NULL;
	const char *svg = text == NULL ? NULL : strstr(text, "<svg");
	if (log != NULL) curve_of_memory(&c, log);
	if (item->runs != 0 && (svg != NULL || c.count > 1)) {
		words_put(w, "<figure class=\"%s\"><figcaption>%s</figcaption>\n",
			  svg != NULL ? "half" : "third", item->name);
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

static void put_pictures(struct words *w, const struct night *night)
{
	words_put(w, "<h2>Memory over time</h2>\n");
	for (uint32_t i = 0; i < night->table.items; i++)
		put_picture(w, night, &night->table.item[i]);
}

/* --- the page --------------------------------------------------------------------------------- */

static void put_head(struct words *w, const struct night *night)
{
	char *verdict = summary_night(night);
	words_put(w,
		  "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
		  "<title>Anvil, night of %s</title><style>%s</style></head><body>\n",
		  night->began, style);
	words_put(w, "<h1>Night of %s</h1>\n<p class=\"verdict %s\">", night->began,
		  night->notes == 0 && night->trouble == NULL ? "well" : "bad");
	put_escaped(w, verdict);
	words_put(w, "</p>\n<p>commit ");
	put_escaped(w, night->commit);
	words_put(w, "; %.0f seconds of %.0f, %u side by side, %u rounds; night %u of this folder",
		  night_now(night), night->seconds, night->plan.jobs, night->plan.round,
		  night->nights);
	if (night->commit_runs != 0) {
		words_put(w, "; on this commit before: ");
		words_put_count(w, night->commit_runs);
		words_put(w, " runs, ");
		words_put_count(w, night->commit_executions);
		words_put(w, " executions");
	}
	words_put(w, "</p>\n");
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
	page_glance(&w, night);
	put_findings(&w, night);
	page_tables(&w, night);
	put_pictures(&w, night);
	words_put(&w, "<h2>Machine</h2>\n<pre>");
	put_escaped(&w, night->environment);
	words_put(&w, "</pre>\n</body></html>\n");
	save(night, &w);
	words_free(&w);
}
