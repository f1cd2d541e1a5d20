/*
 * line.c -- a score's text, taken apart.
 *
 * Each line becomes a struct, in memory that the processes of a score will share; the text itself
 * stays, for those who tell of a line.  What is no line of a score is told by its number, and the
 * file is refused.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "user/replay/play.h"

struct words {
	const char *at, *end;
};

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

static bool word_next(struct words *w, const char **word, size_t *length)
{
	while (w->at < w->end && *w->at == ' ') w->at++;
	*word = w->at;
	while (w->at < w->end && *w->at != ' ') w->at++;
	*length = (size_t)(w->at - *word);
	return *length != 0;
}

static bool word_is(struct words *w, const char *what)
{
	const char *word;
	size_t length;

	return word_next(w, &word, &length) && length == strlen(what) &&
	       memcmp(word, what, length) == 0;
}

static bool plain_next(const char *from, size_t length, int64_t *value)
{
	char digits[32], *end;

	if (length == 0 || length >= sizeof digits) return false;
	memcpy(digits, from, length);
	digits[length] = '\0';
	*value = *digits == '-' ? strtoll(digits, &end, 10) : (int64_t)strtoull(digits, &end, 0);
	return *end == '\0';
}

static bool number_next(struct words *w, struct number *n)
{
	const char *word;
	size_t length;

	*n = (struct number){ PLAIN, 0 };
	if (!word_next(w, &word, &length)) return false;
	if (length == 2 && memcmp(word, "@-", 2) == 0) {
		n->kind = PARENT;
		return true;
	}
	if (*word == '@' || *word == '%') {
		n->kind = *word == '@' ? TASK : BREAK;
		word++, length--;
	}
	return plain_next(word, length, &n->value) &&
	       (n->kind != TASK || (n->value >= 0 && n->value < ACTORS_MAX));
}

static bool actor_next(struct words *w, unsigned *actor)
{
	struct number n;

	if (!number_next(w, &n) || n.kind != PLAIN || n.value < 0 || n.value >= ACTORS_MAX)
		return false;
	*actor = (unsigned)n.value;
	return true;
}

static bool verb_next(struct words *w, enum verb *verb)
{
	const char *word;
	size_t length;

	if (!word_next(w, &word, &length)) return false;
	for (size_t n = 0; n < sizeof verbs / sizeof *verbs; n++) {
		*verb = verbs[n].verb;
		if (strlen(verbs[n].name) == length && memcmp(verbs[n].name, word, length) == 0)
			return true;
	}
	return false;
}

static bool doubt_rest(struct words *w, struct line *l)
{
	const struct words before = *w;

	l->doubt = word_is(w, "?");
	if (!l->doubt) *w = before;
	return true;
}

static bool answer_rest(struct words *w, struct line *l)
{
	return word_is(w, "=") && number_next(w, &l->answer) && doubt_rest(w, l);
}

static bool call_rest(struct words *w, struct line *l)
{
	struct number call;

	if (!number_next(w, &call) || call.kind != PLAIN) return false;
	l->call = (uint32_t)call.value;
	for (unsigned n = 0; n < ARGUMENTS; n++)
		if (!number_next(w, &l->arg[n])) return false;
	if (l->verb == DO_BEGIN) return true;
	const struct words before = *w;
	if (word_is(w, "leaves")) {
		l->verb = DO_LEAVE;
		return true;
	}
	*w = before;
	return answer_rest(w, l);
}

static bool access_rest(struct words *w, struct line *l)
{
	static const char *const ways[] = { "done", "unmapped", "refused", "beyond" };

	if (!number_next(w, &l->arg[0])) return false;
	if (l->verb == DO_STORE && !number_next(w, &l->arg[1])) return false;
	if (!word_is(w, "=")) return false;
	for (unsigned n = 0; n < ACCESS_WAYS; n++) {
		struct words copy = *w;
		if (!word_is(&copy, ways[n])) continue;
		l->access = (enum access)n;
		*w = copy;
		return l->verb == DO_STORE || n != ACCESS_DONE;
	}
	l->access = ACCESS_DONE;
	return l->verb == DO_LOAD && number_next(w, &l->answer);
}

static bool bytes_rest(struct words *w, struct line *l)
{
	size_t length;

	if (!number_next(w, &l->arg[0]) || !word_next(w, &l->bytes, &length)) return false;
	l->count = length / 2;
	return length % 2 == 0 && strspn(l->bytes, "0123456789abcdef") >= length;
}

static bool path_next(struct words *w, struct line *l)
{
	return word_next(w, &l->path, &l->path_length) && l->path_length < PATH_BYTES;
}

/* An error, or what comes of it. */
static bool outcome_rest(struct words *w, struct line *l)
{
	static const char *const ways[] = { [EXEC_RUNS] = "runs", [EXEC_DIES] = "dies" };
	const struct words before = *w;

	for (int n = EXEC_RUNS; n <= EXEC_DIES; n++) {
		*w = before;
		l->answer.value = n;
		if (word_is(w, "=") && word_is(w, ways[n])) return doubt_rest(w, l);
	}
	*w = before;
	return answer_rest(w, l);
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
		return actor_next(w, &l->other) && number_next(w, &l->arg[0]) && answer_rest(w, l);
	case DO_LIST:
		return number_next(w, &l->arg[0]) && number_next(w, &l->arg[1]) &&
		       answer_rest(w, l);
	case DO_STORE:
	case DO_LOAD: return access_rest(w, l);
	case DO_PUT:
	case DO_GET: return bytes_rest(w, l);
	case DO_SET:
	case DO_SEE:
	case DO_HANDLE: return number_next(w, &l->arg[0]) && number_next(w, &l->arg[1]);
	case DO_WRITE: return path_next(w, l) && bytes_rest(w, l);
	case DO_CUT: return path_next(w, l) && number_next(w, &l->arg[0]);
	case DO_EXEC:
		return path_next(w, l) && word_next(w, &l->bytes, &l->count) && outcome_rest(w, l);
	case DO_TAKE:
		return number_next(w, &l->arg[0]) && number_next(w, &l->arg[1]) &&
		       number_next(w, &l->arg[2]);
	case DO_GONE:
	case DO_STOPPED: return actor_next(w, &l->other);
	default: return false;
	}
}

static bool line_read(struct line *l)
{
	struct words w = { l->text, l->text + l->length };
	const struct words before = w;
	const char *word;
	size_t length;

	if (word_is(&w, "-"))
		l->actor = CONDUCTOR;
	else if (w = before, !actor_next(&w, &l->actor))
		return false;
	if (!verb_next(&w, &l->verb)) return false;
	const bool conducted = l->verb == DO_GONE || l->verb == DO_STOPPED || l->verb == DO_REST;
	if (conducted != (l->actor == CONDUCTOR)) return false;
	return line_rest(&w, l) && !word_next(&w, &word, &length);
}

static int digit(char c)
{
	return c <= '9' ? c - '0' : c - 'a' + 10;
}

void line_bytes(const struct line *l, size_t at, void *to, size_t count)
{
	unsigned char *byte = to;

	for (const char *from = l->bytes + 2 * at; count != 0; count--, from += 2)
		*byte++ = (unsigned char)(digit(from[0]) << 4 | digit(from[1]));
}

/* --- a score ---------------------------------------------------------------------------------- */

static bool line_of_text(const char **text, struct line *l)
{
	const char *end = strchr(*text, '\n');

	if (end == NULL) return false;
	*l = (struct line){ .text = *text, .length = (int)(end - *text) };
	*text = end + 1;
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
