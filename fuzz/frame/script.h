/*
 * script.h -- the one input format: a small program over a small world.
 *
 * Three forms of the same thing.  The raw body is what engines mutate: any bytes at all are a
 * legal script.  The stored file puts an envelope around it (magic, version, subject, checksum),
 * and damage or a foreign file is refused by name.  The text twin is for people: exact, so that
 * assembling what was disassembled gives the canonical body, which runs alike.
 *
 * A body, little-endian:
 *
 *	16 bytes   the world (struct script_world), every value legal after clamping
 *	 2 bytes   n, the number of operations; clamped to what follows
 *	 8 bytes   n times: code, cpu, slot, aux, arg (4 bytes)
 *	 the rest  data, for subjects that read bytes (fdt)
 *
 * A header or a last operation cut short is read as if zeroes followed.  A world of zeroes is the
 * default one: 8 pages, one CPU, nothing else.  Operation codes are only ever appended; a code
 * the subject does not know does nothing.  Freestanding: runs in the kernel too.
 */
#ifndef FUZZ_SCRIPT_H
#define FUZZ_SCRIPT_H

#include "machine/base.h"

enum {
	SCRIPT_WORLD_BYTES = 16,
	SCRIPT_OP_BYTES = 8,
	SCRIPT_OPS_MAX = 16384,
	SCRIPT_BODY_MAX = 1 << 18,
	SCRIPT_SLOTS = 64, /* handles a script can hold */
	SCRIPT_PAGES_MIN = 8,
	SCRIPT_PAGES_MAX = 1024,
	SCRIPT_CPUS_MAX = 8,
	SCRIPT_CPUS_DRAWN = 4, /* what is drawn at random has no more, and a board has those */
	SCRIPT_CACHE_MAX = 64,
	SCRIPT_REDZONE_MAX = 64,
	SCRIPT_MAGAZINE_MAX = 32,
	SCRIPT_NOP = 255, /* the code of an operation that does nothing, in canonical form */
};

/* Who decides whose turn it is, where operations run side by side (plan.h). */
enum plan_strategy {
	PLAN_LISTED,   /* the script's own decisions */
	PLAN_ROBIN,    /* the turn goes round, at points drawn at random */
	PLAN_PRIORITY, /* CPUs have priorities, drawn at random and changed at such points */
	PLAN_STRATEGIES,
	/* In no script: one operation at a time, where a run has a score (calm.c). */
	PLAN_CALM = PLAN_STRATEGIES
};

enum script_flags {
	WORLD_WALK_ALWAYS = 1 << 0, /* check every structure after every operation */
	WORLD_POISON = 1 << 1,      /* freed memory is filled and looked at again */
	WORLD_SITES = 1 << 2,       /* every object remembers the operation that made it */
	WORLD_ZONES = 1 << 3,       /* three zones; else one */
	WORLD_FLAGS = (1 << 4) - 1, /* all of them */
};

/* What a script may choose about its world.  Decoded and clamped. */
struct script_world {
	uint16_t pages;       /* SCRIPT_PAGES_MIN to SCRIPT_PAGES_MAX */
	uint8_t cpus;         /* 1 to SCRIPT_CPUS_MAX */
	uint8_t flags;        /* enum script_flags */
	uint8_t cache_pages;  /* depth of a CPU's page cache, 0 to 64 */
	uint8_t reserve;      /* pages user requests cannot take */
	uint8_t quarantine;   /* freed pages, or objects, kept from reuse */
	uint8_t redzone;      /* bytes after each object, a multiple of 8, up to 64 */
	uint8_t magazine;     /* 0: CPUs have no slabs of their own; else, up to 32: they have */
	uint8_t window_pages; /* heap window, in pages; 0: a quarter of `pages` */
	uint8_t keep_pages;   /* wholly free heap pages not given back at once */
	uint8_t strategy;     /* enum plan_strategy, where operations run side by side; else 0 */
	uint16_t seed;        /* of a strategy that draws lots; else 0 */
	uint16_t tag;         /* for subjects */
};

