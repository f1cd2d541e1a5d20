/*
 * poll.h -- waiting for any of several files.
 *
 * Whoever can be waited for has a source, a list of who wants to hear that something has changed,
 * guarded by the lock that guards what changes.  Who waits has a poller, with room for one link to
 * each source.  It looks at each file once with the poller, which puts a link into the file's
 * source in the same moment, under its lock; so whatever changes after the look is told.  When
 * told, it looks again.  What may have changed is said in POLLIN ... of kernel/abi.h.
 *
 * Locks: a source's is of rank RANK_MUTEX; the poller's queue is of rank RANK_WAIT, taken inside.
 */
#ifndef KERNEL_FILE_POLL_H
#define KERNEL_FILE_POLL_H

#include "sched/wait.h"

struct poll_source {
	struct lock *lock; /* fixed */
	struct list links; /* by *lock */
};

struct poll_link {
	struct list link; /* by the source's lock */
	struct poll_source *source;
	struct poller *poller;
};

/* One call's; its links are as many as it asks files. */
struct poller {
	struct wait_queue queue;
	bool told; /* by queue.lock: something has changed since it was last looked at */
	struct poll_link *links;
	uint32_t used, room;
};

void poll_source_init(struct poll_source *source, struct lock *lock);

/* With the source's lock held.  The first: from now on `who` is told (NULL: nobody asks).  The
 * second: tells everybody that something has changed. */
void poll_watch_locked(struct poller *who, struct poll_source *source);
void poll_tell_locked(struct sched *s, struct poll_source *source);

/* `links`: room for that many, the caller's until poller_leave() has returned. */
void poller_init(struct poller *p, struct poll_link *links, uint32_t room);

/* Until told, also of what was told before; a signal or a kill ends it too. */
enum wait_result poller_wait(struct sched *s, struct poller *p, uint64_t deadline_ns);

/* Hears of nothing any more.  The sources are alive still. */
void poller_leave(struct poller *p);

#endif
