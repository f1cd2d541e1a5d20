/*
 * test_streams.h -- for tests of what threads read, write and wait for: a small world (the one of
 * kernel/test_process.h) with open files, and CPUs that take turns by lot.
 */
#ifndef KERNEL_FILE_TEST_STREAMS_H
#define KERNEL_FILE_TEST_STREAMS_H

#include "kernel/answer.h"
#include "kernel/file/file.h"
#include "kernel/file/poll.h"
#include "kernel/test_process.h"

static struct file_world test_files;

static inline void streams_open(uint32_t cpus)
{
	const struct test_choice choice = { .cpus = cpus };

	test_open(&choice);
	test_files = (struct file_world){
		.memory = &tw->memory, .sched = &tw->sched, .vm = &tw->vm, .most = 16
	};
}

static inline void streams_shut(void)
{
	EXPECT(test_files.files == 0);
	test_shut();
}

/* As a program would, of its own memory; but the kernel's here. */
static inline int64_t read_some(struct file *f, void *to, size_t bytes)
{
	struct io_piece piece;
	struct io io;

	io_open_kernel(&io, &piece, to, bytes);
	return file_read(f, &io, NULL);
}

static inline int64_t write_some(struct file *f, const void *from, size_t bytes)
{
	struct io_piece piece;
	struct io io;

	io_open_kernel(&io, &piece, (void *)(uintptr_t)from, bytes);
	return file_write(f, &io, NULL);
}

/* Looks once. */
static inline uint32_t poll_now(struct file *f)
{
	return f->ops->poll(f, NULL);
}

/* Until any of `events` is so, or the time is up; what is so then. */
static inline uint32_t poll_for(struct file *f, uint32_t events, uint64_t deadline_ns)
{
	struct poll_link links[1];
	struct poller poller;

	poller_init(&poller, links, 1);
	uint32_t now = f->ops->poll(f, &poller);
	while ((now & events) == 0 && poller_wait(&tw->sched, &poller, deadline_ns) == WAIT_WOKEN)
		now = f->ops->poll(f, NULL);
	poller_leave(&poller);
	return now;
}

/* Several CPUs until nobody is left, turns and ticks by lot. */
static inline void streams_storm(uint64_t seed)
{
	struct drawn lots = { .lots = { seed }, .about = 40, .ticks = 20 };
	const struct turns_planner planner = { drawn_begin, drawn_decide, drawn_stuck, &lots };

	tw->done = tw->vain = 0;
	if (host_run_together(tw->sched.config.cpus, test_cpu, NULL, &planner, TEST_POINTS)) return;
	fprintf(stderr, "seed %lu: %s: %s\n", seed, panic_id, panic_text);
	exit(1);
}

#endif
