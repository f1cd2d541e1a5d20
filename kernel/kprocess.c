/*
 * kprocess.c -- short names for processes of the kernel's world.
 *
 * Locks: none here.
 */
#include "kernel/kprocess.h"

#include "kernel/ksched.h"
#include "kernel/symbols.h"

#define CALLER (CALL_SITES ? symbol_site(__builtin_return_address(0)) : SITE_NONE)

static struct process_how how_of(void (*entry)(void *arg), void *arg, site_t site)
{
	return (struct process_how){
		.entry = entry,
		.arg = arg,
		.class = SLOT_USER,
		.priority = PRIORITY_NORMAL,
		.site = site,
	};
}

int kprocess_spawn(void (*entry)(void *arg), void *arg, process_id *id)
{
	const struct process_how how = how_of(entry, arg, CALLER);
	return process_spawn(&kernel_processes, process_self(&kernel_processes), &how, id);
}

int kprocess_fork(void (*entry)(void *arg), void *arg, process_id *id)
{
	const struct process_how how = how_of(entry, arg, CALLER);
	return process_fork(&kernel_processes, &how, id);
}

int kprocess_thread(void (*entry)(void *arg), void *arg, thread_id *thread)
{
	const struct process_how how = how_of(entry, arg, CALLER);
	return process_thread_spawn(&kernel_processes, process_self(&kernel_processes), &how,
				    thread);
}
