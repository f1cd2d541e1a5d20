/*
 * elf_look.c -- subject elf: a program was built; everything in its space, against the model.
 *
 * Each part of the model's map is read whole where it is small, else around its ends; what is
 * beside it must not be there, unless another part is.  Rights are asked for as faults are.  The
 * stack is read as a program reads it: from its pointer up.
 */
#include "fuzz/elf_subject.h"
#include "kernel/abi.h"
#include "machine/machine.h"

enum { LOOK_WHOLE = 4 * PAGE_SIZE, LOOK_BYTES = 256, LOOK_PARTS = 24 };

struct look {
	struct run *run;
	struct elf_state *s;
	const struct elf_expected *expected;
	struct elf_map *map;
	uint64_t at; /* in the stack */
};

/* --- memory ----------------------------------------------------------------------------------- */

static void look_bytes(struct look *l, uint64_t from, uint64_t bytes)
{
	static const uint64_t top = TASK_TRAMPOLINE;
	uint8_t there[LOOK_BYTES];

	for (uint64_t done = 0; done < bytes && from + done < top; done += LOOK_BYTES) {
		const uint64_t va = from + done, most = min_u64(bytes - done, LOOK_BYTES);
		const size_t got = most - user_copy_in(l->s->work.space, there, va, most);
		for (size_t i = 0; i < most; i++) {
			const unsigned byte = elf_map_byte(l->map, &l->s->model, va + i);
			if (i >= got && byte == 256) break;
			if (i >= got) {
				elf_judge_refusal(l->run);
				return;
			}
			if (byte != there[i])
				kpanic(ORACLE_CONTENT, "byte 0x%lx is 0x%x, the model says 0x%x",
				       (unsigned long)(va + i), there[i], byte);
		}
	}
}

/* What a fault of that kind is answered with; FAULT_DONE is that it is allowed. */
static void look_right(struct look *l, uint64_t va, enum mach_access access, uint32_t right)
{
	const struct model_part *p = elf_map_at(l->map, va);
	const enum fault_answer answer = space_fault(l->s->work.space, va, access);

	if (answer == FAULT_NO_MEMORY) {
		elf_judge_refusal(l->run);
		return;
	}
	if (p == NULL                  ? answer == FAULT_NOT_MAPPED
	    : (p->rights & right) == 0 ? answer == FAULT_NOT_ALLOWED
				       : answer == FAULT_DONE || answer == FAULT_BEYOND)
		return;
	kpanic(ORACLE_VERDICT, "access %d at 0x%lx was answered %d", (int)access, (unsigned long)va,
	       (int)answer);
}

static void look_rights(struct look *l, uint64_t va)
{
	if (va >= TASK_TRAMPOLINE) return;
	look_right(l, va, MACH_FETCH, 4);
	look_right(l, va, MACH_STORE, 2);
	look_right(l, va, MACH_LOAD, 7);
}

static void look_part(struct look *l, const struct model_part *p)
{
	const uint64_t bytes = p->end - p->from;

	look_rights(l, p->from);
	look_rights(l, p->end - 1);
	look_rights(l, p->end);
	if (p->from > MODEL_LOWEST) look_rights(l, p->from - 1);
	if (bytes <= LOOK_WHOLE) {
		look_bytes(l, p->from, bytes);
		return;
	}
	look_bytes(l, p->from, LOOK_BYTES);
	look_bytes(l, p->from + align_down(bytes / 2, PAGE_SIZE), LOOK_BYTES);
	look_bytes(l, p->end - LOOK_BYTES, LOOK_BYTES);
}

/* --- the stack -------------------------------------------------------------------------------- */

static uint64_t word(struct look *l)
{
	uint64_t value;

	if (user_copy_in(l->s->work.space, &value, l->at, sizeof value) != 0)
		kpanic(ORACLE_CONTENT, "the stack is not there");
	l->at += sizeof value;
	return value;
}

/* The string that the next word of the stack leads to. */
static void string(struct look *l, const char *text)
{
	char there[MODEL_SCRIPT_BYTES];
	const uint64_t at = word(l);
	const int64_t length = user_string_in(l->s->work.space, there, at, sizeof there);

	for (int64_t i = 0; i <= length; i++)
		if (there[i] != text[i]) kpanic(ORACLE_CONTENT, "a string is another");
	if (length < 0) kpanic(ORACLE_CONTENT, "a string is not there");
}

static void letters(struct look *l, const struct model_string *m)
{
	const uint64_t at = word(l);
	const uint64_t looks[] = { 0, m->length / 2, m->length };

	for (unsigned i = 0; i < COUNT_OF(looks); i++) {
		char there = 0;
		const char wanted = looks[i] == m->length ? 0 : m->letter;
		if (user_copy_in(l->s->work.space, &there, at + looks[i], 1) != 0 ||
		    there != wanted)
			kpanic(ORACLE_CONTENT, "a string's letter is another");
	}
}

static uint32_t strings_of(const struct elf_files *f, bool environment)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->string_count; i++)
		n += f->strings[i].environment == environment;
	return n;
}

static void look_strings(struct look *l, bool environment, uint32_t skip)
{
	const struct elf_files *f = &l->s->model;

	for (uint32_t i = 0; i < f->string_count; i++) {
		if (f->strings[i].environment != environment) continue;
		if (skip != 0)
			skip--;
		else
			letters(l, &f->strings[i]);
	}
	if (word(l) != 0) kpanic(ORACLE_CONTENT, "no end of the strings");
}

