/*
 * users.c -- what a user's thread has on the host: registers that nobody executes with.
 *
 * Kernel stacks are names here, so a user's registers cannot lie on them.  Each page of addresses
 * has a place for one set of them, in a table by page; a window of stacks has fewer pages than the
 * table, so no two stacks of one world meet in a place.
 *
 * Floating-point registers are the struct that the context was given, all the time, and the thread
 * register is a word of the context.
 *
 * Locks: none; one thread.
 */
#include <sys/mman.h>

#include "machine/host/console.h"
#include "machine/host/strand.h"

enum { PLACES = 1 << 17 };

static struct user_regs *places; /* mapped when the first is needed */

void users_reset(void)
{
	if (places != NULL) madvise(places, PLACES * sizeof(*places), MADV_DONTNEED);
}

struct user_regs *mach_user_regs(uint64_t stack, size_t bytes)
{
	ASSERT(bytes >= sizeof(struct user_regs));
	if (places == NULL) {
		places = mmap(NULL, PLACES * sizeof(*places), PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (places == MAP_FAILED) host_die("host: no memory for users' registers");
	}
	return &places[(stack >> PAGE_SHIFT) % PLACES];
}

uint64_t mach_tls(void)
{
	return cpu_strand()->tls;
}

void mach_tls_set(uint64_t value)
{
	cpu_strand()->tls = value;
}

void mach_fp_store(struct mach_fp *to)
{
	const struct mach_fp *fp = cpu_strand()->fp;
	ASSERT(fp != NULL && fp != to);
	*to = *fp;
}

void mach_fp_load(const struct mach_fp *from)
{
	struct mach_fp *fp = cpu_strand()->fp;
	ASSERT(fp != NULL && fp != from);
	*fp = *from;
}
