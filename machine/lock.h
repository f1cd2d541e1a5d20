/*
 * lock.h -- spinning locks, in two kinds, held with interrupts masked (latch_try excepted).
 *
 * struct lock is a ticket lock: first come, first served (Mellor-Crummey and Scott, "Algorithms
 * for Scalable Synchronization", 1991, section 2.2).  For state that all CPUs share.
 *
 * struct latch is one word, taken by compare-and-swap: cheap, not fair.  For state that belongs
 * to one CPU and that others visit rarely (a per-CPU cache being drained).  latch_try() never
 * waits, so it may be used with interrupts on: who finds the latch taken, by another CPU or by what
 * it interrupted itself, goes another way.
 *
 * Every lock has a rank, and a CPU takes locks only in rising rank: an outer lock has the lower
 * number.  Two of equal rank are never held at once.  Owner and rank are checked by the machine
 * (machine.h, mach_lock_*).  Always true: a lock is dropped by the CPU that took it.
 */
#ifndef MACHINE_LOCK_H
#define MACHINE_LOCK_H

#include "machine/atomic.h"
#include "machine/machine.h"

enum lock_rank {
	RANK_NONE = 0,
	RANK_PROCESS = 1,     /* processes: the table, parents and children */
	RANK_FUTEX = 2,       /* futexes: who waits at those of one address space */
	RANK_TASKS = 3,       /* tasks: numbers, groups, sessions, signals */
	RANK_MUTEX = 4,       /* mutex: owner and waiters; other wait queues' callers */
	RANK_WAIT = 5,        /* wait queue: waiters, and the condition they wait for */
	RANK_THREADS = 6,     /* thread slots: which are free */
	RANK_TIMERS = 7,      /* one CPU's timer queue */
	RANK_RUNQ = 8,        /* one CPU's run queue */
	RANK_CALL = 9,        /* one CPU's calls from others */
	RANK_FILES = 10,      /* a table of descriptors */
	RANK_OUTER = 11,      /* other callers of mm: tests */
	RANK_TREE = 12,       /* the tree of files: names, folders, links */
	RANK_SPACE = 13,      /* space: regions and tables of one */
	RANK_RETIRED = 14,    /* vm: retired spaces, also while one is taken apart */
	RANK_BACKING = 15,    /* backing: its pages */
	RANK_BACKINGS = 16,   /* vm: the list of all backings */
	RANK_KSTACK = 17,     /* kernel stacks: the window and its tables */
	RANK_ASID = 18,       /* ASIDs */
	RANK_QUARANTINE = 20, /* kmalloc: freed objects kept aside */
	RANK_HEAP = 30,       /* heap: free blocks and spans */
	RANK_MAGAZINE = 40,   /* slab: the slab one CPU allocates from (latch) */
	RANK_SLAB = 50,       /* slab: a cache's slabs */
	RANK_PAGE_CPU = 60,   /* page: one CPU's cache of pages (latch) */
	RANK_PAGE = 70,       /* page: free lists, counters */
	RANK_CHANCE = 80,     /* random bytes: the generator's key */
	RANK_CONSOLE = 90,    /* innermost: a line of output */
};

struct lock {
	uint32_t next;    /* ticket that the next to come draws */
	uint32_t serving; /* ticket that holds the lock */
	uint32_t rank;
	uint32_t
		holder; /* atomic: the CPU that got it last, and has it while next is not serving */
};

struct latch {
	uint32_t holder; /* CPU + 1, or 0 */
	uint32_t rank;
};

/*
 * A number that is its own latch, for a count that guards the array beside it: taking it yields the
 * number, dropping it writes the next one, so a fast path touches one word, once each way.  As a
 * latch it is not fair, and is held with interrupts masked.
 */
struct meter {
	uint32_t word; /* the number, below METER_TAKEN, or METER_TAKEN */
};

#define METER_TAKEN UINT32_MAX

_Static_assert(sizeof(struct lock) == 16 && sizeof(struct latch) == 8,
	       "one size on every machine: the layout of a world depends on it");

/*
 * What a CPU waits for, in lock_wait() or latch_wait(): its own notes, for who looks from outside
 * (mach_lock_waiting).  Read the rank before and after the rest: the two agree when it is true.
 */
struct lock_waiting {
	uint64_t since_ns; /* atomic */
	uint32_t rank;     /* atomic: the lock's; RANK_NONE: this CPU waits for none */
	uint32_t holder;   /* atomic: the CPU that had the lock when last it looked */
};

static inline void lock_init(struct lock *l, enum lock_rank rank)
{
	*l = (struct lock){ .rank = rank };
}

static inline void latch_init(struct latch *l, enum lock_rank rank)
{
	*l = (struct latch){ .rank = rank };
}

/* Somebody else is served: waits until `mine` is the ticket that is.  [yield] */
RARE_CALL void lock_wait(struct lock *l, uint32_t mine);

/* For who has masked interrupts already, and may give the lock back in another context, which the
 * CPU has switched to meanwhile.  [yield] */
