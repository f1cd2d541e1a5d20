/*
 * futex.c -- the calls about futexes.
 *
 * Arguments as Linux looks at them: the timeout first, then the command.  Those with priority
 * inheritance are not there, as on a Linux without CONFIG_FUTEX_PI: ENOSYS.
 *
 * A wait with a deadline that a signal ends goes on, when there is no handler, until the deadline
 * it had (restart_syscall); one without begins anew.
 *
 * Locks: none here.
 */
#include "kernel/syscall/futex.h"

#include "kernel/syscall/time.h"
#include "kernel/syscall/user.h"
#include "kernel/task/futex.h"

static struct futex_at at_of(struct task *t, uint64_t va, uint32_t op)
{
	return (struct futex_at){ space_of(t), va, (op & FUTEX_PRIVATE_FLAG) == 0 };
}

/* --- waiting ---------------------------------------------------------------------------------- */

struct wait {
	uint64_t va;
	uint32_t op, value, bits;
	uint64_t deadline_ns;
};

static int64_t futex_waits(struct task *t, const struct wait *w);

static int64_t futex_goes_on(struct task *t, struct task_restart *r)
{
	const struct wait w = {
		.va = r->arg[0],
		.op = (uint32_t)r->arg[1],
		.value = (uint32_t)r->arg[2],
		.bits = (uint32_t)r->arg[3],
		.deadline_ns = r->arg[4],
	};
	return futex_waits(t, &w);
}

static int64_t futex_waits(struct task *t, const struct wait *w)
{
	const struct futex_at at = at_of(t, w->va, w->op);
	const int64_t answer =
		futex_wait(t->group->world->futexes, &at, w->value, w->bits, w->deadline_ns);

	if (answer != -ERR_INTR) return answer;
	if (w->deadline_ns == WAIT_FOREVER) return RESTART_SYS;
	t->restart = (struct task_restart){
		.call = futex_goes_on,
		.arg = { w->va, w->op, w->value, w->bits, w->deadline_ns },
	};
	return RESTART_CALL;
}

/* Until when: 0, or an error. */
static int wait_deadline(struct task *t, uint64_t timeout, uint32_t op, uint64_t *deadline_ns)
{
	struct abi_timespec time;
	uint64_t ns;

	*deadline_ns = WAIT_FOREVER;
	if (timeout == 0) return 0;
	if (from_user(t, &time, timeout, sizeof time) != 0) return -ERR_FAULT;
	if (!time_ns_of(&time, &ns)) return -ERR_INVAL;
	if ((op & FUTEX_COMMANDS) == FUTEX_WAIT)
		*deadline_ns = time_after(mach_now_ns(), ns);
	else if ((op & FUTEX_CLOCK_REALTIME) != 0)
		*deadline_ns = time_of_wall(t, ns);
	else
		*deadline_ns = ns;
	return 0;
}

static int64_t call_wait(struct task *t, const uint64_t *arg, uint32_t bits)
{
	struct wait w = { arg[0], (uint32_t)arg[1], (uint32_t)arg[2], bits, 0 };
	const int wrong = wait_deadline(t, arg[3], w.op, &w.deadline_ns);

	return wrong != 0 ? wrong : futex_waits(t, &w);
}

/* --- all commands ----------------------------------------------------------------------------- */

static int64_t call_requeue(struct task *t, const uint64_t *arg, const uint32_t *value)
{
	const uint32_t op = (uint32_t)arg[1];
	const struct futex_at from = at_of(t, arg[0], op), to = at_of(t, arg[4], op);

	return futex_requeue(t->group->world->futexes, &from, &to, (int32_t)arg[2], (int32_t)arg[3],
			     value);
}

static int64_t call_wake_op(struct task *t, const uint64_t *arg)
{
	const uint32_t op = (uint32_t)arg[1];
	const struct futex_at from = at_of(t, arg[0], op), to = at_of(t, arg[4], op);

	return futex_wake_op(t->group->world->futexes, &from, &to, (int32_t)arg[2], (int32_t)arg[3],
			     (uint32_t)arg[5]);
}

static int64_t call_wake(struct task *t, const uint64_t *arg, uint32_t bits)
{
	const struct futex_at at = at_of(t, arg[0], (uint32_t)arg[1]);

	return futex_wake(t->group->world->futexes, &at, (int32_t)arg[2], bits);
}

/* Linux has a look at the timeout of a wait before it looks at the command's flags. */
static int64_t clock_refused(struct task *t, const uint64_t *arg)
{
	uint64_t deadline_ns;

	if ((arg[1] & FUTEX_COMMANDS) != FUTEX_WAIT) return -ERR_NOSYS;
	const int wrong = wait_deadline(t, arg[3], (uint32_t)arg[1], &deadline_ns);
	return wrong != 0 ? wrong : -ERR_NOSYS;
}

int64_t sys_futex(struct task *t, const uint64_t *arg)
{
	const uint32_t op = (uint32_t)arg[1], last = (uint32_t)arg[5];
	const uint32_t command = op & ~(uint32_t)(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);

	if ((op & FUTEX_CLOCK_REALTIME) != 0 && command != FUTEX_WAIT_BITSET)
		return clock_refused(t, arg);
	switch (command) {
	case FUTEX_WAIT: return call_wait(t, arg, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAIT_BITSET: return call_wait(t, arg, last);
	case FUTEX_WAKE: return call_wake(t, arg, FUTEX_BITSET_MATCH_ANY);
	case FUTEX_WAKE_BITSET: return call_wake(t, arg, last);
	case FUTEX_REQUEUE: return call_requeue(t, arg, NULL);
	case FUTEX_CMP_REQUEUE: return call_requeue(t, arg, &last);
	case FUTEX_WAKE_OP: return call_wake_op(t, arg);
	default: return -ERR_NOSYS;
	}
}

/* --- robust lists ----------------------------------------------------------------------------- */

int64_t sys_set_robust_list(struct task *t, const uint64_t *arg)
{
	if (arg[1] != sizeof(struct abi_robust_list_head)) return -ERR_INVAL;
	atomic_store_u64(&t->robust, arg[0]);
	t->robust_bytes = arg[1];
	return 0;
}

/* Another's list is its own: what is found is what it had a moment ago. */
int64_t sys_get_robust_list(struct task *t, const uint64_t *arg)
{
	struct task_world *w = t->group->world;
	const int32_t tid = (int32_t)arg[0];
	const uint64_t bytes = sizeof(struct abi_robust_list_head);
	uint64_t head = t->robust;

	if (tid != 0 && tid != t->tid) {
		const mach_irq_t was = lock_take(&w->lock);
		const struct task *other = task_find_locked(w, tid);
		if (other != NULL) head = atomic_load_u64(&other->robust);
		lock_drop(&w->lock, was);
		if (other == NULL) return -ERR_SRCH;
	}
	if (to_user(t, arg[2], &bytes, sizeof bytes) != 0) return -ERR_FAULT;
	return to_user(t, arg[1], &head, sizeof head);
}
