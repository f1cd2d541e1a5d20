/*
 * memory.c -- the calls about a program's memory.
 *
 * What they mean, and in which order they refuse, is mm/space.h's; here are descriptors, and bytes
 * that go to the program.  A page is never taken away from a program but by itself, so locking one
 * is bringing it in; limits on that are not root's.
 *
 * Locks: none here.
 */
#include "kernel/syscall/memory.h"

#include "kernel/syscall/user.h"
#include "kernel/task/files.h"
#include "mm/space_inside.h"

/* --- mmap ------------------------------------------------------------------------------------- */

/* What a file says to being mapped so: as Linux's do_mmap has it. */
static struct space_file mmap_file(struct file *f, uint32_t prot, uint32_t flags)
{
	const bool shared = (flags & MAP_TYPE) != MAP_PRIVATE;
	struct space_file how = { .rights_max = PROT_ALL };

	if (shared && !file_may_write(f)) how.rights_max = PROT_READ | PROT_EXEC;
	if (!file_may_read(f) || (prot & PROT_ALL & ~how.rights_max) != 0)
		how.error = -ERR_ACCES;
	else if (f->ops->map == NULL)
		how.error = -ERR_NODEV;
	else
		how.backing = f->ops->map(f, shared, &how.error);
	ASSERT((how.backing != NULL) == (how.error == 0));
	return how;
}

int64_t sys_mmap(struct task *t, const uint64_t *arg)
{
	const uint32_t prot = (uint32_t)arg[2], flags = (uint32_t)arg[3];

	if (!is_aligned(arg[5], PAGE_SIZE)) return -ERR_INVAL;
	if ((flags & MAP_ANONYMOUS) != 0)
		return space_mmap(space_of(t), arg[0], arg[1], prot, flags, NULL, arg[5],
				  SITE_NONE);
	struct file *f = file_table_get(task_files(t), (int32_t)arg[4]);
	if (f == NULL) return -ERR_BADF;
	const struct space_file how = mmap_file(f, prot, flags);
	const int64_t answer =
		space_mmap_file(space_of(t), arg[0], arg[1], prot, flags, &how, arg[5], SITE_NONE);
	if (how.backing != NULL) backing_drop(how.backing);
	file_drop(f);
	return answer;
}

/* --- what mm/ does ---------------------------------------------------------------------------- */

int64_t sys_munmap(struct task *t, const uint64_t *arg)
{
	return space_munmap(space_of(t), arg[0], arg[1]);
}

int64_t sys_mprotect(struct task *t, const uint64_t *arg)
{
	if (arg[2] >> 32 != 0) return -ERR_INVAL; /* bits that no right has */
	return space_mprotect(space_of(t), arg[0], arg[1], (uint32_t)arg[2]);
}

int64_t sys_mremap(struct task *t, const uint64_t *arg)
{
	if (arg[3] >> 32 != 0) return -ERR_INVAL;
	return space_mremap(space_of(t), arg[0], arg[1], arg[2], (uint32_t)arg[3], arg[4]);
}

int64_t sys_madvise(struct task *t, const uint64_t *arg)
{
	return space_madvise(space_of(t), arg[0], arg[1], (int32_t)arg[2]);
}

int64_t sys_brk(struct task *t, const uint64_t *arg)
{
	return space_brk(space_of(t), arg[0]);
}

/* --- mincore ---------------------------------------------------------------------------------- */

enum { MINCORE_ASK = 256, MINCORE_UNSAID = 0xff };

/* Asks for some pages and hands on what was said of them. */
static int64_t mincore_some(struct task *t, uint64_t addr, uint64_t pages, uint64_t to)
{
	uint8_t vec[MINCORE_ASK];
	uint64_t said = 0;

	memset(vec, MINCORE_UNSAID, pages);
	const int64_t answer = space_mincore(space_of(t), addr, pages << PAGE_SHIFT, vec);
	while (said < pages && vec[said] != MINCORE_UNSAID) said++;
	if (said != 0 && to_user(t, to, vec, said) != 0) return -ERR_FAULT;
	return answer;
}

