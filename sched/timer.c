/*
 * timer.c -- what is to happen at a time: a pairing heap for each CPU.
 *
 * A heap of many-branched trees in which nothing is earlier than its parent, and so the root is the
 * earliest of all.  Two trees are melded by hanging the later root under the earlier; everything
 * else is made of that:
 *
 *	add      melds a tree of one with the root;
 *	take     removes the root and melds its children, first in pairs from the left, then the
 *	         pairs into one from the right: two passes are what makes the cost logarithmic;
 *	cancel   cuts a timer out with all below it, and melds its children and the result with the
 *	         root.
 *
 *	        root          child: the first child
 *	         |            next:  the next sibling
 *	         a <-> b <-> c        prev:  the sibling before, or of a first child the parent
 *	         |
 *	         d <-> e
 *
 * Nothing here recurses, so a heap that is one long chain needs no more stack than any other.
 *
 * Of equal deadlines the one that was added first is the earlier: every adding has a number, 64
 * bits wide, which does not come round.
 *
 * Firing: a timer is taken out under the lock, with its function and its cookie; the function is
 * called without the lock.  Between the two the owner may add the timer anew, for something else;
 * that is why what it was added for is not looked up in the timer, but was copied out.
 *
 * Always true (timer_check):
 *   T1  no timer comes before its parent;
 *   T2  links meet: a first child's prev is its parent, any other's the sibling before; the root
 *       has neither prev nor next;
 *   T3  `count` timers are in the tree, each of this CPU, with a deadline below UINT64_MAX and a
 *       number below `added`; a timer with deadline UINT64_MAX is in no queue;
 *   T4  `next_ns` is the root's deadline, or UINT64_MAX without one.
 *
 * Locks: q->lock (RANK_TIMERS) guards all; next_ns may be read without.
 * Cost: add and meld constant, about 40 instructions; take and cancel O(log n) amortised, where a
 * single one may have to meld as many children as were added since the last, at 15 instructions
 * each.
 */
#include "sched/timer.h"

void timer_queue_init(struct timer_queue *q, uint32_t cpu)
{
	ASSERT(cpu < CPUS_MAX);
	*q = (struct timer_queue){ .cpu = cpu, .next_ns = UINT64_MAX };
	lock_init(&q->lock, RANK_TIMERS);
}

void timer_init(struct timer *timer, void (*fire)(void *arg, struct timer *timer, uint64_t cookie))
{
	*timer = (struct timer){ .deadline_ns = UINT64_MAX, .fire = fire };
}

/* --- trees ------------------------------------------------------------------------------------ */

static bool timer_before(const struct timer *a, const struct timer *b)
{
	if (a->deadline_ns != b->deadline_ns) return a->deadline_ns < b->deadline_ns;
	return a->order < b->order;
}

/* Two trees, neither with siblings, into one. */
static struct timer *timer_meld(struct timer *a, struct timer *b)
{
	ASSERT_SLOW(a->prev == NULL && a->next == NULL && b->prev == NULL && b->next == NULL);
	struct timer *root = timer_before(b, a) ? b : a;
	struct timer *below = root == a ? b : a;

	below->prev = root;
	below->next = root->child;
	if (below->next != NULL) below->next->prev = below;
	root->child = below;
	return root;
}

/* Takes the first tree off a list of siblings: `*list` is the next one then. */
static struct timer *timer_next_tree(struct timer **list)
{
	struct timer *tree = *list;

	*list = tree->next;
	tree->next = tree->prev = NULL;
	return tree;
}

/* A list of siblings into one tree; NULL for none. */
static struct timer *timer_meld_all(struct timer *siblings)
{
	struct timer *pairs = NULL, *all = NULL; /* pairs: the last made is the first */

	while (siblings != NULL) {
		struct timer *pair = timer_next_tree(&siblings);
		if (siblings != NULL) pair = timer_meld(pair, timer_next_tree(&siblings));
		pair->next = pairs;
		pairs = pair;
	}
	while (pairs != NULL) {
		struct timer *pair = timer_next_tree(&pairs);
		all = all != NULL ? timer_meld(all, pair) : pair;
	}
	return all;
}

/* Cuts `timer`, which is not the root, and all below it out of the tree. */
static void timer_cut(struct timer *timer)
{
	struct timer *prev = timer->prev;
	const bool is_first = prev->child == timer;

	ASSERT(is_first || prev->next == timer);
	if (is_first)
		prev->child = timer->next;
	else
		prev->next = timer->next;
	if (timer->next != NULL) timer->next->prev = prev;
	timer->prev = timer->next = NULL;
}

static void timer_set_first_locked(struct timer_queue *q, struct timer *root)
{
	ASSERT(root == NULL || (root->prev == NULL && root->next == NULL));
	q->first = root;
	atomic_store_u64(&q->next_ns, root != NULL ? root->deadline_ns : UINT64_MAX);
}

