/*
 * poll.c -- ppoll and pselect6.
 *
 * Both become one list of files with what is wanted of each, which is looked at, waited for, and
 * looked at again (kernel/file/poll.h).  Files are held for as long as the call takes, so a
 * descriptor that another thread closes meanwhile is still heard of.
 *
 * The mask of signals is the caller's until the call is over; when a signal ends it, the old one
 * comes back after the handler has run (signal_mask_end).  The time that is left is written back,
 * as Linux does it.
 *
 * Locks: none here.  Cost: each file is looked at once for each time that something changed; up to
 * HERE files take no memory but the stack.
 */
#include "kernel/syscall/poll.h"

#include "kernel/file/poll.h"
#include "kernel/syscall/file_args.h"
#include "kernel/syscall/time.h"
#include "kernel/task/signal.h"
#include "sched/wait.h"

enum {
	HERE = 8,
	ALWAYS = POLLERR | POLLHUP,
	READY = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM, /* who cannot be waited for */
	SELECT_IN = POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR | POLLNVAL,
	SELECT_OUT = POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR | POLLNVAL,
	SELECT_OTHER = POLLPRI | POLLNVAL,
};

/* One file that is asked. */
struct asked {
	struct file *file; /* held, or NULL: there is none of that descriptor */
	int32_t fd;
	uint32_t wanted, got;
};

struct asking {
	struct task *task;
	struct asked *asked;
	struct poll_link *links;
	uint32_t count;
	bool waits;           /* false: looks once */
	uint64_t deadline_ns; /* of mach_now_ns(); UINT64_MAX: never */
	void *memory;         /* for more than are here, or NULL */
	struct asked asked_here[HERE];
	struct poll_link links_here[HERE];
};

/* Room for `count`; false without memory. */
static bool asking_open(struct asking *a, struct task *t, uint32_t count)
{
	const size_t each = sizeof(struct asked) + sizeof(struct poll_link);

	a->task = t;
	a->count = 0;
	a->memory = NULL;
	a->asked = a->asked_here;
	a->links = a->links_here;
	if (count <= HERE) return true;
	a->memory = kmalloc_alloc(config_of(t)->memory, count * each, 0, SITE_NONE);
	if (a->memory == NULL) return false;
	a->links = a->memory;
	a->asked = (struct asked *)(void *)(a->links + count);
	return true;
}

static void asking_close(struct asking *a)
{
	for (uint32_t i = 0; i < a->count; i++)
		if (a->asked[i].file != NULL) file_drop(a->asked[i].file);
	const enum kmalloc_verdict v = kmalloc_free(config_of(a->task)->memory, a->memory);
	ASSERT(v == KMALLOC_FREED || v == KMALLOC_NOTHING);
}

/* Asks one more; a negative descriptor is asked nothing. */
static struct asked *asking_add(struct asking *a, int32_t fd, uint32_t wanted)
{
	struct asked *one = &a->asked[a->count++];

	*one = (struct asked){ .fd = fd, .wanted = wanted };
	if (fd >= 0) one->file = file_arg_real(a->task, (uint32_t)fd);
	return one;
}

/* --- waiting ---------------------------------------------------------------------------------- */

static uint32_t ask(struct asked *one, struct poller *who)
{
	struct file *f = one->file;

	if (one->fd < 0) return 0;
	if (f == NULL) return POLLNVAL;
	const uint32_t now = f->ops->poll == NULL ? READY : f->ops->poll(f, who);
	return now & (one->wanted | ALWAYS);
}

/* Looks at all; how many have something.  Once one has, nobody needs to be waited for any more. */
static uint32_t ask_all(struct asking *a, struct poller *who)
{
	uint32_t ready = 0;

	for (uint32_t i = 0; i < a->count; i++) {
		a->asked[i].got = ask(&a->asked[i], ready == 0 ? who : NULL);
		ready += a->asked[i].got != 0;
	}
	return ready;
}

