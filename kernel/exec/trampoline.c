/*
 * trampoline.c -- the page that every program has where its signals' handlers return to.
 *
 * One page for all of them, which nobody can write to.
 *
 * Locks: none.
 */
#include "kernel/exec/exec.h"

#include "machine/machine.h"

static bool fill_trampoline(void *context, uint64_t index, void *page)
{
	static const uint32_t code[] = {
		0xd2801168, /* mov x8, #139: rt_sigreturn */
		0xd4000001, /* svc #0 */
	};

	(void)context, (void)index;
	memset(page, 0, PAGE_SIZE);
	memcpy(page, code, sizeof(code));
	return true;
}

struct backing *exec_trampoline(struct vm *vm, site_t site)
{
	const struct backing_source source = { .fill = fill_trampoline };

	return backing_create(vm->backings, &source, 1, site);
}
