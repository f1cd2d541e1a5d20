/*
 * tlb_inside.h -- what the files of the automaton share (tlb_rules.c, tlb_tables.c, tlb_left.c,
 * tlb_spaces.c).  Its users see tlb_rules.h.
 */
#ifndef MACHINE_HOST_TLB_INSIDE_H
#define MACHINE_HOST_TLB_INSIDE_H

#include "machine/host/tlb_rules.h"

enum {
	LEVEL_PAGE = TABLE_LEVELS - 1,
	ALL_CPUS = (1 << CPUS_MAX) - 1,
	SPACES_MAX = 1 << 16,
	LEFT_HEADS = 1 << 10,
	SPACE_KERNEL = 0, /* its number in spaces[] */
};

/* A place of an entry: the number of its table's note, and its index there; 0 is none. */
typedef uint32_t place_t;

/* What is known of a page of memory. */
struct frame_note {
	uint32_t table; /* the number of its note, when entries are or were stored in it */
	place_t leads;  /* first of the valid entries that lead to it */
	uint32_t left;  /* how many leftovers lead to it */
	bool touched;   /* is in touched[] */
};

/* A table, hung into a tree or not yet.  Numbered from 1. */
struct table_note {
	uint32_t frame;
	place_t above;  /* the entry that leads here; 0 for a root, and while `hung` is false */
	uint32_t space; /* in spaces[]; while hung */
	uint32_t valid_count;
	uint64_t va; /* first address it is about; while hung */
	uint8_t level;
	bool hung;
	uint64_t valid[TABLE_ENTRIES / 64];    /* a bit for each entry known to be valid */
	uint64_t dangling[TABLE_ENTRIES / 64]; /* valid, but what it led to was freed */
	uint64_t value[TABLE_ENTRIES];         /* of the valid ones */
	place_t next[TABLE_ENTRIES];           /* of those that lead to the same frame */
	place_t prev[TABLE_ENTRIES];
};

/* A root and an ASID that CPUs have installed, or had and may remember entries of. */
struct space_note {
	paddr_t root; /* PADDR_NONE: freed since */
	uint32_t asid;
	uint32_t table;    /* the root's note */
	uint8_t may;       /* a bit for each CPU that may remember something */
	uint8_t installed; /* a bit for each CPU that may walk now; part of `may` */
	uint8_t begun;     /* a bit for each CPU that began to invalidate the whole ASID */
	bool used;
	bool current; /* the last one its root was installed with */
};

/* What an invalidation for an entry did wrong. */
enum missed { MISSED_ASID = 1, MISSED_ADDRESS = 2, MISSED_OTHERS = 4, MISSED_ORDER = 8 };

/* An entry that is no longer what CPUs may remember: taken away, or with fewer rights. */
struct leftover {
	uint64_t value; /* what may be remembered, with all rights it ever had */
	uint64_t va;    /* first address */
	uint32_t space; /* in spaces[] */
	uint32_t asid;
	uint32_t next; /* of the same hash, + 1 */
	uint8_t level;
	uint8_t stored_by;
	uint8_t may;         /* a bit for each CPU that may remember it */
	uint8_t begun;       /* a bit for each CPU that began to invalidate it everywhere ... */
	uint8_t begun_local; /* ... and for itself alone */
	uint8_t missed;      /* enum missed, or'ed */
	bool published;
	bool table;     /* led to a table */
	bool stands;    /* the entry is valid still, with fewer rights */
	bool abandoned; /* its frame was freed; nothing counts it any more */
};

struct tlb_rules {
	paddr_t base;
	uint32_t frames_count;
	const uint8_t *memory;
	tlb_report report;
	void *context;
	size_t mapped; /* bytes of address space that begin with this struct */

	struct frame_note *frames;
	uint32_t *touched;
	uint32_t touched_count;

	struct table_note *tables;
	uint32_t tables_used; /* the highest number ever used since the reset */
	uint32_t *tables_free;
	uint32_t tables_free_count;
	uint64_t places;

