/*
 * log.c -- what a program's output and status say.
 *
 * A signature names the kind of failure and where it was, not when: it is the folder of a finding,
 * and what two runs find counts as the same when it is equal.
 *
 *	panic: ORACLE SUBJECT.OPERATION     of a script: ORACLE-SUBJECT.OPERATION
 *	panic: ORACLE words with numbers    of a kernel: ORACLE-words_with_N-SUBJECT, from the item
 *	panic: differs SUBJECT.KERNEL.CALL  of programs: differs-SUBJECT.KERNEL.CALL
 *	not ok 3 counts-equal: ...          of a stress: counts-equal-SUBJECT
 *	no end within its patience          hang-SUBJECT
 *	more said than a disk can keep      flood-SUBJECT
 *	anything else that is not well      status-N-SUBJECT
 *
 * Numbers are left out because an address, a line or a count would make each run its own kind.
 *
 * Always true: a verdict of finding, hang or panic has a signature, and no other has.
 *
 * Locks: none.
 */
#include "stress/nightly/log.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	STATUS_CLEAN = 0,
	STATUS_FINDING = 1,
	STATUS_HANG = 5,
	STATUS_PANIC = 6,
	ENGINE_FINDING = 77,
	ENGINE_TIMEOUT = 70,
	ENGINE_MEMORY = 71,
	ENGINE_INTERRUPTED = 72,
	NOT_STARTED = 127,
	BY_SIGNAL = 128,
	WORDS_MOST = 60 /* characters of a kernel's words */
};

/* What stands behind `key` where a line has it; the log's last such place. */
static const char *behind_last(const char *log, const char *key)
{
	const char *found = NULL, *at = log;
	while ((at = strstr(at, key)) != NULL) found = at += strlen(key);
	return found;
}

static uint64_t number_behind(const char *log, const char *key)
{
	const char *at = behind_last(log, key);
	return at == NULL ? 0 : words_number(at + strspn(at, " "));
}

/* The first line that begins with `with`, behind those words. */
static const char *line_with(const char *log, const char *with)
{
	for (const char *at = log; at != NULL; at = strchr(at, '\n')) {
		at += *at == '\n';
		if (words_begin(at, with)) return at + strlen(with);
	}
	return NULL;
}

static void read_merge(const char *log, struct figures *f)
{
	const char *at = line_with(log, "merged: ");
	if (at == NULL) return;
	f->corpus_new = number_behind(at, "not yet: ");
	if (!isdigit((unsigned char)*at)) return;
	f->corpus_new = words_number(at);
	f->corpus_was = number_behind(at, " inputs and ");
	f->corpus_is = number_behind(at, " of before are ");
	f->features = number_behind(at, " now, ");
}

static void read_engine(const char *log, struct figures *f)
{
	f->executions = number_behind(log, "stat::number_of_executed_units:");
	if (f->executions == 0) f->executions = number_behind(log, "\n#");
	f->edges = number_behind(log, " cov: ");
	const char *loaded = line_with(log, "INFO: Loaded ");
	const char *of = loaded == NULL ? NULL : strchr(loaded, '(');
	if (of != NULL) f->edges_of = words_number(of + 1);
	read_merge(log, f);
}

static void read_hunt(const char *log, struct figures *f)
{
	const char *at = behind_last(log, "did not fire in ");
	f->executions = at != NULL ? words_number(at) : number_behind(log, ": execution=");
	at = strstr(log, " states reached");
	if (at == NULL) return;
	while (at > log && at[-1] != '\n' && at[-1] != ';') at--;
	at += strspn(at, " ");
	f->states = words_number(at);
	at = strstr(at, " of ");
	if (at != NULL) f->states_of = words_number(at + 4);
}

/* "ours: 200 scores, 12250 lines, 0 differ", and the same of another kernel. */
static void read_play(const char *log, struct figures *f)
{
	static const char scores[] = " scores, ";
	for (const char *at = log; (at = strstr(at, scores)) != NULL;) {
		const char *count = at;
		while (count > log && isdigit((unsigned char)count[-1])) count--;
		at += strlen(scores);
		if (words_number(count) > f->executions) f->executions = words_number(count);
		f->lines += words_number(at);
	}
}

/* Appends what may be in a folder's name; of a number `N` if `count` is false. */
static void put_name(char *out, size_t room, const char *text, size_t bytes, bool exact)
{
	size_t used = strlen(out);
	for (size_t i = 0; i < bytes && used + 1 < room; i++) {
		const unsigned char c = (unsigned char)text[i];
		if (!exact && isdigit(c)) {
			if (used == 0 || out[used - 1] != 'N') out[used++] = 'N';
		} else {
			out[used++] = isalnum(c) || strchr("._-", c) != NULL ? (char)c : '_';
		}
	}
	out[used] = '\0';
}

static void sign(struct verdict *v, const char *kind, const struct item *item)
{
	snprintf(v->signature, sizeof(v->signature), "%s-%s", kind, item->subject);
}

