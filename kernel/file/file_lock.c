/*
 * file_lock.c -- locks on files: whose are in the way, who waits for whom, ranges cut and joined.
 *
 * A node's locks are a list: the records of an owner stand together, in the order of their bytes,
 * owners in the order in which they came, as Linux shows them to F_GETLK.  A record that is asked
 * for replaces what its owner has there: what is of the same type and touches it is joined, what is
 * of another is cut or goes.  Two pieces of memory are enough for that, the new one and the upper
 * half of one that is cut in two; they are got before, so that nothing is half done.
 *
 * All who wait, for whatever file, wait in one queue and look again when any lock has gone or
 * become weaker.  Each notes who is in its way: a process that would wait for one which waits, over
 * however many others, for it, is refused.
 *
 * Always true: of one owner's records none overlap; two locks of one kind that overlap, of
 * different owners, are both F_RDLCK; `lock_count` is how many a node has.
 *
 * Locks: those of a tree have one (RANK_MUTEX).  Cost: O(locks of the node); closing a file that
 * has none, one load.
 */
#include "kernel/file/file_lock.h"

#include "kernel/answer.h"
#include "kernel/file/tree_inside.h"

enum { CIRCLE_MOST = 10 };

/* One that somebody has. */
struct held_lock {
	struct list link;
	struct file_lock is;
};

/* One who waits. */
struct lock_waiter {
	struct list link;
	const void *owner, *other;
};

struct lock_spares {
	struct held_lock *at[2];
};

void file_locks_init(struct file_locks *all)
{
	wait_init(&all->queue, RANK_MUTEX);
	list_init(&all->waiting);
}

static struct held_lock *held_of(struct list *l)
{
	return CONTAINER_OF(l, struct held_lock, link);
}

/* --- memory ----------------------------------------------------------------------------------- */

static void spares_free(struct file_tree *t, struct lock_spares *s)
{
	for (unsigned i = 0; i < COUNT_OF(s->at); i++) tree_free(t, s->at[i]);
}

static bool spares_alloc(struct file_tree *t, struct lock_spares *s)
{
	*s = (struct lock_spares){ { NULL, NULL } };
	for (unsigned i = 0; i < COUNT_OF(s->at); i++) {
		s->at[i] = kmalloc_alloc(tree_memory(t), sizeof *s->at[i], 0, SITE_NONE);
		if (s->at[i] != NULL) continue;
		spares_free(t, s);
		return false;
	}
	return true;
}

/* Puts one in before `next`. */
static void lock_add_locked(struct node *n, struct lock_spares *s, const struct file_lock *is,
			    struct list *next)
{
	struct held_lock **spare = &s->at[s->at[0] == NULL];
	struct held_lock *h = *spare;

	ASSERT(h != NULL);
	*spare = NULL;
	h->is = *is;
	list_init(&h->link);
	list_add_last(next, &h->link); /* the end of a ring is before any of its links */
	atomic_store_u32(&n->lock_count, n->lock_count + 1);
}

static void lock_remove_locked(struct node *n, struct held_lock *h)
{
	ASSERT(n->lock_count != 0);
	list_remove(&h->link);
	atomic_store_u32(&n->lock_count, n->lock_count - 1);
	tree_free(n->tree, h);
}

/* --- who is in the way ------------------------------------------------------------------------ */

static bool locks_clash(const struct file_lock *a, const struct file_lock *b)
{
	if (a->whole != b->whole || a->owner == b->owner) return false;
	if (a->end < b->start || b->end < a->start) return false;
	return (a->type == F_WRLCK || b->type == F_WRLCK) && a->type != F_UNLCK;
}

static struct held_lock *lock_in_the_way_locked(struct node *n, const struct file_lock *want)
{
	for (struct list *l = n->locks.next; l != &n->locks; l = l->next)
		if (locks_clash(want, &held_of(l)->is)) return held_of(l);
	return NULL;
}

/* Who is in the way of one that `owner` waits for; NULL: it waits for none. */
static const void *waits_for_locked(const struct file_locks *all, const void *owner)
{
	for (const struct list *l = all->waiting.next; l != &all->waiting; l = l->next) {
		const struct lock_waiter *w = CONTAINER_OF(l, struct lock_waiter, link);
		if (w->owner == owner) return w->other;
	}
	return NULL;
}

/* Whether `other` waits, over so many others as Linux looks at, for `owner`. */
static bool circle_locked(const struct file_locks *all, const void *other, const void *owner)
{
	for (int steps = 0; steps < CIRCLE_MOST && other != NULL; steps++) {
		other = waits_for_locked(all, other);
		if (other == owner) return true;
	}
	return false;
}

/* Until something has changed, or the reason why not. */
static int lock_wait_locked(struct file_tree *t, const struct file_lock *want,
			    const struct held_lock *other, bool waits)
{
	struct file_locks *all = &t->locks;
	struct lock_waiter me = { .owner = want->owner, .other = other->is.owner };

	if (!waits || t->config.files->sched == NULL) return -ERR_AGAIN;
	if (want->by_process) {
		if (circle_locked(all, me.other, me.owner)) return -ERR_DEADLK;
		list_init(&me.link);
		list_add_last(&all->waiting, &me.link);
	}
	const enum wait_result result =
		wait_sleep_heeding(t->config.files->sched, &all->queue, WAIT_FOREVER);
	if (want->by_process) list_remove(&me.link);
	return result == WAIT_WOKEN ? 0 : RESTART_SYS;
}

