/*
 * space_script.c -- operations to memory calls.
 *
 * A place is 13 bits: the low seven say which page of which cluster, the upper six what kind of
 * place it is; so is a length.  Kinds are tables of ranges, ordinary ones first, so a zero is the
 * first page and a small place is near it.
 *
 * Always true (what makes real Linux a safe player):
 *   P1  a range that begins in the window ends in it, or is so long that every call refuses it
 *       before anything is done;
 *   P2  an address outside of the window is 0, or in no user's reach; from 0 a range is at most
 *       eight pages long, where nothing ever is;
 *   P3  the same operation and aim give the same call everywhere.
 *
 * Locks: none.  Cost: some ten comparisons for each call.
 */
#include "fuzz/space_script.h"

#include "machine/machine.h"

enum {
	PLACE_KIND_SHIFT = 7,
	/* The first kind of each sort; below the first, a page of a cluster. */
	PLACE_ANY_PAGE = 48,
	PLACE_MISALIGNED = 56,
	PLACE_ZERO = 59,
	PLACE_KERNEL = 60,
	PLACE_USER_END = 61,
	PLACE_TOP = 62,
	PLACE_ODD_START = 63,

	LENGTH_SHORT = 0,
	LENGTH_MIDDLE = 32,
	LENGTH_ANY = 46,
	LENGTH_ODD = 52,
	LENGTH_ZERO = 58,
	LENGTH_ONE = 59,
	LENGTH_HUGE = 60, /* from here on: refused for what it is */
	LENGTH_USER_END = 61,
	LENGTH_ALL = 62,
	LENGTH_ALL_PAGES = 63,
};

#define LAST_PAGE (0 - (uint64_t)PAGE_SIZE)

static const uint16_t clusters[] = { 0, 244, 64, 480 };

/* clang-format off */
const char *const space_map_flags[] = {
	"no-read", "no-write", "exec", "shared", "fixed", "noreplace", "populate", "source",
};
enum { MAP_FLAG_SHARED = 8, MAP_FLAG_FIXED = 16, MAP_FLAG_NOREPLACE = 32, MAP_FLAG_POPULATE = 64,
       MAP_FLAG_SOURCE = 128 };
const char *const space_remap_flags[] = { "maymove", "fixed", "dontunmap", "strange" };
const char *const space_advice_names[] = {
	"normal", "willneed", "dontneed", "free", "dontfork", "dofork", "wipeonfork",
	"keeponfork", "populate-read", "populate-write", "strange",
};
static const int advice_numbers[] = {
	MADV_NORMAL, MADV_WILLNEED, MADV_DONTNEED, MADV_FREE, MADV_DONTFORK, MADV_DOFORK,
	MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_POPULATE_READ, MADV_POPULATE_WRITE, 7777,
};

static const char *const strange_map_flags[] = {
	"validate", "typeless", "source", "fixed", "noreplace", "noreserve", "unknown", "growsdown",
};
enum { STRANGE_VALIDATE = 1, STRANGE_TYPELESS = 2, STRANGE_SOURCE = 4, STRANGE_FIXED = 8,
       STRANGE_NOREPLACE = 16, STRANGE_NORESERVE = 32, STRANGE_UNKNOWN = 64,
       STRANGE_GROWSDOWN = 128 };
static const char *const strange_rights[] = {
	"no-read", "no-write", "exec", "sem", "growsdown", "growsup", "unknown",
};
enum { STRANGE_RIGHT_SEM = 8, STRANGE_RIGHT_DOWN = 16, STRANGE_RIGHT_UP = 32,
       STRANGE_RIGHT_UNKNOWN = 64 };
static const char *const strange_advice_names[] = {
	"normal", "random", "sequential", "none-5", "none-7", "none-26", "negative",
};
static const int strange_advice_numbers[] = {
	MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, 5, 7, 26, -1,
};

#define SPACE { "space", IN_SLOT, FORM_NUMBER, SPACES_MAX, NULL }
#define PLACE { "place", IN_LOW, FORM_NUMBER, SPACE_PLACES, NULL }
#define LENGTH { "length", IN_HIGH, FORM_NUMBER, SPACE_PLACES, NULL }
#define WORD { "word", IN_AUX, FORM_NUMBER, WORDS_PER_PAGE, NULL }
#define TO { "to", IN_AUX, FORM_NUMBER, SPACES_MAX, NULL }
#define PAGES { "pages", IN_AUX, FORM_NUMBER, 0, NULL }

