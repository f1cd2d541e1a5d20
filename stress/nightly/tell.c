/*
 * tell.c -- what a person sees while the night goes on.
 *
 * On a terminal the last line is rewritten: time, round, what runs, findings.  Elsewhere there is
 * no such line, only one for each turn that has ended.
 *
 * Locks: none.
 */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "stress/nightly/night.h"

static bool shown; /* a line that is to be rewritten stands on the terminal */

static unsigned columns(void)
{
	struct winsize size;
	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

static void put_clock(struct words *w, double seconds)
{
	const unsigned all = (unsigned)(seconds < 0 ? 0 : seconds);
	words_put(w, "%u:%02u", all / 60, all % 60);
}

static void put_running(struct words *w, const struct night *night)
{
	for (unsigned i = 0; i < night->plan.jobs; i++) {
		const struct running *run = &night->running[i];
		if (!run->used) continue;
		words_put(w, " | %s%s ", run->item == NULL ? "small " : "",
			  run->item == NULL ? run->signature : run->item->name);
		put_clock(w, night_now(night) - run->since);
	}
}

void tell_progress(const struct night *night)
{
	struct words w = { 0 };
	if (!isatty(STDERR_FILENO)) return;
	put_clock(&w, night_now(night));
	words_put(&w, " of ");
	put_clock(&w, night->seconds);
	words_put(&w, ", round %u, %u found", night->plan.round, night->notes);
	put_running(&w, night);
	fprintf(stderr, "\r\033[K%.*s", (int)columns() - 1, words_text(&w));
	fflush(stderr);
	shown = true;
	words_free(&w);
}

void tell_line(const char *format, ...)
{
	va_list list;
	if (shown) fputs("\r\033[K", stderr);
	shown = false;
	fputs("nightly: ", stderr);
	va_start(list, format);
	vfprintf(stderr, format, list);
	va_end(list);
	fputc('\n', stderr);
}