/* How many have something; 0: the time is over; RESTART_NOHAND: a signal came. */
static int64_t asking_wait(struct asking *a)
{
	struct sched *s = config_of(a->task)->sched;
	enum wait_result result = WAIT_WOKEN;
	struct poller poller;

	poller_init(&poller, a->links, a->count);
	uint32_t ready = ask_all(a, a->waits ? &poller : NULL);
	while (ready == 0 && a->waits && result == WAIT_WOKEN) {
		result = poller_wait(s, &poller, a->deadline_ns);
		ready = ask_all(a, NULL);
	}
	poller_leave(&poller);
	if (ready != 0 || !a->waits || result == WAIT_TIMEOUT) return ready;
	return RESTART_NOHAND;
}

/* --- times and masks -------------------------------------------------------------------------- */

/* Until when: from a struct timespec of the program's, or 0: for ever. */
static int deadline_arg(struct asking *a, uint64_t at)
{
	struct abi_timespec time;
	uint64_t ns;

	a->waits = true;
	a->deadline_ns = WAIT_FOREVER;
	if (at == 0) return 0;
	if (from_user(a->task, &time, at, sizeof time) != 0) return -ERR_FAULT;
	if (!time_ns_of(&time, &ns)) return -ERR_INVAL;
	a->waits = ns != 0;
	a->deadline_ns = time_after(mach_now_ns(), ns);
	return 0;
}

/* What of the time is left; a program that cannot be told is none the worse. */
static void deadline_back(struct asking *a, uint64_t at)
{
	if (at == 0) return;
	const uint64_t left = a->waits ? sub_or_zero(a->deadline_ns, mach_now_ns()) : 0;
	const struct abi_timespec time = time_of_ns(left);
	(void)to_user(a->task, at, &time, sizeof time);
}

/* Blocks the signals of the mask at `at` for the call, if there is one. */
static int mask_arg(struct task *t, uint64_t at, uint64_t bytes)
{
	sigset mask;

	if (at == 0) return 0;
	if (bytes != sizeof mask) return -ERR_INVAL;
	if (from_user(t, &mask, at, sizeof mask) != 0) return -ERR_FAULT;
	signal_mask_begin(t, mask);
	return 0;
}

static void mask_back(struct task *t, uint64_t at, int64_t answer)
{
	if (at != 0) signal_mask_end(t, answer == RESTART_NOHAND);
}

/* --- ppoll ------------------------------------------------------------------------------------ */

/* All that the program asks for, read and, after waiting, answered, one by one. */
static int64_t poll_all(struct asking *a, uint64_t at, uint32_t count)
{
	struct abi_pollfd one;

	for (uint32_t i = 0; i < count; i++) {
		if (from_user(a->task, &one, at + i * sizeof one, sizeof one) != 0)
			return -ERR_FAULT;
		asking_add(a, one.fd, one.events);
	}
	const int64_t answer = asking_wait(a);
	for (uint32_t i = 0; i < count && answer >= 0; i++) {
		const uint16_t got = (uint16_t)a->asked[i].got;
		const uint64_t to = at + i * sizeof one + offsetof(struct abi_pollfd, revents);
		if (to_user(a->task, to, &got, sizeof got) != 0) return -ERR_FAULT;
	}
	return answer;
}

int64_t sys_ppoll(struct task *t, const uint64_t *arg)
{
	const uint64_t fds = arg[0], time = arg[2], mask = arg[3];
	const uint32_t count = (uint32_t)arg[1];
	struct asking a;

	a.task = t;
	int64_t answer = deadline_arg(&a, time);
	if (answer == 0) answer = mask_arg(t, mask, arg[4]);
	if (answer != 0) return answer;
	if (count > descriptors_most(t)) {
		answer = -ERR_INVAL;
	} else if (!asking_open(&a, t, count)) {
		answer = -ERR_NOMEM;
	} else {
		answer = poll_all(&a, fds, count);
		asking_close(&a);
	}
	mask_back(t, mask, answer);
	deadline_back(&a, time);
	return answer;
}

/* --- pselect6 --------------------------------------------------------------------------------- */

enum { SETS = 3, WORD = 64, WORDS = FD_SET_BITS / WORD };

/* The three sets of a call: those that are asked for, in and out. */
struct sets {
	uint64_t at[SETS];
	uint32_t count; /* descriptors below this one */
	uint64_t bit[SETS][WORDS];
};