const struct op_kind space_operations[SPACE_CODES] = {
	[SPACE_AIM] = { "aim", 14, { PLACE, LENGTH }, space_step },
	[SPACE_MMAP] = { "mmap", 30, { SPACE, { "how", IN_AUX, FORM_FLAGS, 8, space_map_flags },
				       PLACE, LENGTH }, space_step },
	[SPACE_MUNMAP] = { "munmap", 14, { SPACE, PLACE, LENGTH }, space_step },
	[SPACE_MPROTECT] = { "mprotect", 12, { SPACE,
					       { "rights", IN_AUX, FORM_FLAGS, 3, space_map_flags },
					       PLACE, LENGTH }, space_step },
	[SPACE_MREMAP] = { "mremap", 10, { SPACE, { "how", IN_AUX, FORM_FLAGS, 4,
						     space_remap_flags },
					   PLACE, LENGTH }, space_step },
	[SPACE_MADVISE] = { "madvise", 10, { SPACE,
					     { "advice", IN_AUX, FORM_NAMES, 11,
					       space_advice_names },
					     PLACE, LENGTH }, space_step },
	[SPACE_MINCORE] = { "mincore", 3, { SPACE, PLACE, LENGTH }, space_step },
	[SPACE_BRK] = { "brk", 6, { SPACE, PLACE }, space_step },
	[SPACE_LOAD] = { "load", 30, { SPACE, PLACE, WORD }, space_step },
	[SPACE_STORE] = { "store", 40, { SPACE, PLACE, WORD }, space_step },
	[SPACE_FETCH] = { "fetch", 4, { SPACE, PLACE }, space_step },
	[SPACE_FORK] = { "fork", 8, { SPACE, TO }, space_step },
	[SPACE_EXIT] = { "exit", 4, { SPACE }, space_step },
	[SPACE_LEAVE] = { "leave", 2, { { NULL, 0, 0, 0, NULL } }, space_step },
	[SPACE_RECLAIM] = { "reclaim", 2, { PAGES }, space_step },
	[SPACE_SQUEEZE] = { "squeeze", 3, { PAGES }, space_step },
	[SPACE_RELAX] = { "relax", 6, { { NULL, 0, 0, 0, NULL } }, space_step },
	[SPACE_MMAP_STRANGE] = { "mmap-strange", 4, { SPACE,
						      { "how", IN_AUX, FORM_FLAGS, 8,
							strange_map_flags },
						      PLACE, LENGTH }, space_step },
	[SPACE_MPROTECT_STRANGE] = { "mprotect-strange", 2, { SPACE,
							      { "rights", IN_AUX, FORM_FLAGS, 7,
								strange_rights },
							      PLACE, LENGTH }, space_step },
	[SPACE_MADVISE_STRANGE] = { "madvise-strange", 2, { SPACE,
							    { "advice", IN_AUX, FORM_NAMES, 7,
							      strange_advice_names },
							    PLACE, LENGTH }, space_step },
};
/* clang-format on */

/* --- places and lengths ----------------------------------------------------------------------- */

static uint64_t page_at(uint32_t page)
{
	return WINDOW_START + (uint64_t)(page % WINDOW_PAGES) * PAGE_SIZE;
}

static uint64_t place_read(uint32_t v)
{
	const uint32_t kind = v >> PLACE_KIND_SHIFT;

	if (kind < PLACE_ANY_PAGE) return page_at(clusters[v >> 5 & 3] + (v & 31));
	if (kind < PLACE_MISALIGNED) return page_at(v);
	if (kind < PLACE_ZERO) return page_at(clusters[v >> 5 & 3]) + 1 + (v & 31) * 128;
	switch (kind) {
	case PLACE_ZERO: return 0;
	case PLACE_KERNEL: return KERNEL_START + (uint64_t)(v & 127) * PAGE_SIZE;
	case PLACE_USER_END: return USER_END + (uint64_t)(v & 1) * PAGE_SIZE;
	case PLACE_TOP: return LAST_PAGE;
	default: return WINDOW_START + PAGE_SIZE - 1;
	}
}

