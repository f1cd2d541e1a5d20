/*
 * explain.c -- what a run did, noted point by point and shown.
 *
 * The run is watched (plan.h).  Of all points few are worth a line: where an operation begins,
 * where a lock is asked for or dropped, where a CPU spins for the first time in a row, interrupts,
 * and the points at which the turn is given away.  They are kept in a ring, so what is shown is the
 * end, which is what matters.  That the turn went elsewhere by itself shows at the next point: it
 * is another CPU's.
 *
 * The drawing is one file with no scripts and no links: columns for CPUs, a box for each operation,
 * bars beside it from the point at which a lock was asked for to that at which it was dropped, and
 * arrows for turns.
 *
 * Locks: none.  Cost: not in a run's way but for a watched one's.
 */
#include "fuzz/frame/explain.h"

#include <string.h>

#include "fuzz/frame/plan.h"
#include "fuzz/frame/replay.h"
#include "fuzz/frame/text.h"

enum { ROW = 16, COLUMN = 260, MARGIN = 70, TOP = 60, WORDS = 120 };

struct event {
	uint64_t point;
	uint32_t op; /* UINT32_MAX: in none */
	uint32_t site;
	uint8_t cpu, to; /* who has the turn, and who gets it; the same: it stays */
	uint8_t tick, forced;
};

struct notes {
	uint32_t most;
	uint64_t count; /* ever */
	uint8_t last_cpu, spins;
	struct event event[];
};

static struct notes *notes;

void explain_open(uint32_t most)
{
	notes = child_shared(sizeof(*notes) + most * sizeof(struct event));
	notes->most = most;
}

static struct event *event_at(uint64_t n)
{
	return &notes->event[n % notes->most];
}

static void note(const struct plan_seen *seen, uint8_t from, uint8_t to, bool forced)
{
	*event_at(notes->count++) = (struct event){
		.point = seen->turns->points,
		.op = seen->lane == RUN_NO_LANE ? UINT32_MAX : seen->op,
		.site = plan_is_access(seen->point) ? plan_place(seen->point)
						    : plan_site(seen->point),
		.cpu = from,
		.to = to,
		.tick = seen->turn.tick,
		.forced = forced,
	};
}

static void see(void *context, const struct plan_seen *seen)
{
	const uint8_t cpu = (uint8_t)seen->turns->now, kind = seen->point.kind;
	(void)context;
	if (cpu != notes->last_cpu && notes->count != 0) note(seen, notes->last_cpu, cpu, true);
	const bool spins = kind == TURN_RELAX && (notes->spins >> cpu & 1) != 0;
	const bool worth =
		kind >= TURN_RELAX && kind != TURN_UNMASK && kind != TURN_EXTRA && !spins;
	if (kind == TURN_RELAX)
		notes->spins |= (uint8_t)(1u << cpu);
	else if (kind >= TURN_NAMED)
		notes->spins &= (uint8_t) ~(1u << cpu);
	if (worth || seen->decided) note(seen, cpu, seen->turn.cpu, false);
	notes->last_cpu = seen->turn.cpu;
}

void explain_watch(void)
{
	static const struct plan_watch watch = { see, NULL };
	plan_watch_set(&watch);
}

/* --- words ------------------------------------------------------------------------------------ */

struct words {
	char at[WORDS];
	size_t bytes;
};

static void keep(void *context, const char *text, size_t bytes)
{
	struct words *w = context;
	if (bytes > sizeof(w->at) - 1 - w->bytes) bytes = sizeof(w->at) - 1 - w->bytes;
	memcpy(w->at + w->bytes, text, bytes);
	w->bytes += bytes;
	w->at[w->bytes] = '\0';
}

static const char *op_words(uint32_t n)
{
	static struct words words;
	const struct text_out out = { keep, &words };
	words.bytes = 0;
	words.at[0] = '\0';
	const struct script_op op = script_op_for(&harness->script, harness->subject, n);
	text_put(&out, "%u: ", n);
	text_write_op(harness->subject, &op, &out);
	return words.at;
}

static bool is_step(const struct event *e)
{
	return plan_site_is(e->site, SITE_STEP) && !e->forced;
}

static const char *event_words(const struct event *e)
{
	static char words[2 * WORDS];
	char site[32];
	size_t at = 0;
	plan_site_name(e->site, site, sizeof(site));
	if (e->forced)
		at = (size_t)snprintf(words, sizeof(words), "cannot go on");
	else if (is_step(e) && e->op != UINT32_MAX)
		at = (size_t)snprintf(words, sizeof(words), "%s", op_words(e->op));
	else
		at = (size_t)snprintf(words, sizeof(words), "  %s", site);
	if (e->tick) at += (size_t)snprintf(words + at, sizeof(words) - at, ", tick");
	if (e->to != e->cpu)
		snprintf(words + at, sizeof(words) - at, " --> cpu %u", (unsigned)e->to);
	return words;
}

static uint64_t first_event(void)
{
	return notes->count > notes->most ? notes->count - notes->most : 0;
}

static unsigned cpus(void)
{
	return harness->script.world.cpus;
}

static unsigned last_cpu(void)
{
	return notes->count == 0 ? 0 : notes->last_cpu % cpus();
}

/* --- as text ---------------------------------------------------------------------------------- */

enum { TEXT_COLUMN = 36 };