struct script_op {
	uint8_t code; /* index into the subject's operations */
	uint8_t cpu;  /* which virtual CPU runs it: taken modulo the world's */
	uint8_t slot; /* which handle: taken modulo SCRIPT_SLOTS */
	uint8_t aux;  /* per operation */
	uint32_t arg; /* per operation */
};

struct script {
	const uint8_t *body;
	size_t bytes;
	struct script_world world;
	uint32_t ops;
	size_t data_at; /* offset of the data in body */
	size_t data_bytes;
};

/* Total: any `bytes` bytes are a script.  Keeps a pointer to `body`. */
void script_open(struct script *s, const uint8_t *body, size_t bytes);

/* Operation `n`, less than s->ops, with cpu and slot in range. */
struct script_op script_op(const struct script *s, uint32_t n);

struct subject;

/* The same as `subject` reads it, which is what a run does: fields reduced by the subject's table,
 * those it does not name zero, an unknown operation SCRIPT_NOP and otherwise zero. */
struct script_op script_op_for(const struct script *s, const struct subject *subject, uint32_t n);
struct script_op script_op_reduce(const struct subject *subject, struct script_op op);

/* A world as `subject` reads it: without a strategy where one operation runs at a time. */
struct script_world script_world_for(const struct script_world *w, const struct subject *subject);

/* Makes every field of a world legal; those that are stay as they are. */
void script_world_clamp(struct script_world *w);

/* What script_open() reads: SCRIPT_WORLD_BYTES for a world, SCRIPT_OP_BYTES for an operation. */
void script_world_write(const struct script_world *w, uint8_t *at);
void script_op_write(const struct script_op *op, uint8_t *at);

/* Writes the canonical body of `s` to out (at most `room` bytes) and returns its length, or 0
 * when it does not fit.  Canonical: clamped world, fields reduced to what the subject reads, data
 * only for subjects that read it. */
size_t script_canonical(const struct script *s, const struct subject *subject, uint8_t *out,
			size_t room);

/* --- stored files ---------------------------------------------------------------------------- */

/*
 * Envelope: magic (6 bytes), version (2), subject's name padded with zeroes (12), bytes of the body
 * (4), the oracle that is expected to fire (4: a hash of its id, 0 for none), CRC-32 (4) of all the
 * rest, envelope and body.  Then the body and nothing more.
 */
enum { SCRIPT_ENVELOPE_BYTES = 32, SCRIPT_VERSION = 1, SCRIPT_NAME_MAX = 12 };

enum script_file {
	SCRIPT_FILE_STORED,    /* sound */
	SCRIPT_FILE_RAW,       /* no magic: all of it is a body */
	SCRIPT_FILE_CUT_SHORT, /* or has bytes after its end */
	SCRIPT_FILE_VERSION,   /* made by a newer Anvil */
	SCRIPT_FILE_CHECKSUM,
	SCRIPT_FILE_SUBJECT, /* names no subject we have */
};
const char *script_file_word(enum script_file f);

/* Looks at a file's bytes.  For STORED and RAW: *body, *body_bytes; for STORED, the subject's
 * name into name[SCRIPT_NAME_MAX + 1]. */
enum script_file script_file_open(const uint8_t *file, size_t bytes, const uint8_t **body,
				  size_t *body_bytes, char *name);

/* Writes envelope and body; returns the length, or 0 when `room` is too small or the name too
 * long.  Nothing is expected of it. */
size_t script_file_make(const char *subject_name, const uint8_t *body, size_t body_bytes,
			uint8_t *out, size_t room);

/* Which oracle a sound stored file is expected to fire: an id of oracle.h, "unknown" for one that
 * this Anvil has no oracle of, or NULL for none. */
const char *script_file_expects(const uint8_t *file);

/* Writes that down (NULL: none) in what script_file_make() made, and its checksum anew. */
void script_file_expect(uint8_t *file, size_t bytes, const char *oracle);

#endif
