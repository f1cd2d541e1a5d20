/*
 * process_drain_test.c -- what is kept for the next who asks is given back, all of it, and an
 * answer comes also where others go on keeping something.
 */
#include "kernel/test_process.h"

enum { OBJECTS = 40, OBJECT_BYTES = 200, CHILDREN = 3, HALF_A_PAUSE_NS = 500000 };

static struct page_counts pages_now(void)
{
	struct page_counts now;

	page_count(&tw->pages, &now);
	return now;
}

/* A program with pages of its own. */
static void touches(void *arg)
{
	const int64_t at =
		space_mmap(process_space(W), 0x100000, 8 * PAGE_SIZE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, NULL, 0, TEST_SITE);

	(void)arg;
	EXPECT(at == 0x100000);
}

static void objects(void)
{
	void *object[OBJECTS];

	for (unsigned i = 0; i < OBJECTS; i++) {
		object[i] = kmalloc_alloc(&tw->memory, OBJECT_BYTES, 0, TEST_SITE);
		EXPECT(object[i] != NULL);
	}
	for (unsigned i = 0; i < OBJECTS; i++)
		EXPECT(kmalloc_free(&tw->memory, object[i]) == KMALLOC_FREED);
}

/* Children end, and spaces of theirs, stacks, slabs and pages are left behind. */
static void all_comes_back(void *arg)
{
	struct vm_counts vm;

	(void)arg;
	EXPECT(process_world_drain(W));
	const uint32_t before = pages_now().used;
	for (unsigned i = 0; i < CHILDREN; i++) wait_for(child(touches, NULL), PROCESS_EXITED, 0);
	objects();
	vm_count(&tw->vm, &vm);
	EXPECT(tw->stacks.kept > 0 && pages_now().used > before);
	EXPECT(tw->sched.config.reap == REAP_IN_IDLE ||
	       vm.retired > 0); /* who idles does that too */
	EXPECT(process_world_drain(W));
	vm_count(&tw->vm, &vm);
	EXPECT(vm.retired == 0 && tw->stacks.kept == 0);
	EXPECT(pages_now().used == before && pages_now().cached == 0);
}

static bool over;

static void keeps_using(void *arg)
{
	(void)arg;
	while (!over) {
		objects();
		sched_sleep_until(&tw->sched, mach_now_ns() + HALF_A_PAUSE_NS);
	}
}

/* Whoever waits for a moment in which nothing is kept would wait for ever. */
static void others_go_on(void *arg)
{
	(void)arg;
	over = false;
	const process_id other = child(keeps_using, NULL);
	sched_yield_cpu(&tw->sched);
	EXPECT(!process_world_drain(W));
	over = true;
	wait_for(other, PROCESS_EXITED, 0);
	EXPECT(process_world_drain(W));
}

int main(void)
{
	static void (*const tests[])(void *) = { all_comes_back, others_go_on };
	static const enum reap_form forms[] = { REAP_AFTER_SWITCH, REAP_IN_IDLE, REAP_BEFORE_NEXT };

	host_cpus_open(1);
	for (unsigned f = 0; f < COUNT_OF(forms); f++)
		for (unsigned i = 0; i < COUNT_OF(tests); i++) {
			const struct test_choice choice = { .reap = forms[f] };
			test_open(&choice);
			nobodys(tests[i], NULL);
			test_run();
			test_shut();
		}
	host_cpus_close();
	return 0;
}
