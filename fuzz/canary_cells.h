/*
 * canary_cells.h -- the canary's small allocator, which can be told to misbehave.
 */
#ifndef FUZZ_CANARY_CELLS_H
#define FUZZ_CANARY_CELLS_H

#include "machine/base.h"

enum {
	CELLS = 16,
	CELL_BYTES = 128,
	OBJECT_BYTES = 64, /* of a cell, for its user */
	CELL_ALIGN = 16,
};

/* What to do wrong the next time there is an occasion. */
enum lie {
	TRUTH = 0,
	LIE_OVERLAP, /* give a cell that somebody has */
	LIE_MISALIGNED,
	LIE_CONTENT, /* for the user of the cells: see lied() */
	LIE_ZEROING, /* leave what is there */
	LIE_BOUNDS,  /* give memory before the first cell */
	LIE_REFUSE,  /* although there is room */
	LIE_GRANT,   /* although there is none */
	LIE_VERDICT, /* take a second give for a first */
	LIE_LEAK,    /* take it back and forget it */
	LIE_LARGEST, /* promise more than there is */
};

struct cells {
	uint8_t *at;    /* CELLS * CELL_BYTES */
	uint32_t taken; /* a bit for each cell */
	uint32_t count; /* how many bits */
	enum lie lie;
};

enum cell_verdict { CELL_FREED, CELL_DOUBLE, CELL_WILD };

/* All cells free, in memory that is poisoned. */
void cells_open(struct cells *c, uint8_t *memory);

/* OBJECT_BYTES bytes, the lowest free cell; NULL when all are taken. */
uint8_t *cell_take(struct cells *c, bool zeroed);

enum cell_verdict cell_give(struct cells *c, uint8_t *cell);

/* Bytes that cell_take would give now; 0: none. */
uint32_t cells_largest(struct cells *c);

/* NULL when the structure is sound, else what is wrong. */
const char *cells_check(const struct cells *c);

/* True once after `lie` was asked for. */
bool lied(struct cells *c, enum lie lie);

bool is_full_of(const uint8_t *at, uint8_t byte, size_t bytes);

#endif