/* A lock has gone, or become weaker. */
static void locks_tell_locked(struct file_tree *t)
{
	if (t->config.files->sched != NULL) wait_wake_all(t->config.files->sched, &t->locks.queue);
}

/* --- ranges ----------------------------------------------------------------------------------- */

/* Makes room in one of the owner's own for another type. */
static void record_cut_locked(struct node *n, struct held_lock *h, const struct file_lock *want,
			      struct lock_spares *spares)
{
	struct file_lock upper = h->is;

	upper.start = want->end + 1;
	if (h->is.start >= want->start && h->is.end <= want->end) {
		lock_remove_locked(n, h);
	} else if (h->is.start >= want->start) {
		h->is.start = upper.start;
	} else {
		if (h->is.end > want->end) lock_add_locked(n, spares, &upper, h->link.next);
		h->is.end = want->start - 1;
	}
}

/* Whether two of one type are one, overlapping or side by side. */
static bool records_touch(const struct file_lock *a, const struct file_lock *b)
{
	if (a->end < b->start) return a->end + 1 == b->start;
	return b->end >= a->start || b->end + 1 == a->start;
}

/* Before which of the node's locks a record of that owner comes; `place`: where it has no other. */
static struct list *record_place_locked(struct node *n, const struct file_lock *is,
					struct list *place)
{
	for (struct list *l = n->locks.next; l != &n->locks; l = l->next) {
		if (held_of(l)->is.whole || held_of(l)->is.owner != is->owner) continue;
		if (held_of(l)->is.start > is->start) return l;
		place = l->next;
	}
	return place;
}

static void record_put_locked(struct node *n, const struct file_lock *want,
			      struct lock_spares *spares)
{
	struct file_lock is = *want;
	bool weaker = want->type == F_UNLCK;
	struct list *behind = &n->locks; /* where the owner stands, though all of its own go */

	for (struct list *l = n->locks.next; l != &n->locks;) {
		struct held_lock *h = held_of(l);
		l = l->next;
		if (h->is.whole || h->is.owner != want->owner) continue;
		behind = l;
		if (h->is.type == want->type) {
			if (!records_touch(&h->is, want)) continue;
			is.start = min_u64(is.start, h->is.start);
			is.end = max_u64(is.end, h->is.end);
			lock_remove_locked(n, h);
		} else if (h->is.end >= want->start && h->is.start <= want->end) {
			weaker = weaker || h->is.type == F_WRLCK;
			record_cut_locked(n, h, want, spares);
		}
	}
	if (want->type != F_UNLCK)
		lock_add_locked(n, spares, &is, record_place_locked(n, &is, behind));
	if (weaker) locks_tell_locked(n->tree);
}

/* --- the whole file --------------------------------------------------------------------------- */

/* Gives up what the owner has, unless that is what it wants: true then. */
static bool whole_leave_locked(struct node *n, const struct file_lock *want)
{
	for (struct list *l = n->locks.next; l != &n->locks; l = l->next) {
		struct held_lock *h = held_of(l);
		if (!h->is.whole || h->is.owner != want->owner) continue;
		if (h->is.type == want->type) return true;
		lock_remove_locked(n, h);
		locks_tell_locked(n->tree);
		break;
	}
	return false;
}

/* --- the calls -------------------------------------------------------------------------------- */

static int lock_set_locked(struct node *n, const struct file_lock *want, bool waits,
			   struct lock_spares *spares)
{
	const struct held_lock *other;

	if (want->whole && whole_leave_locked(n, want)) return 0;
	while ((other = lock_in_the_way_locked(n, want)) != NULL) {
		const int error = lock_wait_locked(n->tree, want, other, waits);
		if (error != 0) return error;
	}
	if (!want->whole)
		record_put_locked(n, want, spares);
	else if (want->type != F_UNLCK)
		lock_add_locked(n, spares, want, &n->locks);
	return 0;
}

int file_lock_set(struct file *f, const struct file_lock *want, bool waits)
{
	struct node *n = f->node;
	struct lock_spares spares;

	ASSERT(want->start <= want->end && want->end <= INT64_MAX);
	if (n == NULL) return 0;
	if (!spares_alloc(n->tree, &spares)) return want->whole ? -ERR_NOMEM : -ERR_NOLCK;
	const mach_irq_t was = wait_enter(&n->tree->locks.queue);
	const int error = lock_set_locked(n, want, waits, &spares);
	wait_leave(&n->tree->locks.queue, was);
	spares_free(n->tree, &spares);
	return error;
}

bool file_lock_find(struct file *f, const struct file_lock *want, struct file_lock *other)
{
	struct node *n = f->node;

	if (n == NULL) return false;
	const mach_irq_t was = wait_enter(&n->tree->locks.queue);
	const struct held_lock *h = lock_in_the_way_locked(n, want);
	if (h != NULL) *other = h->is;
	wait_leave(&n->tree->locks.queue, was);
	return h != NULL;
}

void file_locks_end(struct file *f, const void *owner)
{
	struct node *n = f->node;
	bool gone = false;

	if (n == NULL || LIKELY(atomic_load_u32(&n->lock_count) == 0)) return;
	const mach_irq_t was = wait_enter(&n->tree->locks.queue);
	for (struct list *l = n->locks.next; l != &n->locks;) {
		struct held_lock *h = held_of(l);
		l = l->next;
		if (h->is.owner != owner) continue;
		lock_remove_locked(n, h);
		gone = true;
	}
	if (gone) locks_tell_locked(n->tree);
	wait_leave(&n->tree->locks.queue, was);
}
