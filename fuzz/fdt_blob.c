/*
 * fdt_blob.c -- subject fdt: the blob, from the tree under construction or from elsewhere.
 *
 * There is at most one.  It lies in the arena between poisoned bytes and is readable for exactly
 * its length, so whatever reads a byte too far is seen on the host.  It is made when somebody
 * wants to read it, and opened once until it changes.
 *
 * Always true:
 *   L1  blob.tree is the builder's tree only while not one byte was changed since it was written;
 *   L2  what was learned by opening it is kept only while it does not change.
 *
 * Locks: none.  Cost: a copy of the tree's bytes, and their shadow.
 */
#include "fuzz/fdt_subject.h"
#include "machine/machine.h"

enum { BLOB_AT = 64 << 10 }; /* in the arena: page aligned, poison before and behind */

_Static_assert((int)FDT_BLOB_MAX >= (int)TREE_BLOB_MAX && (int)FDT_BLOB_MAX >= (int)SCRIPT_BODY_MAX,
	       "every blob fits");

static struct fdt_state *state_of(const struct run *run)
{
	return run->state;
}

void fdt_blob_closed(struct fdt_state *s)
{
	s->tried = s->is_open = s->memory.mapped = false;
}

void fdt_blob_cut(struct fdt_state *s, uint32_t keep)
{
	uint8_t *base = (uint8_t *)align_down((uintptr_t)s->blob.at, 8);
	const uint32_t shift = (uint32_t)(s->blob.at - base);
	ASSERT(keep <= s->blob.bytes);
	mach_poison(base, align_up(shift + s->blob.bytes, 8));
	if (keep != 0) mach_unpoison(base, shift + keep);
	s->blob.bytes = keep;
}

void fdt_blob_drop(struct fdt_state *s)
{
	fdt_blob_closed(s);
	if (s->made) fdt_blob_cut(s, 0);
	s->made = false;
}

void fdt_blob_room(struct run *run, uint32_t bytes, unsigned shift)
{
	struct fdt_state *s = state_of(run);
	uint8_t *base = (uint8_t *)run->machine->arena + BLOB_AT;
	ASSERT(bytes <= FDT_BLOB_MAX);
	fdt_blob_drop(s);
	if (bytes != 0) mach_unpoison(base, shift + bytes);
	s->made = true;
	s->blob = (struct blob){ .at = base + shift, .bytes = bytes };
}

static void blob_make(struct run *run)
{
	struct fdt_state *s = state_of(run);
	static const uint32_t room = TREE_BLOB_MAX + 8;
	uint8_t *base = (uint8_t *)run->machine->arena + BLOB_AT;
	fdt_blob_drop(s);
	mach_unpoison(base, room); /* how long it gets is known when it is written */
	const uint32_t bytes = tree_write(&s->tree, s->layout, base + s->shift);
	mach_poison(base, room);
	fdt_blob_room(run, bytes, s->shift);
	enum fdt_error expected = s->tree.fault;
	if (expected == FDT_OK && s->tree.node_count == 0) expected = FDT_UNBALANCED;
	if (s->shift != 0) expected = FDT_MISALIGNED;
	s->blob.tree = &s->tree;
	s->blob.expected = expected;
	if (expected == FDT_TOO_DEEP) run_sometimes(run, SAW_TOO_DEEP);
	if (expected == FDT_MISPLACED) run_sometimes(run, SAW_MISPLACED);
	if (expected == FDT_OK && s->layout & LAYOUT_VERSION_16)
		run_sometimes(run, SAW_OLD_VERSION);
}

struct blob *fdt_blob_to_damage(struct run *run)
{
	struct fdt_state *s = state_of(run);
	if (!s->made) blob_make(run);
	fdt_blob_closed(s);
	s->blob.tree = NULL;
	return s->blob.bytes == 0 ? NULL : &s->blob;
}

bool fdt_blob_open(struct run *run)
{
	struct fdt_state *s = state_of(run);
	if (!s->made) blob_make(run);
	if (s->tried) return s->is_open;
	const enum fdt_error error = fdt_open(&s->open, s->blob.at, s->blob.bytes);
	run_result(run, error);
	model_opened(&s->blob, &s->open, error);
	s->tried = true;
	s->is_open = error == FDT_OK;
	run_sometimes(run, s->is_open ? SAW_OPEN : SAW_REFUSED);
	if (s->is_open && s->blob.tree == NULL) run_sometimes(run, SAW_DAMAGED_OPEN);
	return s->is_open;
}