static const uint32_t set_events[SETS] = { SELECT_IN, SELECT_OUT, SELECT_OTHER };

static size_t sets_bytes(const struct sets *s)
{
	return align_up(s->count, WORD) / 8;
}

static int sets_read(struct sets *s, struct task *t)
{
	memset(s->bit, 0, sizeof s->bit);
	for (unsigned i = 0; i < SETS; i++) {
		if (s->at[i] == 0) continue;
		if (from_user(t, s->bit[i], s->at[i], sets_bytes(s)) != 0) return -ERR_FAULT;
	}
	return 0;
}

static int sets_write(struct sets *s, struct task *t)
{
	for (unsigned i = 0; i < SETS; i++) {
		if (s->at[i] == 0) continue;
		if (to_user(t, s->at[i], s->bit[i], sets_bytes(s)) != 0) return -ERR_FAULT;
	}
	return 0;
}

/* What is wanted of a descriptor, as poll has it; 0: nothing. */
static uint32_t sets_wanted(const struct sets *s, uint32_t fd)
{
	uint32_t wanted = 0;

	for (unsigned i = 0; i < SETS; i++)
		if ((s->bit[i][fd / WORD] >> fd % WORD & 1) != 0) wanted |= set_events[i];
	return wanted;
}

/* -ERR_BADF: a descriptor in a set is no file's. */
static int select_add(struct asking *a, const struct sets *s)
{
	for (uint32_t fd = 0; fd < s->count; fd++) {
		const uint32_t wanted = sets_wanted(s, fd);
		if (wanted == 0) continue;
		if (asking_add(a, (int32_t)fd, wanted)->file == NULL) return -ERR_BADF;
	}
	return 0;
}

/* The sets become what was found; how many bits that is. */
static int64_t select_found(const struct asking *a, struct sets *s)
{
	struct sets found = { .count = s->count };
	int64_t bits = 0;

	for (uint32_t n = 0; n < a->count; n++) {
		const uint32_t fd = (uint32_t)a->asked[n].fd;
		for (unsigned i = 0; i < SETS; i++) {
			const uint64_t bit = 1ull << fd % WORD;
			if ((s->bit[i][fd / WORD] & bit) == 0) continue;
			if ((a->asked[n].got & set_events[i]) == 0) continue;
			found.bit[i][fd / WORD] |= bit;
			bits++;
		}
	}
	memcpy(s->bit, found.bit, sizeof s->bit);
	return bits;
}

static int64_t select_all(struct asking *a, struct sets *s)
{
	int64_t answer = select_add(a, s);

	if (answer == 0) answer = asking_wait(a);
	if (answer < 0) return answer;
	answer = select_found(a, s);
	return sets_write(s, a->task) != 0 ? -ERR_FAULT : answer;
}

static uint32_t sets_count(const struct sets *s)
{
	uint32_t count = 0;

	for (uint32_t fd = 0; fd < s->count; fd++) count += sets_wanted(s, fd) != 0;
	return count;
}

int64_t sys_pselect6(struct task *t, const uint64_t *arg)
{
	struct sets s = { .at = { arg[1], arg[2], arg[3] } };
	const uint64_t time = arg[4];
	struct {
		uint64_t at, bytes;
	} mask = { 0, 0 };
	struct asking a;

	a.task = t;
	if (arg[5] != 0 && from_user(t, &mask, arg[5], sizeof mask) != 0) return -ERR_FAULT;
	int64_t answer = deadline_arg(&a, time);
	if (answer == 0) answer = mask_arg(t, mask.at, mask.bytes);
	if (answer != 0) return answer;
	s.count = (uint32_t)min_u64((uint32_t)arg[0], FD_SET_BITS);
	answer = (int32_t)arg[0] < 0 ? -ERR_INVAL : sets_read(&s, t);
	if (answer == 0 && !asking_open(&a, t, sets_count(&s))) answer = -ERR_NOMEM;
	if (answer == 0) {
		answer = select_all(&a, &s);
		asking_close(&a);
	}
	mask_back(t, mask.at, answer);
	deadline_back(&a, time);
	return answer;
}