static void look_arguments(struct look *l)
{
	const struct elf_expected *e = l->expected;
	const uint32_t given = strings_of(&l->s->model, false);
	uint32_t count = max_u64(given, 1);

	if (e->script) count += 1 + e->has_argument;
	if (word(l) != count) kpanic(ORACLE_CONTENT, "another number of arguments");
	if (e->script) {
		string(l, e->runner);
		if (e->has_argument) string(l, e->argument);
		string(l, "/script");
	} else if (given == 0) {
		string(l, "");
	}
	look_strings(l, false, e->script ? 1 : 0);
	look_strings(l, true, 0);
}

static void pair(struct look *l, uint64_t key, uint64_t value)
{
	const uint64_t there = word(l), is = word(l);

	if (there != key || is != value)
		kpanic(ORACLE_CONTENT, "auxiliary %lu is 0x%lx, not %lu and 0x%lx",
		       (unsigned long)there, (unsigned long)is, (unsigned long)key,
		       (unsigned long)value);
}

static void look_aux(struct look *l, uint64_t bias, uint64_t base)
{
	const struct elf_expected *e = l->expected;
	static const uint16_t ids[] = { AT_UID, AT_EUID, AT_GID, AT_EGID, AT_SECURE };
	uint8_t random[16];

	pair(l, AT_MINSIGSTKSZ, 4720);
	pair(l, AT_HWCAP, 0x1234);
	pair(l, AT_PAGESZ, PAGE_SIZE);
	pair(l, AT_CLKTCK, 100);
	pair(l, AT_PHDR, e->table + bias);
	pair(l, AT_PHENT, 56);
	pair(l, AT_PHNUM, e->segments);
	pair(l, AT_BASE, base);
	pair(l, AT_FLAGS, 0);
	pair(l, AT_ENTRY, e->entry + bias);
	for (unsigned i = 0; i < COUNT_OF(ids); i++) pair(l, ids[i], 0);
	const uint64_t key = word(l), at = word(l);
	if (key != AT_RANDOM || user_copy_in(l->s->work.space, random, at, sizeof random) != 0)
		kpanic(ORACLE_CONTENT, "no random bytes");
	for (unsigned i = 0; i < sizeof random; i++)
		if (random[i] != 0x77) kpanic(ORACLE_CONTENT, "random bytes of nobody");
	pair(l, AT_HWCAP2, 0x4321);
	if (word(l) != AT_EXECFN) kpanic(ORACLE_CONTENT, "no path");
	string(l, l->s->work.path);
	if (word(l) != AT_PLATFORM) kpanic(ORACLE_CONTENT, "no platform");
	string(l, "aarch64");
	pair(l, AT_NULL, 0);
}

/* --- all -------------------------------------------------------------------------------------- */

/* Who puts something where stacks are gets what it deserves. */
static bool is_judged(const struct look *l)
{
	for (uint32_t i = 0; i < l->map->count; i++)
		if (l->map->parts[i].end > TASK_TRAMPOLINE) return false;
	return true;
}

static void look_break(struct look *l, uint64_t end)
{
	const struct elf_expected *e = l->expected;
	const uint64_t brk = (uint64_t)space_brk(l->s->work.space, 0);

	if (brk % PAGE_SIZE != 0) kpanic(ORACLE_CONTENT, "the break is no page's");
	if (l->s->config.random || (e->movable && !e->interpreter)) return;
	if (brk != align_up(end, PAGE_SIZE))
		kpanic(ORACLE_CONTENT, "the break is at 0x%lx", (unsigned long)brk);
}

void elf_look(struct run *run)
{
	struct elf_state *s = state_of(run);
	const struct elf_expected *expected = &s->expected;
	struct look l = { .run = run, .s = s, .expected = expected, .map = &s->map };
	const struct exec_work *w = &l.s->work;
	const uint64_t start = w->entry - expected->entry;
	uint64_t bias = expected->movable ? start : 0, base = 0;

	if (expected->interpreter) {
		base = start;
		l.at = w->stack; /* only the vector tells where the program is */
		look_arguments(&l);
		l.at += 4 * 16 + 8;
		bias = word(&l) - expected->table;
	}
	if (bias % PAGE_SIZE != 0 || (!expected->movable && bias != 0))
		kpanic(ORACLE_CONTENT, "moved by 0x%lx", (unsigned long)bias);
	elf_map_begin(l.map);
	elf_map_program(l.map, &l.s->model, !expected->movable, bias);
	if (l.map->error == 0 && expected->interpreter)
		elf_map_program(l.map, &l.s->model, false, base);
	if (!is_judged(&l)) return;
	if (l.map->error != 0)
		kpanic(ORACLE_MUST_FAIL, "loaded, though error %d was due", l.map->error);
	const uint32_t step = 1 + l.map->count / LOOK_PARTS;
	look_break(&l, expected->end + bias);
	for (uint32_t i = 0; i < l.map->count; i += step) look_part(&l, &l.map->parts[i]);
	l.at = w->stack;
	if (l.at % 16 != 0)
		kpanic(ORACLE_MISALIGNED, "the stack begins at 0x%lx", (unsigned long)l.at);
	look_arguments(&l);
	look_aux(&l, bias, base);
	const char *why = space_check(w->space);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
}
