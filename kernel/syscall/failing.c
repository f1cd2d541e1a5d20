/*
 * failing.c -- what stands between whoever asks for memory and the allocators, in one test.
 *
 * An object of kmalloc's and the page that it may need for it are two allocations, so both "there
 * is no object" and "there is no page, but another class has an object" come about.
 *
 * Cost: a comparison for each allocation.  Locks: none; one CPU.
 */
#include "kernel/syscall/failing.h"

#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mm/kmalloc.h"

static struct {
	bool on, from_there;
	uint32_t nth, asked;
} failing;

void failing_start(uint32_t nth, bool from_there)
{
	failing.on = true;
	failing.from_there = from_there;
	failing.nth = nth;
	failing.asked = 0;
}

uint32_t failing_stop(void)
{
	failing.on = false;
	return failing.asked;
}

int failing_apart(void (*fn)(void))
{
	int status = 0;
	const pid_t pid = fork();

	if (pid == 0) {
		fclose(stderr);
		fn();
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
	return WEXITSTATUS(status);
}

static bool fails(void)
{
	if (!failing.on) return false;
	failing.asked++;
	return failing.asked == failing.nth ||
	       (failing.from_there && failing.nth != 0 && failing.asked > failing.nth);
}

/* The linker's names, which C keeps for such things. */
#pragma clang diagnostic ignored "-Wreserved-identifier"
#define INSTEAD(type, name, ...)         \
	type __real_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__); \
	type __wrap_##name(__VA_ARGS__)

INSTEAD(void *, kmalloc_alloc, struct kmalloc *km, size_t bytes, uint32_t how, site_t site)
{
	return fails() ? NULL : __real_kmalloc_alloc(km, bytes, how, site);
}

INSTEAD(void *, kmalloc_alloc_aligned, struct kmalloc *km, size_t bytes, size_t align, uint32_t how,
	site_t site)
{
	return fails() ? NULL : __real_kmalloc_alloc_aligned(km, bytes, align, how, site);
}

INSTEAD(void *, kmalloc_realloc, struct kmalloc *km, void *p, size_t bytes, uint32_t how,
	site_t site, enum kmalloc_verdict *verdict)
{
	if (bytes != 0 && fails()) {
		if (verdict != NULL) *verdict = KMALLOC_FREED;
		return NULL;
	}
	return __real_kmalloc_realloc(km, p, bytes, how, site, verdict);
}

INSTEAD(paddr_t, page_alloc_called, struct page_pool *pool, unsigned order, uint32_t how,
	site_t site)
{
	return fails() ? PADDR_NONE : __real_page_alloc_called(pool, order, how, site);
}

INSTEAD(paddr_t, page_run_alloc, struct page_pool *pool, uint32_t pages, uint32_t how, site_t site)
{
	return fails() ? PADDR_NONE : __real_page_run_alloc(pool, pages, how, site);
}