	struct space_note *spaces;
	uint32_t spaces_used;
	uint32_t now[CPUS_MAX]; /* what each CPU has installed, in spaces[]; 0: nothing */

	struct leftover *left;
	uint32_t left_count, left_room;
	uint32_t left_heads[LEFT_HEADS]; /* + 1 */
	uint32_t left_fresh[CPUS_MAX];   /* leftovers of that CPU that are not published */

	place_t *fresh[CPUS_MAX]; /* valid entries that CPU has stored and not published */
	uint32_t fresh_count[CPUS_MAX];
	uint32_t fresh_room;

	bool begun[CPUS_MAX];       /* that CPU has something to wait for ... */
	bool begun_all[CPUS_MAX];   /* ... everything everywhere */
	bool begun_local[CPUS_MAX]; /* ... everything of its own */
};

/* Says that rule `id` is broken.  May not return. */
void tlb_broken(struct tlb_rules *r, const char *id, const char *format, ...) PRINTF_LIKE(3, 4);

/* --- entries, as bits ------------------------------------------------------------------------- */

static inline bool entry_valid(uint64_t entry)
{
	return (entry & ENTRY_VALID) != 0;
}

static inline place_t place_of(uint32_t table, unsigned index)
{
	return table * TABLE_ENTRIES + index;
}

static inline uint64_t table_entry_va(const struct table_note *t, unsigned index)
{
	return t->va + ((uint64_t)index << entry_shift(t->level));
}

static inline bool bit_of(const uint64_t *map, unsigned n)
{
	return (map[n / 64] >> n % 64 & 1) != 0;
}

/* --- tlb_tables.c ----------------------------------------------------------------------------- */

/* The note of the frame at `pa`, or NULL outside of memory. */
struct frame_note *frame_at(struct tlb_rules *r, paddr_t pa);

/* The number of the frame's table, with a new note when there was none. */
uint32_t table_at(struct tlb_rules *r, paddr_t pa);

/* What is known to stand there from here on; not valid: nothing. */
void entry_know(struct tlb_rules *r, uint32_t table, unsigned index, uint64_t value);

/* Hangs the root, or the table that an entry leads to, into its tree, with all below it. */
void root_hang(struct tlb_rules *r, uint32_t table, uint32_t space, uint64_t va);
void child_hang(struct tlb_rules *r, uint32_t table, unsigned index);

/* The opposite: CPU `cpu` has taken away what led there.  What lies below becomes leftovers. */
void child_unhang(struct tlb_rules *r, unsigned cpu, paddr_t child, place_t above);

/* Its frame is nobody's: forgets the table. */
void table_forget(struct tlb_rules *r, uint32_t table);

/* The form that an entry of this tree must have. */
void entry_check_form(struct tlb_rules *r, const struct table_note *t, unsigned index,
		      uint64_t value);

/* --- tlb_left.c ------------------------------------------------------------------------------- */

struct leftover *left_find(struct tlb_rules *r, uint32_t root_space, uint64_t va, unsigned level);

/* CPU `cpu` has just changed an entry that read `value`; what is remembered, or NULL when no CPU
 * can remember it. */
struct leftover *left_add(struct tlb_rules *r, unsigned cpu, const struct table_note *t,
			  unsigned index, uint64_t value, bool stands);
void left_remove(struct tlb_rules *r, struct leftover *lo);

/* It was changed again, by `cpu`: whatever was done to forget it does not count. */
void left_renew(struct tlb_rules *r, struct leftover *lo, unsigned cpu);

/* What was missing, in words; *id becomes RULE_SCOPE when an invalidation came, but missed. */
const char *left_missing(const struct leftover *lo, const char **id);

/* Some leftover that leads to the frame at `pa`. */
struct leftover *left_of_frame(struct tlb_rules *r, paddr_t pa);

/* A root's number in spaces[] changed, or it was given up. */
void left_abandon(struct tlb_rules *r, struct leftover *lo);

#endif
