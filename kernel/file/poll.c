/*
 * poll.c -- waiting for any of several files.
 *
 * A poller belongs to one thread, on whose stack it lies; others reach it only by its links, under
 * the source's lock, and touch nothing but its queue.  So once poller_leave() has taken each link
 * out under that lock, nobody knows it any more.
 *
 * Always true: a link is in its source's list from poll_watch_locked() to poller_leave(), and
 * `told` is set by whoever changed something after the link came in.
 *
 * Cost: O(links) to begin and to end, O(those who listen) for each change.
 */
#include "kernel/file/poll.h"

void poll_source_init(struct poll_source *source, struct lock *lock)
{
	source->lock = lock;
	list_init(&source->links);
}

void poll_watch_locked(struct poller *who, struct poll_source *source)
{
	if (who == NULL) return;
	ASSERT(who->used < who->room);
	struct poll_link *link = &who->links[who->used++];
	link->source = source;
	link->poller = who;
	list_init(&link->link);
	list_add_last(&source->links, &link->link);
}

static void tell(struct sched *s, struct poller *p)
{
	const mach_irq_t was = wait_enter(&p->queue);
	p->told = true;
	wait_wake_all(s, &p->queue);
	wait_leave(&p->queue, was);
}

void poll_tell_locked(struct sched *s, struct poll_source *source)
{
	for (struct list *l = source->links.next; l != &source->links; l = l->next)
		tell(s, CONTAINER_OF(l, struct poll_link, link)->poller);
}

void poller_init(struct poller *p, struct poll_link *links, uint32_t room)
{
	wait_init(&p->queue, RANK_WAIT);
	p->told = false;
	p->links = links;
	p->used = 0;
	p->room = room;
}

enum wait_result poller_wait(struct sched *s, struct poller *p, uint64_t deadline_ns)
{
	enum wait_result result = WAIT_WOKEN;
	const mach_irq_t was = wait_enter(&p->queue);
	while (!p->told && result == WAIT_WOKEN)
		result = wait_sleep_heeding(s, &p->queue, deadline_ns);
	if (p->told) result = WAIT_WOKEN;
	p->told = false;
	wait_leave(&p->queue, was);
	return result;
}

void poller_leave(struct poller *p)
{
	for (uint32_t i = 0; i < p->used; i++) {
		struct lock *lock = p->links[i].source->lock;
		const mach_irq_t was = lock_take(lock);
		list_remove(&p->links[i].link);
		lock_drop(lock, was);
	}
	p->used = 0;
}
