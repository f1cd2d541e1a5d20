/*
 * watch.h -- a watchdog: what of a scheduler does not go on, and why.
 *
 * Four kinds are told apart: a CPU that takes no interrupts (silent); one that waits for a lock
 * too long, with who holds it (stuck lock); a thread that is ready and does not run (starved); a
 * thread whose deadline has passed and that was not resumed (not resumed).
 */
#ifndef SCHED_WATCH_H
#define SCHED_WATCH_H

#include "sched/sched.h"

enum watch_kind {
	WATCH_NONE,
	WATCH_SILENT,
	WATCH_STUCK_LOCK,
	WATCH_STARVED,
	WATCH_NOT_RESUMED,
	WATCH_KINDS
};

struct watch_report {
	enum watch_kind kind;
	uint32_t cpu;     /* which does not go on, or where the thread should run */
	uint32_t holder;  /* STUCK_LOCK: the CPU that holds it, or CPUS_MAX: nobody */
	uint32_t rank;    /* STUCK_LOCK: the lock's */
	thread_id thread; /* STARVED, NOT_RESUMED; else who runs on `cpu`, if that can be told */
	uint64_t for_ns;  /* how long; SILENT: since it was asked to show itself */
	bool critical;    /* beyond critical_ns, else beyond warn_ns */
};

struct watch_config {
	uint64_t warn_ns, critical_ns; /* 100 ms and 5 s by the documents (machine/limits.h) */
};

/* What is remembered of a CPU between two looks. */
struct watch_cpu {
	uint64_t beat_ns; /* as last seen */
	uint64_t
		asked_ns; /* when it was sent an interrupt to see whether it takes it; 0: was not */
};

struct watch {
	struct sched *sched;
	struct watch_config config;
	uint32_t looking;   /* atomic: somebody is */
	uint32_t next_slot; /* where the next look goes on in the table */
	struct watch_cpu cpu[CPUS_MAX];
	/* A thread that was READY in no run queue: its slot, its word, since when; or word 0. */
	uint32_t suspect;
	uint32_t pad;
	uint64_t suspect_word, suspect_ns;
	uint64_t reported[WATCH_KINDS]; /* atomic: how many of each kind */
};

void watch_init(struct watch *w, struct sched *s, const struct watch_config *config);

/*
 * Looks at every CPU and run queue and at the next few slots, at `now_ns`, and says the worst.  To
 * be called from a tick, of any CPU, again and again: some of what it says takes two looks, and the
 * interrupts that it sends to CPUs that were silent so far show their effect at the next.  Waits
 * for no lock: what is locked at the moment is left for the next time, and so is everything when
 * somebody else is looking.  Any context in which no lock of rank RANK_RUNQ or above is held.
 */
struct watch_report watch_look(struct watch *w, uint64_t now_ns);

const char *watch_kind_name(enum watch_kind kind);

#endif
