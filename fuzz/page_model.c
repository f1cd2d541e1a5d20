/*
 * page_model.c -- pages as sets of bits, and the rules of page.h put in terms of sets.
 *
 * The real allocator keeps lists of blocks; this one keeps a bit for each page, so that the two
 * cannot be wrong in the same way.  Whether there is an aligned block is found by folding a word of
 * bits onto itself (a bit survives k folds when the 2^k pages from it on are all free) and looking
 * at aligned places only; whether there is a row, by counting ones over the words of a zone.
 *
 * What can be free is taken as free: the allocator empties its caches and its quarantine before it
 * refuses anybody, so a refusal is judged against all pages that nobody holds.  That makes the
 * answers exact in both directions: what the model says can be met must be met, and what it says
 * cannot must be refused.
 *
 * A page's contents are a few words that depend on the handle's seed, the page and the place, at
 * the start, the end, and in every 512 bytes: enough to see a page that two have or that was
 * filled by somebody else.
 *
 * Always true:
 *   M1  free has page p exactly when whose[p] is MODEL_FREE;
 *   M2  zone_free[z] is the number of bits of free in zone z;
 *   M3  the pages whose[] says a handle has are within its holding, and `left` is their number.
 *
 * Cost: O(words) for a question, O(pages of the block) for a change.
 */
#include "fuzz/page_model.h"

#include "machine/machine.h"

static void set_add(struct page_set *s, uint32_t page)
{
	s->bits[page / 64] |= 1ull << page % 64;
}

static void set_remove(struct page_set *s, uint32_t page)
{
	s->bits[page / 64] &= ~(1ull << page % 64);
}

static bool set_has(const struct page_set *s, uint32_t page)
{
	return (s->bits[page / 64] >> page % 64 & 1) != 0;
}

void page_model_init(struct page_model *m, uint32_t pages, const uint32_t zone_end[ZONES],
		     uint32_t reserve, uint32_t hole, uint32_t hole_pages)
{
	memset(m, 0, sizeof(*m));
	m->pages = pages;
	m->reserve = reserve;
	memset(m->whose, MODEL_RESERVED, sizeof(m->whose));
	memcpy(m->zone_end, zone_end, sizeof(m->zone_end));
	for (uint32_t p = 0; p < pages; p++) {
		const unsigned zone = page_model_zone(m, p);

		set_add(&m->zone[zone], p);
		if (p - hole < hole_pages) {
			m->reserved++;
			continue;
		}
		m->whose[p] = MODEL_FREE;
		set_add(&m->free, p);
		m->zone_free[zone]++;
	}
}

unsigned page_model_zone(const struct page_model *m, uint32_t page)
{
	if (page < m->zone_end[ZONE_DMA]) return ZONE_DMA;
	return page < m->zone_end[ZONE_KERNEL] ? ZONE_KERNEL : ZONE_USER;
}

uint32_t page_model_free(const struct page_model *m)
{
	return m->zone_free[ZONE_DMA] + m->zone_free[ZONE_KERNEL] + m->zone_free[ZONE_USER];
}

uint32_t page_model_used(const struct page_model *m)
{
	return m->pages - m->reserved - page_model_free(m);
}

/* --- can it be met? ------------------------------------------------------------------------- */

/* Of 64 places, those where 2^order aligned free pages start; order is at most 6. */
static uint64_t fold(uint64_t free, unsigned order)
{
	static const uint64_t aligned[7] = {
		~0ull,
		0x5555555555555555ull,
		0x1111111111111111ull,
		0x0101010101010101ull,
		0x0001000100010001ull,
		0x0000000100000001ull,
		1,
	};
	for (unsigned k = 0; k < order; k++) free &= free >> (1u << k);
	return free & aligned[order];
}

/* How many aligned blocks of 2^order there are in a set; their pages are taken out of it. */
static uint32_t set_take_blocks(struct page_set *s, unsigned order)
{
	const unsigned within = order < 6 ? order : 6; /* of a word */
	const unsigned words = 1u << (order - within);
	uint32_t found = 0;

	for (unsigned w = 0; w < MODEL_WORDS; w += words) {
		uint64_t starts = ~0ull;

		for (unsigned i = 0; i < words; i++) starts &= fold(s->bits[w + i], within);
		for (; starts != 0; starts &= starts - 1) {
			const uint64_t pages = within == 6 ? ~0ull : (1ull << (1u << order)) - 1;

			for (unsigned i = 0; i < words; i++)
				s->bits[w + i] &= ~(pages << bit_lowest(starts));
			found++;
		}
	}
	return found;
}

