/*
 * lockcheck.c -- every rule about locks and interrupts, checked.
 *
 * Each virtual CPU has a book: the locks it holds, in the order it took them, and how many
 * interrupt states it has saved and not given back.  A lock's own memory is never used for this,
 * so a lock is the same bytes here and on the board.
 *
 * What is reported, by kpanic's id:
 *   deadlock      a CPU waits for a lock it holds; or it spins and nobody else can run
 *   lock-order    a lock is taken whose rank is not above the highest that is held; or any lock
 *                 while one is held that was got by trying
 *   owner         a lock is dropped by a CPU that does not hold it; or is got while another has it
 *   irq-order     an interrupt state is given back out of turn or on another CPU; or interrupts
 *                 become unmasked while a lock is held; or a lock is taken with them unmasked
 *   lock-context  a lock is held where none of that rank may be
 *   sleep-in-atomic  a lock is held besides the one that is dropped in going to sleep
 *
 * Always true of a book:
 *   L1  the ranks of held locks rise strictly, so the last is the highest;
 *   L2  no lock stands in two books, and in none twice;
 *   L3  while a lock is held, interrupts are masked.
 *
 * A latch that was got by trying stands apart: it is nobody's to wait for, interrupts may be on,
 * and it is the last thing its CPU takes.  A book has room for one.
 *
 * An interrupt may come while one is held; its handler has nothing to do with that, and may take
 * locks, so the latch is put aside meanwhile.
 *
 * Locks are a CPU's: one that switches contexts hands on what it holds.  Saved interrupt states and
 * a latch that was tried are a context's, and go with it from CPU to CPU (lockcheck_switch).
 *
 * A saved interrupt state is a number that only this file reads: how many were saved before it,
 * in which context, and whether interrupts were masked.  Giving it back is right when exactly
 * those saved before it are still out.
 *
 * "deadlock" comes before "lock-order" when both are true, because it says more.
 *
 * Locks: none; one thread.  Cost: a few comparisons per call; books are searched only for a lock
 * that is not the last one taken, or to word a report.
 */
#include "machine/host/lockcheck.h"

#include "machine/host/turns.h"
#include "machine/lock.h"

enum {
	HELD_MAX = 16, /* more ranks than lock.h has */
	STATE_CONTEXT_SHIFT = 32,
};

struct held {
	const void *lock;
	unsigned rank;
};

struct book {
	struct host_now now; /* of a CPU that does not run at the moment */
	uint32_t id;         /* of the context it is in */
	uint32_t saved;      /* interrupt states that this has not given back */
	const void *tried;   /* the latch it got by trying, or NULL */
	const void *aside;   /* the same of what it interrupted */
	uint32_t held;
	struct held stack[HELD_MAX];
	struct held waiting; /* the lock it asked for last; .lock NULL: got it, or none */
};

static struct book books[LOCKCHECK_BOOKS] = {
	[1] = { .id = 1 }, [2] = { .id = 2 },
	[3] = { .id = 3 }, [4] = { .id = 4 },
	[5] = { .id = 5 }, [6] = { .id = 6 },
	[7] = { .id = 7 }, [LOCKCHECK_OUTSIDE] = { .id = LOCKCHECK_OUTSIDE },
};
/* Contexts that no CPU is in and that have a latch they tried. */
static struct lockcheck_context *trying;
static struct book *book = &books[LOCKCHECK_OUTSIDE];
/* In all books together: mostly 0, and then nobody has to be searched. */
static uint32_t held_by_all, tried_by_all;

struct host_now host_now;

/* --- books ----------------------------------------------------------------------------------- */

/* Name for a report: a CPU's number, or "outside" for what runs on none. */
static const char *book_name(const struct book *b)
{
	static const char *const names[LOCKCHECK_BOOKS] = {
		"cpu 0", "cpu 1", "cpu 2", "cpu 3", "cpu 4", "cpu 5", "cpu 6", "cpu 7", "outside",
	};
	return names[b - books];
}

/* Index in b's stack, or b->held when it is not there. */
static uint32_t book_find(const struct book *b, const void *lock)
{
	uint32_t i = b->held;
	while (i > 0 && b->stack[i - 1].lock != lock) i--;
	return i > 0 ? i - 1 : b->held;
}

static const struct book *book_holding(const void *lock)
{
	for (unsigned i = 0; i < LOCKCHECK_BOOKS; i++) {
		if (book_find(&books[i], lock) < books[i].held) return &books[i];
	}
	return NULL;
}