int64_t sys_mincore(struct task *t, const uint64_t *arg)
{
	const uint64_t from = space_untag(arg[0]), vec = arg[2];
	const uint64_t pages = (arg[1] >> PAGE_SHIFT) + !is_aligned(arg[1], PAGE_SIZE);

	if (!is_aligned(from, PAGE_SIZE)) return -ERR_INVAL;
	if (from > USER_END || arg[1] > USER_END - from) return -ERR_NOMEM;
	if (vec > USER_END || pages > USER_END - vec) return -ERR_FAULT;
	for (uint64_t done = 0; done < pages; done += MINCORE_ASK) {
		const int64_t answer = mincore_some(t, from + (done << PAGE_SHIFT),
						    min_u64(pages - done, MINCORE_ASK), vec + done);
		if (answer != 0) return answer;
	}
	return 0;
}

/* --- msync and mlock -------------------------------------------------------------------------- */

/* What changed in shared memory is where everybody sees it already. */
int64_t sys_msync(struct task *t, const uint64_t *arg)
{
	const uint64_t from = space_untag(arg[0]), bytes = align_up(arg[1], PAGE_SIZE);
	const uint32_t flags = (uint32_t)arg[2], both = MS_ASYNC | MS_SYNC;

	if ((flags & ~(uint32_t)(both | MS_INVALIDATE)) != 0) return -ERR_INVAL;
	if (!is_aligned(from, PAGE_SIZE) || (flags & both) == both) return -ERR_INVAL;
	if (from + bytes < from || (bytes == 0 && arg[1] != 0)) return -ERR_NOMEM;
	return space_covered(space_of(t), from, from + bytes) ? 0 : -ERR_NOMEM;
}

/* The pages that a range touches: 0, or an error. */
static int64_t lock_range(const uint64_t *arg, uint64_t *from, uint64_t *end)
{
	const uint64_t addr = space_untag(arg[0]);
	const uint64_t bytes = align_up(arg[1] + (addr & (PAGE_SIZE - 1)), PAGE_SIZE);

	*from = align_down(addr, PAGE_SIZE);
	*end = *from + bytes;
	return *end < *from ? -ERR_INVAL : 0;
}

int64_t sys_mlock(struct task *t, const uint64_t *arg)
{
	uint64_t from, end;
	const int64_t wrong = lock_range(arg, &from, &end);

	if (wrong != 0) return wrong;
	if (!space_covered(space_of(t), from, end)) return -ERR_NOMEM;
	space_populate(space_of(t), from, end);
	return 0;
}

int64_t sys_mlock2(struct task *t, const uint64_t *arg)
{
	uint64_t from, end;

	if ((arg[2] & ~(uint64_t)MLOCK_ONFAULT) != 0) return -ERR_INVAL;
	if (arg[2] == 0) return sys_mlock(t, arg);
	const int64_t wrong = lock_range(arg, &from, &end);
	if (wrong != 0) return wrong;
	return space_covered(space_of(t), from, end) ? 0 : -ERR_NOMEM;
}

int64_t sys_munlock(struct task *t, const uint64_t *arg)
{
	uint64_t from, end;
	const int64_t wrong = lock_range(arg, &from, &end);

	if (wrong != 0) return wrong;
	return space_covered(space_of(t), from, end) ? 0 : -ERR_NOMEM;
}

int64_t sys_mlockall(struct task *t, const uint64_t *arg)
{
	const uint32_t flags = (uint32_t)arg[0];

	(void)t;
	if (flags == 0 || (flags & ~(uint32_t)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) != 0)
		return -ERR_INVAL;
	return flags == MCL_ONFAULT ? -ERR_INVAL : 0;
}

int64_t sys_munlockall(struct task *t, const uint64_t *arg)
{
	(void)t, (void)arg;
	return 0;
}

/* --- getrandom -------------------------------------------------------------------------------- */

int64_t sys_getrandom(struct task *t, const uint64_t *arg)
{
	const struct task_machine *m = &config_of(t)->machine;
	const uint32_t flags = (uint32_t)arg[2];
	const uint64_t bytes = min_u64(arg[1], INT32_MAX);
	uint8_t some[256];
	uint64_t done = 0;

	if ((flags & ~(uint32_t)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) != 0)
		return -ERR_INVAL;
	if ((flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -ERR_INVAL;
	while (done < bytes && !sched_killed(config_of(t)->sched)) {
		const size_t now = min_u64(bytes - done, sizeof some);
		m->random(m->arg, some, now);
		const size_t missed = user_copy_out(space_of(t), arg[0] + done, some, now);
		done += now - missed;
		if (missed != 0) return done != 0 ? (int64_t)done : -ERR_FAULT;
	}
	return (int64_t)done;
}