/* The longest row of ones. */
static uint32_t set_longest_row(const struct page_set *s)
{
	uint32_t row = 0, longest = 0;

	for (unsigned w = 0; w < MODEL_WORDS; w++) {
		for (unsigned at = 0; at < 64;) {
			const uint64_t bits = s->bits[w] >> at;
			const unsigned same = (bits & 1) != 0 ? bit_lowest(~bits | 1ull << 63)
							      : bit_lowest(bits | 1ull << 63);
			const unsigned step = same == 0 ? 1 : (unsigned)min_u64(same, 64 - at);

			row = (bits & 1) != 0 ? row + step : 0;
			if (row > longest) longest = row;
			at += step;
		}
	}
	return longest;
}

static struct page_set free_in_zone(const struct page_model *m, unsigned zone)
{
	struct page_set s;

	for (unsigned w = 0; w < MODEL_WORDS; w++)
		s.bits[w] = m->free.bits[w] & m->zone[zone].bits[w];
	return s;
}

bool page_model_falls_back(unsigned wish, unsigned zone)
{
	return wish == ZONE_DMA ? zone == ZONE_DMA : true;
}

/* The n-th zone a request looks at. */
static unsigned zone_in_turn(unsigned wish, unsigned n)
{
	if (n == 0 || wish == ZONE_DMA) return wish;
	if (n == 2) return ZONE_DMA;
	return wish == ZONE_KERNEL ? ZONE_USER : ZONE_KERNEL;
}

static bool can_spare(const struct page_model *m, unsigned wish, unsigned zone, uint32_t pages)
{
	const uint32_t lower = m->zone_free[ZONE_DMA] + m->zone_free[ZONE_KERNEL];

	return wish != ZONE_USER || zone == ZONE_USER || lower >= m->reserve + pages;
}

unsigned page_model_block_zone(const struct page_model *m, unsigned wish, unsigned order)
{
	for (unsigned n = 0; order <= PAGE_ORDER_MAX && n < ZONES; n++) {
		const unsigned zone = zone_in_turn(wish, n);
		struct page_set s = free_in_zone(m, zone);

		if (can_spare(m, wish, zone, 1u << order) && set_take_blocks(&s, order) != 0)
			return zone;
	}
	return ZONES;
}

unsigned page_model_row_zone(const struct page_model *m, unsigned wish, uint32_t pages)
{
	for (unsigned n = 0; pages != 0 && pages <= m->pages && n < ZONES; n++) {
		const unsigned zone = zone_in_turn(wish, n);
		const struct page_set s = free_in_zone(m, zone);

		if (can_spare(m, wish, zone, pages) && set_longest_row(&s) >= pages) return zone;
	}
	return ZONES;
}

bool page_model_may_claim(const struct page_model *m, unsigned wish, uint64_t first, uint32_t pages)
{
	uint32_t lower = 0;

	if (pages == 0 || first >= m->pages || pages > m->pages - first) return false;
	for (uint32_t p = (uint32_t)first; p < first + pages; p++) {
		if (!set_has(&m->free, p)) return false;
		if (!page_model_falls_back(wish, page_model_zone(m, p))) return false;
		lower += page_model_zone(m, p) != ZONE_USER;
	}
	return lower == 0 || can_spare(m, wish, ZONE_KERNEL, lower);
}

void page_model_blocks(const struct page_model *m, uint32_t blocks[PAGE_ORDERS])
{
	memset(blocks, 0, PAGE_ORDERS * sizeof(blocks[0]));
	for (unsigned zone = 0; zone < ZONES; zone++) {
		struct page_set s = free_in_zone(m, zone);

		for (unsigned o = PAGE_ORDERS; o-- > 0;) blocks[o] += set_take_blocks(&s, o);
	}
}

/* --- who has what --------------------------------------------------------------------------- */