static inline void lock_take_masked(struct lock *l)
{
	ASSERT_SLOW(mach_irq_masked());
	mach_lock_wait(l, l->rank);
	const uint32_t mine = atomic_fetch_add_u32(&l->next, 1);
	if (UNLIKELY(atomic_load_u32(&l->serving) != mine)) lock_wait(l, mine);
	atomic_store_u32(&l->holder, mach_cpu());
	mach_lock_got(l, l->rank);
}

static inline void lock_drop_masked(struct lock *l)
{
	mach_lock_drop(l, l->rank);
	atomic_store_u32(&l->serving, l->serving + 1);
}

/* Masks interrupts and waits for the lock; what it returns goes to lock_drop. [yield] */
static inline mach_irq_t lock_take(struct lock *l)
{
	const mach_irq_t was = mach_irq_save();
	lock_take_masked(l);
	return was;
}

/* The same where it need not wait: false, with nothing changed, when somebody has the lock.  The
 * rules about ranks hold all the same. [yield] */
static inline bool lock_try(struct lock *l, mach_irq_t *was)
{
	*was = mach_irq_save();
	mach_lock_wait(l, l->rank);
	const uint32_t mine = atomic_load_u32(&l->serving);
	if (!atomic_change_u32(&l->next, mine, mine + 1)) {
		mach_irq_restore(*was);
		return false;
	}
	atomic_store_u32(&l->holder, mach_cpu());
	mach_lock_got(l, l->rank);
	return true;
}

static inline void lock_drop(struct lock *l, mach_irq_t was)
{
	lock_drop_masked(l);
	mach_irq_restore(was);
}

/* Somebody else has the latch: waits until it is ours.  [yield] */
RARE_CALL void latch_wait(struct latch *l, unsigned cpu);

/* For a latch the caller has masked interrupts already: it has just asked which CPU it is on. */
static inline void latch_take_as(struct latch *l, unsigned cpu)
{
	ASSERT_SLOW(mach_irq_masked() && cpu == mach_cpu());
	mach_lock_wait(l, l->rank);
	if (UNLIKELY(!atomic_claim_u32(&l->holder, cpu + 1))) latch_wait(l, cpu);
	mach_lock_got(l, l->rank);
}

static inline void latch_take(struct latch *l)
{
	latch_take_as(l, mach_cpu());
}

/* The same for code that has no time to wait: false, with nothing taken, where somebody else has
 * the latch.  The caller then goes where latch_take is called. */
static inline bool latch_take_now(struct latch *l, unsigned cpu)
{
	ASSERT_SLOW(mach_irq_masked() && cpu == mach_cpu());
	mach_lock_wait(l, l->rank);
	if (UNLIKELY(!atomic_claim_u32(&l->holder, cpu + 1))) return false;
	mach_lock_got(l, l->rank);
	return true;
}

/* Takes a latch unless somebody has it; interrupts may be on.  Nothing may be called under it that
 * takes a lock, of whatever rank ("lock-order"). */
static inline bool latch_try(struct latch *l)
{
	if (UNLIKELY(!atomic_claim_u32(&l->holder, 1))) return false;
	mach_try_got(l);
	return true;
}

/* Gives back what latch_try took. */
static inline void latch_release(struct latch *l)
{
	mach_try_drop(l);
	atomic_store_u32(&l->holder, 0);
}

static inline void latch_drop(struct latch *l)
{
	mach_lock_drop(l, l->rank);
	atomic_store_u32(&l->holder, 0);
}

/* The number, the meter being ours now; METER_TAKEN, with nothing taken, where somebody has it. */
static inline uint32_t meter_take_now(struct meter *m, enum lock_rank rank)
{
	ASSERT_SLOW(mach_irq_masked());
	mach_lock_wait(m, rank);
	const uint32_t number = atomic_exchange_u32(&m->word, METER_TAKEN);
	if (LIKELY(number != METER_TAKEN)) mach_lock_got(m, rank);
	return number;
}

/* The same, but waits.  [yield] */
static inline uint32_t meter_take(struct meter *m, enum lock_rank rank)
{
	uint32_t number = meter_take_now(m, rank);
	while (UNLIKELY(number == METER_TAKEN)) {
		mach_relax();
		number = meter_take_now(m, rank);
	}
	return number;
}

/* The number as it is while nobody has the meter; it may be another one by the time this returns.
 * [yield] */
static inline uint32_t meter_read(struct meter *m)
{
	uint32_t number = atomic_load_u32(&m->word);
	while (UNLIKELY(number == METER_TAKEN)) {
		mach_relax();
		number = atomic_load_u32(&m->word);
	}
	return number;
}

/* Gives it back as `number`, which is below METER_TAKEN. */
static inline void meter_drop(struct meter *m, enum lock_rank rank, uint32_t number)
{
	ASSERT_SLOW(number != METER_TAKEN);
	mach_lock_drop(m, rank);
	atomic_store_u32(&m->word, number);
}

#endif
