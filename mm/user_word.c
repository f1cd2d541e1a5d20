/*
 * user_word.c -- single words of users' memory, without a fault.
 *
 * A futex compares a word, and goes to sleep, in one step that nobody who changes the word and then
 * wakes can come between: with a lock held that wakers take.  No page can be brought in under it.
 * So a word is looked at only where a user's access would go on at once, and else the caller drops
 * its lock, has the fault answered (user_word_touch), and begins again; each time round either the
 * word is there or there is an error.
 *
 * The word's page cannot go away during the access: entries change under the space's lock, which is
 * held for the length of one lookup and one access.
 *
 * Always true: a word is written only where a user could write at that very moment, so never into a
 * page that others share by copy-on-write, nor into the page of zeroes.
 *
 * Locks: the space's.  Cost: about 80 instructions.
 */
#include "mm/user_word.h"

#include "mm/space_inside.h"

/* The word, where a user's access would go on; or NULL. */
static uint32_t *word_locked(struct space *s, uint64_t va, enum mach_access access)
	REQUIRES(&s->lock)
{
	ASSERT(is_aligned(va, sizeof(uint32_t)));
	if (va >= USER_END) return NULL;
	const uint64_t entry = pagetable_lookup(&s->table, va, NULL);
	if (!entry_allows(entry, access)) return NULL;
	uint8_t *page = mach_phys(entry_address(entry));
	return (uint32_t *)(void *)(page + (va & (PAGE_SIZE - 1)));
}

enum user_word user_word_read(struct space *s, uint64_t va, uint32_t *value)
{
	const mach_irq_t was = lock_take(&s->lock);
	const uint32_t *word = word_locked(s, va, MACH_LOAD);

	if (word != NULL) *value = atomic_load_u32(word);
	lock_drop(&s->lock, was);
	return word != NULL ? WORD_DONE : WORD_AWAY;
}

enum user_word user_word_change(struct space *s, uint64_t va, uint32_t was, uint32_t now,
				uint32_t *found)
{
	const mach_irq_t irq = lock_take(&s->lock);
	uint32_t *word = word_locked(s, va, MACH_STORE);
	enum user_word answer = WORD_AWAY;

	if (word != NULL) {
		answer = atomic_change_u32(word, was, now) ? WORD_DONE : WORD_DIFFERS;
		*found = answer == WORD_DONE ? was : atomic_load_u32(word);
	}
	lock_drop(&s->lock, irq);
	return answer;
}

bool user_word_touch(struct space *s, uint64_t va, enum mach_access access)
{
	if (va >= USER_END) return false;
	const mach_irq_t was = lock_take(&s->lock);
	const bool there = entry_allows(pagetable_lookup(&s->table, va, NULL), access) ||
			   space_fault_locked(s, va, access) == FAULT_DONE;
	lock_drop(&s->lock, was);
	return there;
}

/* The page is in: whose word it is. */
static bool word_name_locked(struct space *s, uint64_t va, bool writable,
			     struct user_word_name *name) REQUIRES(&s->lock)
{
	const struct region *r = region_at_or_above(&s->regions, va);

	ASSERT(r != NULL && r->start <= va);
	*name = (struct user_word_name){ .offset = va };
	if (writable && (r->flags & REGION_SHARED) == 0) return true;
	if (r->backing == NULL) return false; /* of its own, and not to be written */
	backing_hold(r->backing);
	name->backing = r->backing;
	name->offset = (r->offset << PAGE_SHIFT) + (va - r->start);
	return true;
}

bool user_word_name(struct space *s, uint64_t va, bool to_write, struct user_word_name *name)
{
	ASSERT(is_aligned(va, sizeof(uint32_t)));
	if (va >= USER_END) return false;
	const mach_irq_t was = lock_take(&s->lock);
	const bool writable = entry_allows(pagetable_lookup(&s->table, va, NULL), MACH_STORE) ||
			      space_fault_locked(s, va, MACH_STORE) == FAULT_DONE;
	const bool there =
		writable || (!to_write && space_fault_locked(s, va, MACH_LOAD) == FAULT_DONE);
	const bool named = there && word_name_locked(s, va, writable, name);
	lock_drop(&s->lock, was);
	return named;
}