/* Who has a latch by trying, or NULL. */
static const char *who_tried(const void *lock)
{
	for (unsigned i = 0; i < LOCKCHECK_BOOKS; i++) {
		if (books[i].tried == lock || books[i].aside == lock) return book_name(&books[i]);
	}
	for (const struct lockcheck_context *c = trying; c != NULL; c = c->next)
		if (c->tried == lock || c->aside == lock) return "a context that does not run";
	return NULL;
}

static unsigned book_highest_rank(void)
{
	return book->held > 0 ? book->stack[book->held - 1].rank : 0;
}

void lockcheck_turn_to(unsigned number)
{
	ASSERT(number < LOCKCHECK_BOOKS);
	book->now = host_now;
	book = &books[number];
	host_now = book->now;
	host_now.cpu = number % CPUS_MAX; /* outside: counts as CPU 0, with a book of its own */
}

static uint32_t latches(const void *tried, const void *aside)
{
	return (tried != NULL ? 1u : 0u) + (aside != NULL ? 1u : 0u);
}

void lockcheck_forget(unsigned number)
{
	ASSERT(number < LOCKCHECK_BOOKS);
	struct book *b = &books[number];
	held_by_all -= b->held;
	tried_by_all -= latches(b->tried, b->aside);
	*b = (struct book){ .id = number };
	if (b == book) host_now.masked = 0;
}

/* --- contexts -------------------------------------------------------------------------------- */

void lockcheck_context_init(struct lockcheck_context *c, uint32_t number)
{
	*c = (struct lockcheck_context){ .id = LOCKCHECK_BOOKS + number };
}

void lockcheck_switch(struct lockcheck_context *from, struct lockcheck_context *to)
{
	*from = (struct lockcheck_context){ book->id, book->saved, book->tried, book->aside, NULL };
	if (UNLIKELY(latches(from->tried, from->aside) > 0)) {
		from->next = trying;
		trying = from;
	}
	lockcheck_context_end(to);
	book->id = to->id;
	book->saved = to->saved;
	book->tried = to->tried;
	book->aside = to->aside;
	tried_by_all += latches(to->tried, to->aside);
}

void lockcheck_context_end(const struct lockcheck_context *c)
{
	const uint32_t has = latches(c->tried, c->aside);
	if (LIKELY(has == 0)) return;
	struct lockcheck_context **at = &trying;
	while (*at != c) at = &(*at)->next;
	*at = c->next;
	tried_by_all -= has;
}

void lockcheck_context_done(const struct lockcheck_context *c)
{
	if (UNLIKELY(latches(c->tried, c->aside) > 0))
		kpanic("owner", "a context ends with a latch that it tried");
}

void lockcheck_at_end(void)
{
	host_lock_none_held(RANK_NONE);
	if (book->saved > 0 || host_now.masked != 0)
		kpanic("irq-order", "%s ends with %u interrupt states not given back",
		       book_name(book), book->saved);
}

void lockcheck_blame(void)
{
	const struct book *by = book->waiting.lock ? book_holding(book->waiting.lock) : NULL;
	if (by == NULL) return;
	kpanic("deadlock", "%s waits for a lock of rank %u that %s holds and will not drop",
	       book_name(book), book->waiting.rank, book_name(by));
}

NORETURN void lockcheck_stuck(void)
{
	lockcheck_blame();
	kpanic("deadlock", "%s spins and no other CPU can run", book_name(book));
}

/* --- interrupts ------------------------------------------------------------------------------ */

static uint64_t irq_state(uint32_t saved_before, uint32_t masked)
{
	return (uint64_t)book->id << STATE_CONTEXT_SHIFT | saved_before << 1 | masked;
}

mach_irq_t host_irq_save(void)
{
	const mach_irq_t was = { irq_state(book->saved, host_now.masked) };
	book->saved++;
	host_now.masked = 1;
	return was;
}

static inline void give_back(mach_irq_t was)
{
	const uint32_t masked = was.state & 1;
	if (UNLIKELY(book->saved == 0 || was.state != irq_state(book->saved - 1, masked)))
		kpanic("irq-order", "%s gives back an interrupt state out of turn",
		       book_name(book));
	if (UNLIKELY(masked == 0 && book->held > 0))
		kpanic("irq-order", "%s unmasks interrupts with a lock of rank %u held",
		       book_name(book), book_highest_rank());
	book->saved--;
	host_now.masked = masked;
}

void host_irq_restore(mach_irq_t was)
{
	give_back(was);
	if ((was.state & 1) == 0) turns_at_unmask();
}

