/*
 * space_user.c -- a stress as a program: loads and stores through whatever space this CPU has, and
 * what they tell.
 *
 * Locks: none.
 */
#include "kernel/kmem.h"
#include "stress/space_stress.h"

uint64_t space_word(uint64_t key, uint64_t page)
{
	return ((key ^ page) * 0x9e3779b97f4a7c15ull) | 1;
}

uint64_t space_word_offset(uint64_t key, uint64_t page)
{
	return ((key >> 7) + 5 * page) % (PAGE_SIZE / sizeof(uint64_t)) * sizeof(uint64_t);
}

void space_is_wrong(const char *when, uint64_t page, uint64_t pages)
{
	stress_content_wrong(when, pages << PAGE_SHIFT, page << PAGE_SHIFT);
}

static bool judge(const char *when, enum fault_answer answer)
{
	if (answer == FAULT_NO_MEMORY)
		stress_count(STRESS_REFUSED);
	else if (answer != FAULT_DONE)
		space_is_wrong(when, answer, 0);
	return answer == FAULT_DONE;
}

bool space_reads(struct space *s, uint64_t va, uint64_t *value)
{
	space_switch(&kernel_vm, s);
	return judge("a load faults", kspace_load(s, va, value));
}

bool space_writes(struct space *s, uint64_t va, uint64_t value)
{
	space_switch(&kernel_vm, s);
	return judge("a store faults", kspace_store(s, va, value));
}

bool space_granted(const char *call, int64_t answer)
{
	if (answer >= 0) return true;
	if (answer == -ERR_NOMEM)
		stress_count(STRESS_REFUSED);
	else
		space_is_wrong(call, (uint64_t)-answer, 0);
	return false;
}

static NOINLINE void stress_loses_a_page(void)
{
	(void)kpage_alloc(0, PAGE_HOW(ZONE_USER, PAGE_OWNER_KERNEL));
}

static NOINLINE void stress_loses_a_space(void)
{
	(void)kspace_create();
}

void space_misbehaves(const struct stress_plan *plan, uint32_t operation)
{
	const uint32_t nth = operation + 1;
	if (plan->lose_page != 0 && nth % plan->lose_page == 0) stress_loses_a_page();
	if (plan->lose_object != 0 && nth % plan->lose_object == 0) stress_loses_a_space();
}

void space_must_be_empty(struct space *s)
{
	struct space_counts counts;
	const char *wrong = space_check(s);
	space_count(s, &counts);
	if (wrong != NULL || counts.mapped != 0 || counts.resident != 0)
		space_is_wrong(wrong != NULL ? wrong : "pages in a space after all went", 0,
			       counts.mapped);
}
