/*
 * line.c -- a score's text, taken apart.
 *
 * Each line becomes a struct, in memory that the processes of a score will share; the text itself
 * stays, for those who tell of a line.  What is no line of a score is told by its number, and the
 * file is refused.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "user/replay/play.h"
#include "user/replay/words.h"

static const struct {
	const char *name;
	enum verb verb;
} verbs[] = {
	{ "call", DO_CALL },   { "begins", DO_BEGIN },  { "ends", DO_END },
	{ "rest", DO_REST },   { "fork", DO_FORK },     { "thread", DO_THREAD },
	{ "share", DO_SHARE }, { "store", DO_STORE },   { "load", DO_LOAD },
	{ "put", DO_PUT },     { "get", DO_GET },       { "set", DO_SET },
	{ "see", DO_SEE },     { "handle", DO_HANDLE }, { "list", DO_LIST },
	{ "write", DO_WRITE }, { "cut", DO_CUT },       { "exec", DO_EXEC },
	{ "takes", DO_TAKE },  { "gone", DO_GONE },     { "stopped", DO_STOPPED },
};

static bool value_next(struct words *w, struct number *n)
{
	struct word word;
	uint64_t value;

	*n = (struct number){ PLAIN, 0 };
	if (!word_next(w, &word)) return false;
	if (word_is(word, "@-")) {
		n->kind = PARENT;
		return true;
	}
	if (*word.at == '@' || *word.at == '%') {
		n->kind = *word.at == '@' ? TASK : BREAK;
		word.at++, word.length--;
	}
	if (!word_number(word, &value)) return false;
	n->value = (int64_t)value;
	return n->kind != TASK || (n->value >= 0 && n->value < ACTORS_MAX);
}

static bool actor_next(struct words *w, unsigned *actor)
{
	struct number n;

	if (!value_next(w, &n) || n.kind != PLAIN || n.value < 0 || n.value >= ACTORS_MAX)
		return false;
	*actor = (unsigned)n.value;
	return true;
}

static bool verb_next(struct words *w, enum verb *verb)
{
	struct word word;

	if (!word_next(w, &word)) return false;
	for (size_t n = 0; n < sizeof verbs / sizeof *verbs; n++) {
		*verb = verbs[n].verb;
		if (word_is(word, verbs[n].name)) return true;
	}
	return false;
}

static bool doubt_rest(struct words *w, struct line *l)
{
	l->doubt = words_take(w, "?");
	return true;
}

static bool answer_rest(struct words *w, struct line *l)
{
	return words_take(w, "=") && value_next(w, &l->answer) && doubt_rest(w, l);
}

static bool call_rest(struct words *w, struct line *l)
{
	struct number call;

	if (!value_next(w, &call) || call.kind != PLAIN) return false;
	l->call = (uint32_t)call.value;
	for (unsigned n = 0; n < ARGUMENTS; n++)
		if (!value_next(w, &l->arg[n])) return false;
	if (l->verb == DO_BEGIN) return true;
	if (!words_take(w, "leaves")) return answer_rest(w, l);
	l->verb = DO_LEAVE;
	return true;
}

static bool access_rest(struct words *w, struct line *l)
{
	static const char *const ways[] = { "done", "unmapped", "refused", "beyond" };

	if (!value_next(w, &l->arg[0])) return false;
	if (l->verb == DO_STORE && !value_next(w, &l->arg[1])) return false;
	if (!words_take(w, "=")) return false;
	for (unsigned n = 0; n < ACCESS_WAYS; n++) {
		if (!words_take(w, ways[n])) continue;
		l->access = (enum access)n;
		return l->verb == DO_STORE || n != ACCESS_DONE;
	}
	l->access = ACCESS_DONE;
	return l->verb == DO_LOAD && value_next(w, &l->answer);
}

static bool bytes_rest(struct words *w, struct line *l)
{
	struct word digits;

	if (!value_next(w, &l->arg[0]) || !word_next(w, &digits)) return false;
	l->bytes = digits.at;
	l->count = digits.length / 2;
	return digits.length % 2 == 0 && strspn(digits.at, "0123456789abcdef") >= digits.length;
}

static bool path_next(struct words *w, struct line *l)
{
	struct word path;

	if (!word_next(w, &path)) return false;
	l->path = path.at;
	l->path_length = path.length;
	return path.length < PATH_BYTES;
}

/* An error, or what comes of it. */
static bool outcome_rest(struct words *w, struct line *l)
{
	static const char *const ways[] = { [EXEC_RUNS] = "runs", [EXEC_DIES] = "dies" };
	struct words outcome = *w;

	if (!words_take(&outcome, "=")) return false;
	for (int n = EXEC_RUNS; n <= EXEC_DIES; n++) {
		if (!words_take(&outcome, ways[n])) continue;
		l->answer.value = n;
		*w = outcome;
		return doubt_rest(w, l);
	}
	return answer_rest(w, l);
}