mach_irq_t lockcheck_interrupt(void)
{
	const mach_irq_t was = host_irq_save();
	ASSERT(book->aside == NULL);
	book->aside = book->tried;
	book->tried = NULL;
	return was;
}

/* Perhaps on another CPU, if the handler switched contexts. */
void lockcheck_resume(mach_irq_t was)
{
	host_lock_none_held(RANK_NONE);
	book->tried = book->aside;
	book->aside = NULL;
	give_back(was);
}

void host_irq_unmask(void)
{
	if (UNLIKELY(book->saved > 0 || host_now.masked == 0))
		kpanic("irq-order", "%s unmasks interrupts, but a state is to be given back",
		       book_name(book));
	if (UNLIKELY(book->held > 0))
		kpanic("irq-order", "%s unmasks interrupts with a lock of rank %u held",
		       book_name(book), book_highest_rank());
	host_now.masked = 0;
	turns_at_unmask();
}

/* --- locks ----------------------------------------------------------------------------------- */

void host_lock_wait(const void *lock, unsigned rank)
{
	if (UNLIKELY(host_now.masked == 0))
		kpanic("irq-order", "%s takes a lock of rank %u with interrupts unmasked",
		       book_name(book), rank);
	if (UNLIKELY(book->tried != NULL))
		kpanic("lock-order", "%s takes a lock of rank %u with a latch held that it tried",
		       book_name(book), rank);
	const unsigned highest = book_highest_rank();
	if (UNLIKELY(rank <= highest)) {
		if (book_find(book, lock) < book->held)
			kpanic("deadlock", "%s waits for a lock of rank %u that it holds",
			       book_name(book), rank);
		kpanic("lock-order", "%s takes a lock of rank %u with one of rank %u held",
		       book_name(book), rank, highest);
	}
	book->waiting = (struct held){ lock, rank };
	turns_at(TURN_LOCK, rank);
}

void host_lock_got(const void *lock, unsigned rank)
{
	ASSERT(book->waiting.lock == lock && book->held < HELD_MAX);
	if (UNLIKELY(held_by_all > book->held)) {
		const struct book *by = book_holding(lock);
		if (by != NULL)
			kpanic("owner", "%s got a lock of rank %u while %s has it", book_name(book),
			       rank, book_name(by));
	}
	book->waiting.lock = NULL;
	book->stack[book->held++] = (struct held){ lock, rank };
	held_by_all++;
	turns_got_on(&host_turns);
}

void host_lock_drop(const void *lock, unsigned rank)
{
	turns_at(TURN_DROP, rank);
	uint32_t at = book_find(book, lock);
	if (UNLIKELY(at == book->held)) {
		const struct book *by = book_holding(lock);
		kpanic("owner", "%s drops a lock of rank %u that %s holds", book_name(book), rank,
		       by != NULL ? book_name(by) : "nobody");
	}
	for (; at + 1 < book->held; at++) book->stack[at] = book->stack[at + 1];
	book->held--;
	held_by_all--;
}

void host_try_got(const void *lock)
{
	if (UNLIKELY(tried_by_all > 0)) {
		const char *by = who_tried(lock);
		if (by != NULL)
			kpanic("owner", "%s got a latch by trying while %s has it", book_name(book),
			       by);
		if (book->tried != NULL)
			kpanic("lock-order", "%s tries a second latch", book_name(book));
	}
	book->tried = lock;
	tried_by_all++;
}

void host_try_drop(const void *lock)
{
	if (UNLIKELY(book->tried != lock)) {
		const char *by = who_tried(lock);
		kpanic("owner", "%s drops a latch that %s got by trying", book_name(book),
		       by != NULL ? by : "nobody");
	}
	book->tried = NULL;
	tried_by_all--;
}

void host_lock_none_held(unsigned rank)
{
	if (UNLIKELY(book->held > 0 && book_highest_rank() >= rank))
		kpanic("lock-context", "%s holds a lock of rank %u where none from %u on may be",
		       book_name(book), book_highest_rank(), rank);
	if (UNLIKELY(book->tried != NULL))
		kpanic("lock-context", "%s holds a latch that it tried where no lock may be",
		       book_name(book));
}

void host_lock_only_held(const void *lock)
{
	for (uint32_t i = 0; i < book->held; i++) {
		if (book->stack[i].lock == lock) continue;
		kpanic("sleep-in-atomic", "%s is to sleep and holds a lock of rank %u",
		       book_name(book), book->stack[i].rank);
	}
	if (UNLIKELY(book->tried != NULL))
		kpanic("sleep-in-atomic", "%s is to sleep and holds a latch that it tried",
		       book_name(book));
}
