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

enum watch_kind { WATCH_NONE, WATCH_SILENT, WATCH_STUCK_LOCK, WATCH_STARVED, WATCH_NOT_RESUMED };

struct watch_report {
	enum watch_kind kind;
	uint32_t cpu;     /* which does not go on, or where the thread should run */
	uint32_t holder;  /* STUCK_LOCK: the CPU that holds it, or CPUS_MAX: nobody */
	uint32_t rank;    /* STUCK_LOCK: the lock's */
	thread_id thread; /* STARVED, NOT_RESUMED; else who runs on `cpu` */
	uint64_t for_ns;  /* how long */
	bool critical;    /* beyond critical_ns, else beyond warn_ns */
};

struct watch_config {
	uint64_t warn_ns, critical_ns; /* 100 ms and 5 s by the documents */
};

struct watch {
	struct sched *sched;
	struct watch_config config;
	uint64_t reported[WATCH_NOT_RESUMED + 1]; /* how many of each kind */
};

void watch_init(struct watch *w, struct sched *s, const struct watch_config *config);

/* Looks at everything once, at `now_ns`, and says the worst; takes no lock that could be the one
 * that is stuck, so what it says may be a moment old.  Any context. */
struct watch_report watch_look(struct watch *w, uint64_t now_ns);

const char *watch_kind_name(enum watch_kind kind);

#endif