/* From what stands behind "panic: ". */
static void sign_panic(struct verdict *v, const char *words, const struct item *item)
{
	const size_t line = strcspn(words, "\n"), oracle = strcspn(words, " \n");
	const bool script = words_begin(words, "differs ") || !item_boots(item);
	size_t rest = line > oracle ? line - oracle - 1 : 0;
	if (!script && rest > WORDS_MOST) rest = WORDS_MOST;
	v->signature[0] = '\0';
	put_name(v->signature, sizeof(v->signature), words, oracle, true);
	if (rest != 0) put_name(v->signature, sizeof(v->signature), "-", 1, true);
	put_name(v->signature, sizeof(v->signature), words + oracle + 1, rest, script);
	if (script) return;
	put_name(v->signature, sizeof(v->signature), "-", 1, true);
	put_name(v->signature, sizeof(v->signature), item->subject, strlen(item->subject), true);
}

static void sign_check(struct verdict *v, const char *words, const struct item *item)
{
	words += strspn(words, " 0123456789");
	v->signature[0] = '\0';
	put_name(v->signature, sizeof(v->signature) - 40, words, strcspn(words, ": \n"), true);
	put_name(v->signature, sizeof(v->signature), "-", 1, true);
	put_name(v->signature, sizeof(v->signature), item->subject, strlen(item->subject), true);
}

static void sign_failure(struct verdict *v, const char *words, const struct item *item)
{
	words += strcspn(words, "abcdefghijklmnopqrstuvwxyz");
	size_t length = strcspn(words, ":\n");
	if (length > WORDS_MOST) length = WORDS_MOST;
	v->signature[0] = '\0';
	put_name(v->signature, sizeof(v->signature), words, length, false);
	put_name(v->signature, sizeof(v->signature), "-", 1, true);
	put_name(v->signature, sizeof(v->signature), item->subject, strlen(item->subject), true);
}

static enum outcome outcome_of(const struct item *item, const struct ending *e)
{
	if (e->overdue) return OUTCOME_HANG;
	if (e->flood) return OUTCOME_FINDING;
	switch (e->status) {
	case STATUS_CLEAN: return OUTCOME_CLEAN;
	case STATUS_FINDING:
	case ENGINE_FINDING:
	case ENGINE_MEMORY: return OUTCOME_FINDING;
	case STATUS_HANG:
	case ENGINE_TIMEOUT: return OUTCOME_HANG;
	case STATUS_PANIC: return item_boots(item) ? OUTCOME_PANIC : OUTCOME_FINDING;
	case ENGINE_INTERRUPTED: return e->cut ? OUTCOME_CUT : OUTCOME_FINDING;
	default: break;
	}
	if (e->cut) return OUTCOME_CUT;
	return e->status >= BY_SIGNAL ? OUTCOME_FINDING : OUTCOME_ENVIRONMENT;
}

static const char *kind_of(const struct ending *e, char *room, size_t bytes)
{
	if (e->flood) return "flood";
	if (e->overdue || e->status == STATUS_HANG || e->status == ENGINE_TIMEOUT) return "hang";
	if (e->status == ENGINE_MEMORY) return "out-of-memory";
	snprintf(room, bytes, "status-%d", e->status);
	return room;
}

void log_judge(const struct item *item, char *log, const struct ending *ending, struct verdict *v)
{
	char room[32];
	*v = (struct verdict){ .outcome = outcome_of(item, ending) };
	const char *panic = line_with(log, "panic: "), *check = line_with(log, "not ok "), *failure;
	failure = behind_last(log, ": FAIL: "); /* who ran the others says it last */
	if (item->kind == ITEM_ENGINE)
		read_engine(log, &v->figures);
	else if (item->kind == ITEM_HUNT)
		read_hunt(log, &v->figures);
	else if (item->kind == ITEM_PLAY)
		read_play(log, &v->figures);
	else
		v->figures.executions = number_behind(log, "\"operations\": ");
	if (v->outcome == OUTCOME_CUT && panic != NULL) v->outcome = OUTCOME_FINDING;
	if (v->outcome == OUTCOME_CLEAN || v->outcome == OUTCOME_CUT ||
	    v->outcome == OUTCOME_ENVIRONMENT)
		return;
	if (panic != NULL)
		sign_panic(v, panic, item);
	else if (check != NULL)
		sign_check(v, check, item);
	else if (failure != NULL)
		sign_failure(v, failure, item);
	else
		sign(v, kind_of(ending, room, sizeof(room)), item);
}

const char *log_next(const struct item *item, const char *at, struct verdict *v)
{
	const char *words = line_with(at, "panic: ");
	if (words == NULL) return NULL;
	if (words_begin(words, "differs ")) v->outcome = OUTCOME_FINDING;
	sign_panic(v, words, item);
	return words;
}

const char *log_report(const char *log)
{
	const char *panic = line_with(log, "panic: "), *check = line_with(log, "not ok ");
	if (panic != NULL) return panic - strlen("panic: ");
	if (check != NULL) return check - strlen("not ok ");
	const size_t bytes = strlen(log);
	return bytes > 4000 ? log + bytes - 4000 : log;
}