static bool strings_next(struct words *w, struct line *l)
{
	struct word strings;

	if (!word_next(w, &strings)) return false;
	l->bytes = strings.at;
	l->count = strings.length;
	return true;
}

static bool line_rest(struct words *w, struct line *l)
{
	switch (l->verb) {
	case DO_CALL:
	case DO_BEGIN: return call_rest(w, l);
	case DO_END: return answer_rest(w, l);
	case DO_REST: return true;
	case DO_FORK:
	case DO_THREAD:
	case DO_SHARE:
		return actor_next(w, &l->other) && value_next(w, &l->arg[0]) && answer_rest(w, l);
	case DO_LIST:
		return value_next(w, &l->arg[0]) && value_next(w, &l->arg[1]) && answer_rest(w, l);
	case DO_STORE:
	case DO_LOAD: return access_rest(w, l);
	case DO_PUT:
	case DO_GET: return bytes_rest(w, l);
	case DO_SET:
	case DO_SEE:
	case DO_HANDLE: return value_next(w, &l->arg[0]) && value_next(w, &l->arg[1]);
	case DO_WRITE: return path_next(w, l) && bytes_rest(w, l);
	case DO_CUT: return path_next(w, l) && value_next(w, &l->arg[0]);
	case DO_EXEC: return path_next(w, l) && strings_next(w, l) && outcome_rest(w, l);
	case DO_TAKE:
		return value_next(w, &l->arg[0]) && value_next(w, &l->arg[1]) &&
		       value_next(w, &l->arg[2]);
	case DO_GONE:
	case DO_STOPPED: return actor_next(w, &l->other);
	default: return false;
	}
}

static bool line_read(struct line *l)
{
	struct words w = { l->text, l->text + l->length };
	struct word more;

	if (words_take(&w, "-"))
		l->actor = CONDUCTOR;
	else if (!actor_next(&w, &l->actor))
		return false;
	if (!verb_next(&w, &l->verb)) return false;
	const bool conducted = l->verb == DO_GONE || l->verb == DO_STOPPED || l->verb == DO_REST;
	if (conducted != (l->actor == CONDUCTOR)) return false;
	return line_rest(&w, l) && !word_next(&w, &more);
}

void line_bytes(const struct line *l, size_t at, void *to, size_t count)
{
	word_bytes((struct word){ l->bytes + 2 * at, 2 * count }, to, count);
}

/* --- a score ---------------------------------------------------------------------------------- */

static bool line_of_text(const char **text, struct line *l)
{
	struct words w;

	if (!line_next(text, &w)) return false;
	*l = (struct line){ .text = w.at, .length = (int)(w.end - w.at) };
	return true;
}

static bool is_line(const struct line *l, const char *what)
{
	return l->length == (int)strlen(what) && memcmp(l->text, what, strlen(what)) == 0;
}

static size_t lines_before_end(const char *text)
{
	struct line l;
	size_t count = 0;

	while (line_of_text(&text, &l) && !is_line(&l, "end")) count++;
	return count;
}

static bool refuse(const struct line *l, unsigned number)
{
	printf("replay: line %u is none of a score: %.*s\n", number, l->length, l->text);
	return false;
}

bool score_read(struct score *s, const char **text, unsigned *number)
{
	struct line l;

	*s = (struct score){ .room = (lines_before_end(*text) + 1) * sizeof *s->line };
	s->line = mmap(NULL, s->room, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (s->line == MAP_FAILED) {
		puts("replay: no memory for a score");
		return false;
	}
	while (line_of_text(text, &l)) {
		++*number;
		if (is_line(&l, "end")) return s->name != NULL;
		if (l.length == 0 || *l.text == '#') continue;
		if (s->name == NULL) {
			if (l.length < 7 || memcmp(l.text, "score ", 6) != 0)
				return refuse(&l, *number);
			s->name = l.text + 6;
			s->name_length = l.length - 6;
			continue;
		}
		if (!line_read(&l)) return refuse(&l, *number);
		l.number = *number;
		s->line[s->lines++] = l;
	}
	puts("replay: a score without end");
	return false;
}