enum page_verdict page_model_judge(const struct page_model *m, uint64_t offset, uint64_t order,
				   unsigned owner)
{
	if (offset >= (uint64_t)m->pages * PAGE_SIZE) return PAGE_OUT_OF_RANGE;
	if (offset % PAGE_SIZE != 0) return PAGE_MISALIGNED;

	const uint32_t page = (uint32_t)(offset / PAGE_SIZE);
	if (m->whose[page] == MODEL_RESERVED) return PAGE_NEVER_GIVEN;
	if (m->whose[page] == MODEL_FREE) return PAGE_DOUBLE_FREE;
	const struct page_holding *h = &m->holding[m->whose[page] - 1];
	if (!h->run && page != h->first) return PAGE_NOT_HEAD;
	if (h->owner != owner) return PAGE_WRONG_OWNER;
	return order == (h->run ? 0 : h->order) ? PAGE_FREED : PAGE_WRONG_ORDER;
}

static void check_place(const struct page_model *m, uint64_t offset, uint32_t pages)
{
	const uint64_t bytes = (uint64_t)m->pages * PAGE_SIZE;

	if (offset >= bytes || (uint64_t)pages * PAGE_SIZE > bytes - offset)
		kpanic(ORACLE_BOUNDS, "%u pages outside the pool", pages);
	if (offset % PAGE_SIZE != 0) kpanic(ORACLE_MISALIGNED, "not the address of a page");
	for (uint32_t p = (uint32_t)(offset / PAGE_SIZE), i = 0; i < pages; i++, p++) {
		if (m->whose[p] == MODEL_RESERVED)
			kpanic(ORACLE_BOUNDS, "page %u is reserved and was given", p);
		if (m->whose[p] != MODEL_FREE)
			kpanic(ORACLE_OVERLAP, "page %u is slot %u's and was given again", p,
			       m->whose[p] - 1u);
	}
}

void page_model_take(struct page_model *m, unsigned slot, uint64_t offset, uint32_t pages,
		     const struct page_holding *as)
{
	struct page_holding *h = &m->holding[slot];
	const uint32_t first = (uint32_t)(offset / PAGE_SIZE);

	ASSERT(!h->held);
	check_place(m, offset, pages);
	if (!as->run && offset % ((uint64_t)PAGE_SIZE << as->order) != 0)
		kpanic(ORACLE_MISALIGNED, "a block of order %u at page %u", as->order, first);
	for (uint32_t p = first; p < first + pages; p++) {
		m->whose[p] = (uint8_t)(slot + 1);
		set_remove(&m->free, p);
		m->zone_free[page_model_zone(m, p)]--;
	}
	*h = *as;
	h->held = true;
	h->first = first;
	h->pages = h->left = pages;
	h->seed = (uint64_t)as->site << 8 | slot;
}

void page_model_give(struct page_model *m, unsigned slot, uint32_t first, uint32_t pages)
{
	struct page_holding *h = &m->holding[slot];

	for (uint32_t p = first; p < first + pages; p++) {
		ASSERT(m->whose[p] == slot + 1);
		m->whose[p] = MODEL_FREE;
		set_add(&m->free, p);
		m->zone_free[page_model_zone(m, p)]++;
	}
	h->left -= pages;
	h->held = h->left != 0;
	h->had = true;
	h->stale_first = first;
	h->stale_order = h->run ? 0 : h->order;
	h->stale_owner = h->owner;
}

/* --- contents ------------------------------------------------------------------------------- */

enum { STRIDE_WORDS = 512 / 8, LAST_WORD = PAGE_SIZE / 8 - 1 };

static uint64_t word_at(const struct page_model *m, unsigned slot, uint32_t page, unsigned word)
{
	return (m->holding[slot].seed << 20 ^ (uint64_t)page << 10 ^ word) * 0x9e3779b97f4a7c15ull;
}

void page_model_write(const struct page_model *m, unsigned slot, uint32_t page, uint64_t *memory)
{
	for (unsigned w = 0; w < LAST_WORD; w += STRIDE_WORDS)
		memory[w] = word_at(m, slot, page, w);
	memory[LAST_WORD] = word_at(m, slot, page, LAST_WORD);
}

void page_model_verify(const struct page_model *m, unsigned slot, uint32_t page,
		       const uint64_t *memory)
{
	bool same = memory[LAST_WORD] == word_at(m, slot, page, LAST_WORD);

	for (unsigned w = 0; w < LAST_WORD; w += STRIDE_WORDS)
		same &= memory[w] == word_at(m, slot, page, w);
	if (!same) kpanic(ORACLE_CONTENT, "page %u, slot %u's, was changed", page, slot);
}