static uint64_t length_read(uint32_t v)
{
	const uint32_t kind = v >> PLACE_KIND_SHIFT;

	if (kind < LENGTH_MIDDLE) return (1 + (uint64_t)(v & 7)) * PAGE_SIZE;
	if (kind < LENGTH_ANY) return (1 + (uint64_t)(v & 63)) * PAGE_SIZE;
	if (kind < LENGTH_ODD) return (1 + (uint64_t)(v % WINDOW_PAGES)) * PAGE_SIZE;
	if (kind < LENGTH_ZERO) return 1 + (uint64_t)(v & 15) * PAGE_SIZE + (v & 127) * 16;
	switch (kind) {
	case LENGTH_ZERO: return 0;
	case LENGTH_ONE: return 1;
	case LENGTH_HUGE: return 1ull << 46;
	case LENGTH_USER_END: return USER_END;
	case LENGTH_ALL: return ~0ull;
	default: return 0 - (uint64_t)PAGE_SIZE;
	}
}

static bool in_window(uint64_t addr)
{
	return addr >= WINDOW_START && addr < WINDOW_END;
}

/* P1 and P2 for an ordinary length (least 0: the place is but a wish); one of those that are
 * refused for what they are stays, if it is at least `least`, and otherwise becomes the longest. */
static uint64_t length_fit(uint64_t addr, uint64_t length, uint64_t least)
{
	if (addr == 0 && least != 0) return min_u64(length, 8 * PAGE_SIZE);
	if (length > WINDOW_PAGES * (uint64_t)PAGE_SIZE) return length >= least ? length : ~0ull;
	if (in_window(addr)) return min_u64(length, WINDOW_END - align_down(addr, PAGE_SIZE));
	return min_u64(length, 8 * PAGE_SIZE);
}

/* --- calls ------------------------------------------------------------------------------------ */

/* Lengths from here on are refused by every call on a range, wherever it begins. */
#define REFUSED_BY_ALL (0 - (uint64_t)PAGE_SIZE)

/* What a bare name means is what programs ask for most. */
static uint32_t rights_read(uint32_t how)
{
	return (how ^ (PROT_READ | PROT_WRITE)) & (PROT_READ | PROT_WRITE | PROT_EXEC);
}

static void read_source(struct space_call *call, bool backed, const struct script_op *aim)
{
	call->backed = backed;
	call->source = (aim->arg >> 16) % SOURCES;
	call->offset_page = (aim->arg & 0xffff) % (SOURCE_PAGES + 2);
}

static void read_map(struct space_call *call, uint32_t how, const struct script_op *aim)
{
	const bool fixed = (how & (MAP_FLAG_FIXED | MAP_FLAG_NOREPLACE)) != 0;

	call->prot = rights_read(how);
	call->flags = ((how & MAP_FLAG_SHARED) ? MAP_SHARED : MAP_PRIVATE) |
		      ((how & MAP_FLAG_SOURCE) ? 0u : MAP_ANONYMOUS) |
		      ((how & MAP_FLAG_FIXED) ? MAP_FIXED : 0u) |
		      ((how & MAP_FLAG_NOREPLACE) ? MAP_FIXED_NOREPLACE : 0u) |
		      ((how & MAP_FLAG_POPULATE) ? MAP_POPULATE : 0u);
	call->length = length_fit(call->addr, call->length, fixed ? USER_END : 0);
	read_source(call, (how & MAP_FLAG_SOURCE) != 0, aim);
}

/* A mapping that grows is asked for only where it is refused for what else it is. */
static void read_strange_map(struct space_call *call, uint32_t how, const struct script_op *aim)
{
	static const uint32_t types[] = { MAP_PRIVATE, MAP_SHARED_VALIDATE, 0, 5 };
	const bool fixed = (how & (STRANGE_FIXED | STRANGE_NOREPLACE)) != 0;
	const bool source = (how & STRANGE_SOURCE) != 0;

	call->code = SPACE_MMAP;
	call->prot = PROT_READ | PROT_WRITE | PROT_SEM;
	call->flags = types[how & (STRANGE_VALIDATE | STRANGE_TYPELESS)] |
		      (source ? 0u : MAP_ANONYMOUS) | ((how & STRANGE_FIXED) ? MAP_FIXED : 0u) |
		      ((how & STRANGE_NOREPLACE) ? MAP_FIXED_NOREPLACE : 0u) |
		      ((how & STRANGE_NORESERVE) ? MAP_NORESERVE | MAP_STACK : 0u) |
		      ((how & STRANGE_UNKNOWN) ? MAP_UNKNOWN : 0u) |
		      ((how & STRANGE_GROWSDOWN) && source ? MAP_GROWSDOWN : 0u);
	call->length = length_fit(call->addr, call->length, fixed ? USER_END : 0);
	read_source(call, source, aim);
}

