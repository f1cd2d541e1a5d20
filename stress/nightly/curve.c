/*
 * curve.c -- a line through points that a log tells of.
 *
 * However many points there are, no more than CURVE_POINTS_MAX are kept: when there is no room
 * every second goes, and from then on half as many come.
 *
 * Locks: none.
 */
#include "stress/nightly/curve.h"

#include <string.h>

static void add(struct curve *c, double x, double y, bool last)
{
	if (c->skip == 0) c->skip = 1;
	if (c->count == CURVE_POINTS_MAX) {
		c->count /= 2;
		for (unsigned i = 0; i < c->count; i++) {
			c->x[i] = c->x[2 * i];
			c->y[i] = c->y[2 * i];
		}
		c->skip *= 2;
	}
	if (!last && c->seen++ % c->skip != 0) return;
	c->x[c->count] = x;
	c->y[c->count++] = y;
}

void curve_of_edges(struct curve *c, char *log)
{
	char *rest = log, *line;
	double x = 0, y = 0;
	while ((line = words_line(&rest)) != NULL) {
		const char *cov = *line == '#' ? strstr(line, " cov: ") : NULL;
		if (cov == NULL) continue;
		x = (double)words_number(line + 1);
		y = (double)words_number(cov + strlen(" cov: "));
		add(c, x, y, false);
	}
	if (c->count != 0) add(c, x, y, true);
}

void curve_of_memory(struct curve *c, char *log)
{
	static const char start[] = "stress: cycle ";
	char *rest = log, *line;
	while ((line = words_line(&rest)) != NULL) {
		const char *free = words_begin(line, start) ? strstr(line, ": ") : NULL;
		if (free != NULL && (free = strstr(free + 2, ": ")) != NULL)
			add(c, (double)words_number(line + strlen(start)),
			    (double)words_number(free + 2), false);
	}
}

static double most_of(const double *at, unsigned count)
{
	double most = at[0];
	for (unsigned i = 1; i < count; i++)
		if (at[i] > most) most = at[i];
	return most;
}

static double least_of(const double *at, unsigned count)
{
	double least = at[0];
	for (unsigned i = 1; i < count; i++)
		if (at[i] < least) least = at[i];
	return least;
}

/* Scaled into a field that begins at 1, 1; y is up. */
static void put_line(struct words *w, const struct curve *c, double wide, double high, double low)
{
	const double x_least = least_of(c->x, c->count), x_most = most_of(c->x, c->count);
	const double y_most = most_of(c->y, c->count);
	const double x_span = x_most > x_least ? x_most - x_least : 1;
	const double y_span = y_most > low ? y_most - low : 1;
	words_put(w, "<polyline fill=\"none\" stroke=\"#1f6feb\" points=\"");
	for (unsigned i = 0; i < c->count; i++)
		words_put(w, "%.1f,%.1f ", 1 + wide * (c->x[i] - x_least) / x_span,
			  1 + high - high * (c->y[i] - low) / y_span);
	words_put(w, "\"/>");
}

void curve_put_small(struct words *w, const struct curve *c)
{
	if (c->count < 2) return;
	words_put(w, "<svg class=\"edges\" viewBox=\"0 0 102 22\" role=\"img\" "
		     "preserveAspectRatio=\"none\">");
	put_line(w, c, 100, 20, 0);
	words_put(w, "</svg>");
}

void curve_put_large(struct words *w, const struct curve *c, const char *unit)
{
	if (c->count < 2) return;
	words_put(w,
		  "<svg class=\"memory\" viewBox=\"0 0 602 82\" role=\"img\">"
		  "<text x=\"5\" y=\"13\" font-size=\"11\">%.0f %s</text>"
		  "<text x=\"5\" y=\"78\" font-size=\"11\">%.0f</text>",
		  most_of(c->y, c->count), unit, least_of(c->y, c->count));
	put_line(w, c, 600, 80, least_of(c->y, c->count));
	words_put(w, "</svg>\n");
}
