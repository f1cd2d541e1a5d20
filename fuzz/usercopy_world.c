/*
 * usercopy_world.c -- the world under subject usercopy: a pool, kmalloc and a vm over it, one file,
 * one shared mapping of zeroes, the first space; and how memory is made scarce.
 *
 * `squeeze` takes all pages but a few and chains them through their first words, so whoever
 * allocates next is refused at whichever allocation comes first, and by the number left each is
 * reached.
 */
#include "fuzz/usercopy_subject.h"
#include "machine/machine.h"

static bool fill_page(void *context, uint64_t index, void *page)
{
	(void)context;
	for (uint32_t i = 0; i < PAGE_SIZE; i++)
		((uint8_t *)page)[i] = user_model_file_byte((uint32_t)index, i);
	return true;
}

static bool open_vm(struct run *run)
{
	struct usercopy_state *s = state_of(run);
	const struct backing_source source = { .fill = fill_page };
	const struct vm_config config = {
		.pages = &s->world.pool,
		.kmalloc = &s->km,
		.asid_bits = ASID_BITS_MIN + run->script->world.tag % 3,
		.bottom = user_model_address(0),
		.top = USER_END,
		.lowest = user_model_address(0),
		.regions_max = SPACE_REGIONS_MAX,
	};

	if (!vm_init(&s->vm, &config)) return false;
	s->file = backing_create(s->vm.backings, &source, FILE_PAGES, SITE_NONE);
	s->shared = backing_create(s->vm.backings, NULL, PLACES, SITE_NONE);
	s->space[0] = space_create(&s->vm, SITE_NONE);
	return true;
}

void usercopy_open(struct run *run)
{
	struct usercopy_state *s = state_of(run);
	const struct kmalloc_config config = kmalloc_world_config(run, &s->world, s->cpus);

	pool_world_open(&s->world, run);
	kmalloc_init(&s->km, &config);
	user_model_init(&s->model);
	memset(s->space, 0, sizeof s->space);
	s->file = s->shared = NULL;
	s->squeezed = PADDR_NONE;
	s->open = open_vm(run);
	if (s->file == NULL || s->shared == NULL) run_sometimes(run, SAW_EXHAUSTION);
}

void usercopy_leave(struct run *run)
{
	struct usercopy_state *s = state_of(run);

	if (s->open) space_switch(&s->vm, NULL);
}

void usercopy_close(struct run *run)
{
	struct usercopy_state *s = state_of(run);

	usercopy_step_relax(run, NULL);
	for (uint32_t n = 0; n < SPACES; n++)
		if (s->space[n] != NULL) space_retire(s->space[n]);
	if (s->file != NULL) backing_drop(s->file);
	if (s->shared != NULL) backing_drop(s->shared);
	if (s->open) vm_close(&s->vm);
	kmalloc_drain(&s->km);
	const char *why = kmalloc_check(&s->km);
	if (why != NULL) kpanic(ORACLE_WALK, "%s", why);
	pool_world_close(&s->world);
}

/* --- memory ----------------------------------------------------------------------------------- */

/* Whether a space waits to be taken apart that could be: one that no other CPU has. */
static bool is_parked(const struct usercopy_state *s)
{
	const struct space *r = s->vm.retired;

	while (r != NULL && (r->cpus & ~(1u << mach_cpu())) != 0) r = r->next;
	return r != NULL;
}

void usercopy_judge_refusal(struct run *run, uint32_t enough)
{
	struct usercopy_state *s = state_of(run);
	const uint32_t pages = pool_world_available(&s->world);

	if (pages > enough + run->script->world.reserve)
		kpanic(ORACLE_MUST_SUCCEED, "refused for want of memory with %u pages free", pages);
	if (is_parked(s))
		kpanic(ORACLE_MUST_SUCCEED, "refused for want of memory while a space is parked");
	run_sometimes(run, SAW_EXHAUSTION);
}

void usercopy_step_squeeze(struct run *run, const struct script_op *op)
{
	struct usercopy_state *s = state_of(run);

	if (!s->open) return;
	vm_reclaim(&s->vm, SIZE_MAX);
	kmalloc_drain(&s->km);
	pool_world_squeeze(&s->world, &s->squeezed, op->arg);
}

void usercopy_step_relax(struct run *run, const struct script_op *op)
{
	struct usercopy_state *s = state_of(run);

	(void)op;
	pool_world_relax(&s->world, &s->squeezed);
}

void usercopy_step_reclaim(struct run *run, const struct script_op *op)
{
	struct usercopy_state *s = state_of(run);

	if (s->open) run_result(run, vm_reclaim(&s->vm, op->arg));
}