static void read_strange_rights(struct space_call *call, uint32_t rights)
{
	call->code = SPACE_MPROTECT;
	call->prot = rights_read(rights) | ((rights & STRANGE_RIGHT_SEM) ? PROT_SEM : 0u) |
		     ((rights & STRANGE_RIGHT_DOWN) ? PROT_GROWSDOWN : 0u) |
		     ((rights & STRANGE_RIGHT_UP) ? PROT_GROWSUP : 0u) |
		     ((rights & STRANGE_RIGHT_UNKNOWN) ? 64u : 0u);
}

static void read_remap(struct space_call *call, const struct script_op *aim)
{
	const bool aimed = (call->flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) != 0;

	call->new_addr = place_read(aim->arg & 0xffff);
	call->new_length = length_read(aim->arg >> 16);
	call->length = length_fit(call->addr, call->length, REFUSED_BY_ALL);
	call->new_length = length_fit(aimed ? call->new_addr : call->addr, call->new_length,
				      aimed ? USER_END : 0);
	if (in_window(call->addr) && call->new_length <= WINDOW_PAGES * (uint64_t)PAGE_SIZE)
		call->new_length = length_fit(call->addr, call->new_length, 0);
}

struct space_call space_call_read(const struct script_op *op, const struct script_op *aim)
{
	struct space_call call = {
		.code = (enum space_code)op->code,
		.space = op->slot,
		.to = op->aux,
		.word = op->aux,
		.addr = place_read(op->arg & 0xffff),
		.length = length_read(op->arg >> 16),
	};

	switch (call.code) {
	case SPACE_MMAP: read_map(&call, op->aux, aim); break;
	case SPACE_MREMAP:
		call.flags = op->aux & 7u;
		if (op->aux & 8u) call.flags |= 64;
		read_remap(&call, aim);
		break;
	case SPACE_BRK: /* rounded up, the last byte there is wraps */
		if (call.addr == LAST_PAGE && (op->arg & 1) != 0) call.addr = ~0ull;
		break;
	case SPACE_MPROTECT: call.prot = rights_read(op->aux); break;
	case SPACE_MADVISE: call.advice = advice_numbers[op->aux]; break;
	case SPACE_MMAP_STRANGE: read_strange_map(&call, op->aux, aim); break;
	case SPACE_MPROTECT_STRANGE: read_strange_rights(&call, op->aux); break;
	case SPACE_MADVISE_STRANGE:
		call.code = SPACE_MADVISE;
		call.advice = strange_advice_numbers[op->aux];
		break;
	case SPACE_LOAD:
	case SPACE_STORE:
	case SPACE_FETCH:
		if (in_window(call.addr))
			call.addr = space_word_address(align_down(call.addr, PAGE_SIZE),
						       call.code == SPACE_FETCH ? 0 : call.word);
		break;
	default: break;
	}
	if (call.code != SPACE_MMAP && call.code != SPACE_MREMAP)
		call.length = length_fit(call.addr, call.length, REFUSED_BY_ALL);
	return call;
}

uint32_t space_resolve(uint32_t alive, uint32_t space)
{
	if (alive == 0) return SPACES_MAX;
	return alive >> space & 1 ? space : bit_lowest(alive);
}

/* --- contents --------------------------------------------------------------------------------- */

/* The first and last words of a page, and two in its middle. */
uint64_t space_word_address(uint64_t page_addr, uint32_t word)
{
	static const uint16_t at[WORDS_PER_PAGE] = { 0, 1360, 2728, PAGE_SIZE - 8 };

	return page_addr + at[word % WORDS_PER_PAGE];
}

uint64_t space_source_word(uint32_t source, uint32_t page, uint32_t word)
{
	return 0x50a6ce0000000000ull | (uint64_t)source << 32 | page << 8 | word;
}

uint64_t space_store_word(uint32_t op)
{
	return 0xda7a000000000000ull | op;
}