static void timer_remove_locked(struct timer_queue *q, struct timer *timer)
{
	ASSERT(q->count > 0 && q->first != NULL);
	struct timer *below = timer_meld_all(timer->child);

	if (timer == q->first) {
		timer_set_first_locked(q, below);
	} else {
		timer_cut(timer);
		if (below != NULL) q->first = timer_meld(q->first, below);
	}
	timer->child = NULL;
	timer->deadline_ns = UINT64_MAX;
	q->count--;
	ASSERT((q->count == 0) == (q->first == NULL));
}

/* --- calls ------------------------------------------------------------------------------------ */

bool timer_add(struct timer_queue *q, struct timer *timer, uint64_t deadline_ns, uint64_t cookie)
{
	ASSERT(deadline_ns < UINT64_MAX && timer->fire != NULL);
	ASSERT(timer->deadline_ns == UINT64_MAX && timer->child == NULL); /* in no queue */
	const mach_irq_t was = lock_take(&q->lock);

	timer->deadline_ns = deadline_ns;
	timer->order = q->added++;
	timer->cookie = cookie;
	timer->cpu = q->cpu;
	timer->next = timer->prev = NULL;
	q->count++;
	timer_set_first_locked(q, q->first != NULL ? timer_meld(q->first, timer) : timer);
	const bool is_first = q->first == timer;
	lock_drop(&q->lock, was);
	return is_first;
}

bool timer_cancel(struct timer_queue *q, struct timer *timer)
{
	const mach_irq_t was = lock_take(&q->lock);
	const bool queued = timer->deadline_ns != UINT64_MAX;

	if (queued) {
		ASSERT(timer->cpu == q->cpu);
		timer_remove_locked(q, timer);
	}
	lock_drop(&q->lock, was);
	return queued;
}

uint64_t timer_next_ns(const struct timer_queue *q)
{
	return atomic_load_u64(&q->next_ns);
}

/* What one that was due wants done, copied while the timer was still ours. */
struct timer_due {
	struct timer *timer;
	void (*fire)(void *arg, struct timer *timer, uint64_t cookie);
	uint64_t cookie;
};

static bool timer_take_due(struct timer_queue *q, uint64_t now_ns, struct timer_due *due)
{
	const mach_irq_t was = lock_take(&q->lock);
	struct timer *first = q->first;
	const bool is_due = first != NULL && first->deadline_ns <= now_ns;

	if (is_due) {
		ASSERT(first->cpu == q->cpu && first->fire != NULL);
		*due = (struct timer_due){ first, first->fire, first->cookie };
		timer_remove_locked(q, first);
	}
	lock_drop(&q->lock, was);
	return is_due;
}

uint32_t timer_run(struct timer_queue *q, uint64_t now_ns, void *arg)
{
	struct timer_due due;
	uint32_t fired = 0;

	ASSERT(mach_irq_masked());
	mach_lock_none_held(RANK_NONE);
	/* Most interrupts find nothing due: no lock for that. */
	while (timer_next_ns(q) <= now_ns && timer_take_due(q, now_ns, &due)) {
		due.fire(arg, due.timer, due.cookie);
		fired++;
	}
	return fired;
}

/* --- check ------------------------------------------------------------------------------------ */

/* The timer after `t` in a walk that shows parents before children, and needs no memory. */
static const struct timer *timer_after(const struct timer *t)
{
	if (t->child != NULL) return t->child;
	while (t->next == NULL) {
		while (t->prev != NULL && t->prev->child != t) t = t->prev;
		if (t->prev == NULL) return NULL; /* the root again */
		t = t->prev;
	}
	return t->next;
}

static const char *timer_check_one_locked(const struct timer_queue *q, const struct timer *t)
{
	const struct timer *child = t->child;

	if (t->deadline_ns == UINT64_MAX || t->order >= q->added || t->cpu != q->cpu)
		return "T3: a timer in the queue of another CPU, or that is in none";
	if (t->next != NULL && t->next->prev != t) return "T2: siblings' links do not meet";
	if (child == NULL) return NULL;
	if (child->prev != t) return "T2: a first child's link is not its parent";
	for (; child != NULL; child = child->next)
		if (timer_before(child, t)) return "T1: a timer comes before its parent";
	return NULL;
}

static const char *timer_check_locked(const struct timer_queue *q)
{
	const struct timer *first = q->first;
	uint32_t seen = 0;

	if (timer_next_ns(q) != (first != NULL ? first->deadline_ns : UINT64_MAX))
		return "T4: the next deadline is not the root's";
	if (first != NULL && (first->prev != NULL || first->next != NULL))
		return "T2: the root has siblings or a parent";
	for (const struct timer *t = first; t != NULL; t = timer_after(t)) {
		const char *why = timer_check_one_locked(q, t);
		if (why != NULL) return why;
		if (++seen > q->count) break;
	}
	return seen == q->count ? NULL : "T3: the count disagrees with the tree";
}

const char *timer_check(struct timer_queue *q)
{
	const mach_irq_t was = lock_take(&q->lock);
	const char *why = timer_check_locked(q);

	lock_drop(&q->lock, was);
	return why;
}
