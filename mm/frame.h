/*
 * frame.h -- what is known of one page of memory: 64 bytes, in an array with one for each page.
 *
 * The state of a block of pages stands in the frame of its first page, the head; the frames of
 * its other pages are FRAME_BODY, whatever the block is.  So making and merging blocks touches
 * heads only, and an array of zeroes says "not a head" everywhere.
 */
#ifndef MM_FRAME_H
#define MM_FRAME_H

#include "machine/atomic.h"

enum frame_state {
	FRAME_BODY = 0,    /* not the first page of a block, or not in any */
	FRAME_FREE,        /* head of a free buddy block of 2^order pages */
	FRAME_CACHED,      /* one page in a CPU's cache */
	FRAME_USED,        /* head of a block that somebody has; see owner and site */
	FRAME_QUARANTINED, /* head of a freed block that is kept from reuse for a while */
	FRAME_RESERVED,    /* one page that was never the pool's to give */
};

/* Who has a block; a free must name the same.  What owners keep about their pages in frames (below)
 * is theirs to read only while this says so. */
enum page_owner {
	PAGE_OWNER_KERNEL = 0, /* whoever called kernel-wide */
	PAGE_OWNER_SLAB,
	PAGE_OWNER_HEAP,
	PAGE_OWNER_TABLE,
	PAGE_OWNER_USER,
	PAGE_OWNERS
};

#define FRAME_NONE UINT32_MAX /* no frame: the end of a list */

/* What the slab allocator keeps about a page of its own. */
struct frame_slab {
	uint32_t pad;   /* of no use to a slab: what other owners keep is here, and nowhere else */
	uint32_t state; /* head: enum slab_state */
	uint32_t due;   /* head: frees until somebody has to look, see slab_page.c */
	union {
		struct {
			uint16_t cache;     /* which cache, by number */
			uint16_t head_back; /* pages back to the slab's first page */
		};
		uint32_t whose; /* both at once; FRAME_NONE: no slab's any more.  Who comes
				   late to a slab looks here while it may change */
	};
	uint64_t taken[4]; /* a bit per 16 bytes: an object that starts here is not free */
};

/* What is kept about a page of a user, or one that holds a table. */
struct frame_user {
	uint32_t references; /* atomic */
	uint32_t found;      /* vm_check's, while it counts; else 0 */
};
struct frame_table {
	uint16_t entries; /* that are not empty */
};

/* The first word of a frame, as it lies in memory.  One comparison with it knows a block by all it
 * is: a free buddy of the right size and zone, a page in use by whoever says that he has it. */
#define FRAME_WORD(state, order, owner, zone)                                   \
	((uint32_t)(state) | (uint32_t)(order) << 8 | (uint32_t)(owner) << 16 | \
	 (uint32_t)(zone) << 24)

/* What is in such a word, for walks that read one frame after another. */
static inline unsigned frame_word_state(uint32_t word)
{
	return word & 0xff;
}

/* Log2 pages; kept below 32, whatever is there. */
static inline unsigned frame_word_order(uint32_t word)
{
	return word >> 8 & 31;
}

static inline unsigned frame_word_owner(uint32_t word)
{
	return word >> 16 & 0xff;
}

struct frame {
	union {
		struct {
			uint8_t state; /* enum frame_state */
			uint8_t order; /* head: log2 of the block's pages */
			uint8_t owner; /* head in use: enum page_owner */
			uint8_t zone;  /* every frame: enum page_zone */
		};
		uint32_t word; /* these four at once: FRAME_WORD */
	};
	site_t site;   /* head in use: who asked for it */
	uint32_t next; /* head: neighbours on the list it is on, by frame number */
	uint32_t prev;
	union {
		struct frame_slab slab; /* every page in use by a slab */
		struct frame_user user;
		struct frame_table table;
		uint32_t filled; /* every free page: FRAME_FILLED when the pattern is in it */
	};
};

/*
 * A frame belongs to whoever has its block, and that of a page in a CPU's cache to whoever has the
 * cache; they change its word as a whole (atomic_poke_u32).  Under the pool's lock all words may be
 * looked at: of a free block the lock says that nobody changes it, and of any other only that it is
 * not free, and how large it is, is known by these.
 */
static inline enum frame_state frame_state(const struct frame *f)
{
	return atomic_peek_u32(&f->word) & 0xff;
}

static inline void frame_owner_set(struct frame *f, enum page_owner owner)
{
	atomic_poke_u32(&f->word, FRAME_WORD(f->state, f->order, owner, f->zone));
}

static inline unsigned frame_order(const struct frame *f)
{
	return atomic_peek_u32(&f->word) >> 8 & 0xff;
}

#define FRAME_FILLED 0xf111edu

_Static_assert(sizeof(struct frame) == 64, "1.6 % of memory, and one cache line");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "FRAME_WORD counts on it");

#endif