void explain_tell(FILE *out)
{
	fprintf(out, "%-8s", "point");
	for (unsigned cpu = 0; cpu < cpus(); cpu++) fprintf(out, "cpu %-*u", TEXT_COLUMN - 4, cpu);
	fprintf(out, "\n");
	for (uint64_t n = first_event(); n < notes->count; n++) {
		const struct event *e = event_at(n);
		fprintf(out, "%-8llu%*s%s\n", (unsigned long long)e->point, e->cpu * TEXT_COLUMN,
			"", event_words(e));
	}
	if (harness->oracle == NULL) {
		fprintf(out, "no oracle fires\n");
		return;
	}
	fprintf(out, "%-8s%*s*** %s\n", "", (int)last_cpu() * TEXT_COLUMN, "", harness->oracle);
	fprintf(out, "in %s: %s\n", op_words(harness->run.op), harness->seen);
}

/* --- as a drawing ----------------------------------------------------------------------------- */

static void put_escaped(FILE *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '<')
			fputs("&lt;", out);
		else if (*text == '>')
			fputs("&gt;", out);
		else if (*text == '&')
			fputs("&amp;", out);
		else
			fputc(*text, out);
	}
}

static unsigned x_of(unsigned cpu)
{
	return MARGIN + cpu * COLUMN;
}

static unsigned y_of(uint64_t row)
{
	return (unsigned)(TOP + row * ROW);
}

static void put_text(FILE *out, unsigned x, unsigned y, const char *style, const char *text)
{
	fprintf(out, "<text x='%u' y='%u' class='%s'>", x, y, style);
	put_escaped(out, text);
	fprintf(out, "</text>\n");
}

/* The row at which what was asked for at `row` is dropped again, on that CPU; or the last. */
static uint64_t row_of_drop(uint64_t row, const struct event *lock)
{
	const uint64_t first = first_event(), rows = notes->count - first;
	for (uint64_t n = row + 1; n < rows; n++) {
		const struct event *e = event_at(first + n);
		if (e->cpu == lock->cpu && e->site == lock->site + 256 && !e->forced) return n;
	}
	return rows;
}

/* A lock from the asking to the drop: one bar for each rank, side by side. */
static void draw_lock(FILE *out, uint64_t row, const struct event *e)
{
	const uint64_t end = row_of_drop(row, e);
	const unsigned x = x_of(e->cpu) - 4 - e->site % 256 / 8 * 3;
	char site[32];
	plan_site_name(e->site, site, sizeof(site));
	fprintf(out,
		"<rect x='%u' y='%u' width='2' height='%u' class='lock'><title>%s</title></rect>\n",
		x, y_of(row) - 10, (unsigned)(end - row) * ROW, site);
}

static void draw_event(FILE *out, uint64_t row, const struct event *e)
{
	const unsigned x = x_of(e->cpu), y = y_of(row);
	char point[24];
	snprintf(point, sizeof(point), "%llu", (unsigned long long)e->point);
	put_text(out, 4, y, "point", point);
	if (is_step(e))
		fprintf(out, "<rect x='%u' y='%u' width='%u' height='%u' class='op'/>\n", x - 2,
			y - 12, COLUMN - 30, ROW - 1);
	put_text(out, x, y, e->forced ? "point" : "event", event_words(e));
	if (!e->forced && plan_site_is(e->site, SITE_LOCK)) draw_lock(out, row, e);
	if (e->to != e->cpu)
		fprintf(out, "<path d='M%u %u L%u %u' class='%s' marker-end='url(#a)'/>\n", x,
			y + 2, x_of(e->to % cpus()), y + ROW - 6, e->forced ? "forced" : "turn");
}

static void draw_head(FILE *out, uint64_t rows)
{
	fprintf(out,
		"<svg xmlns='http://www.w3.org/2000/svg' width='%u' height='%u'>\n"
		"<style>text{font:11px monospace}.point{fill:#888}.cpu{font-weight:bold}"
		".op{fill:#dce9f7}.lock{fill:#c60}.turn{stroke:#c00;fill:none}"
		".forced{stroke:#aaa;fill:none;stroke-dasharray:3}.oracle{fill:#c00;"
		"font-weight:bold}</style>\n"
		"<defs><marker id='a' markerWidth='6' markerHeight='6' refX='5' refY='3' "
		"orient='auto'><path d='M0 0 L6 3 L0 6 z'/></marker></defs>\n"
		"<rect width='100%%' height='100%%' fill='#fff'/>\n",
		x_of(cpus()) + COLUMN, y_of(rows + 4));
}

void explain_draw(FILE *out)
{
	const uint64_t first = first_event(), rows = notes->count - first;
	char words[WORDS + HARNESS_SEEN];
	draw_head(out, rows);
	put_text(out, 4, 20, "cpu", harness->subject->name);
	for (unsigned cpu = 0; cpu < cpus(); cpu++) {
		snprintf(words, sizeof(words), "cpu %u", cpu);
		put_text(out, x_of(cpu), 40, "cpu", words);
	}
	for (uint64_t n = 0; n < rows; n++) draw_event(out, n, event_at(first + n));
	if (harness->oracle != NULL) {
		put_text(out, x_of(last_cpu()), y_of(rows), "oracle", harness->oracle);
		snprintf(words, sizeof(words), "in %s: %s", op_words(harness->run.op),
			 harness->seen);
		put_text(out, MARGIN, y_of(rows + 2), "oracle", words);
	}
	fprintf(out, "</svg>\n");
}
