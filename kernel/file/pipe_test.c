/*
 * pipe_test.c -- pipes: answers on one CPU, where threads run until they wait; then readers,
 * writers and pollers on several CPUs under many schedules, where every byte must arrive once, in
 * order.
 */
#include "kernel/abi.h"
#include "kernel/file/pipe.h"
#include "kernel/file/test_streams.h"

enum { SEEDS = 25, BALLS = 40, STREAM = 3 * PIPE_BYTES };

static struct file *reader, *writer;
static uint8_t buffer[2 * PIPE_BYTES];
static uint32_t steps; /* atomic: what threads have got done */

static void open_pipe(uint32_t flags)
{
	EXPECT(pipe_open(&test_files, flags, &reader, &writer) == 0);
}

static void run(void (*first)(void *), void (*second)(void *))
{
	steps = 0;
	nobodys(first, NULL);
	if (second != NULL) nobodys(second, NULL);
	test_run();
}

/* --- answers ---------------------------------------------------------------------------------- */

static void answers(void *unused)
{
	(void)unused;
	open_pipe(O_NONBLOCK);
	EXPECT(file_is_pipe(reader) && file_is_pipe(writer));
	EXPECT(write_some(reader, "x", 1) == -ERR_BADF &&
	       read_some(writer, buffer, 1) == -ERR_BADF);
	EXPECT(file_seek(reader, 0, WHENCE_SET) == -ERR_SPIPE);
	EXPECT(read_some(reader, buffer, 1) == -ERR_AGAIN);
	EXPECT(poll_now(reader) == 0 && poll_now(writer) == (POLLOUT | POLLWRNORM));
	EXPECT(write_some(writer, "hello", 5) == 5 && poll_now(reader) == (POLLIN | POLLRDNORM));
	EXPECT(read_some(reader, buffer, 2) == 2 && memcmp(buffer, "he", 2) == 0);
	EXPECT(read_some(reader, buffer, 99) == 3 && memcmp(buffer, "llo", 3) == 0);
	EXPECT(write_some(writer, buffer, 0) == 0 && read_some(reader, buffer, 0) == 0);
	/* Full: what is over whole pages goes behind the last piece, or nowhere. */
	EXPECT(write_some(writer, buffer, PIPE_BYTES - 100) == PIPE_BYTES - 100);
	EXPECT(write_some(writer, buffer, 101) == -ERR_AGAIN && poll_now(writer) == 0);
	EXPECT(write_some(writer, buffer, PIPE_ATOMIC + 1) == 1);
	EXPECT(write_some(writer, buffer, PIPE_ATOMIC) == -ERR_AGAIN);
	EXPECT(write_some(writer, buffer, 99) == 99 && write_some(writer, "", 1) == -ERR_AGAIN);
	EXPECT(read_some(reader, buffer, PAGE_SIZE - 1) == PAGE_SIZE - 1 && poll_now(writer) == 0);
	EXPECT(read_some(reader, buffer, 1) == 1 && poll_now(writer) == (POLLOUT | POLLWRNORM));
	EXPECT(read_some(reader, buffer, sizeof(buffer)) == PIPE_BYTES - PAGE_SIZE);
	/* Pieces that no other fits behind: there are as many as pages. */
	for (unsigned i = 0; i < PIPE_BYTES / PAGE_SIZE; i++)
		EXPECT(write_some(writer, buffer, 3000) == 3000);
	EXPECT(write_some(writer, buffer, 1097) == -ERR_AGAIN && poll_now(writer) == 0);
	EXPECT(write_some(writer, buffer, 1096) == 1096 && write_some(writer, "", 1) == -ERR_AGAIN);
	EXPECT(read_some(reader, buffer, sizeof(buffer)) == 16 * 3000 + 1096);
	/* Nobody is at the other end. */
	EXPECT(write_some(writer, "end", 3) == 3);
	file_drop(writer);
	EXPECT(poll_now(reader) == (POLLIN | POLLRDNORM | POLLHUP));
	EXPECT(read_some(reader, buffer, 99) == 3 && read_some(reader, buffer, 99) == 0);
	EXPECT(poll_now(reader) == POLLHUP);
	file_drop(reader);
	open_pipe(0);
	file_drop(reader);
	EXPECT(write_some(writer, "x", 1) == -ERR_PIPE);
	EXPECT(poll_now(writer) == (POLLOUT | POLLWRNORM | POLLERR));
	file_drop(writer);
}

/* Bytes keep their order over the ring's end, and pages go back as they empty. */
static void turns_round(void *unused)
{
	uint8_t next = 0, want = 0, piece[3000];
	(void)unused;
	open_pipe(O_NONBLOCK);
	for (unsigned turn = 0; turn < 100; turn++) {
		for (unsigned i = 0; i < sizeof(piece); i++) piece[i] = next++;
		EXPECT(write_some(writer, piece, sizeof(piece)) == sizeof(piece));
		EXPECT(read_some(reader, piece, sizeof(piece)) == sizeof(piece));
		for (unsigned i = 0; i < sizeof(piece); i++) EXPECT(piece[i] == want++);
	}
	file_drop(reader);
	file_drop(writer);
}

/* Whichever request finds no memory, nothing is lost, and what was in the pipe still is. */
static void without_memory(void *unused)
{
	static paddr_t hoard[TEST_PAGES];
	unsigned count = 0;
	(void)unused;
	open_pipe(O_NONBLOCK);
	EXPECT(write_some(writer, buffer, PAGE_SIZE) == PAGE_SIZE);
	while ((hoard[count] = page_alloc(&tw->pages, 0, PAGE_HOW(ZONE_KERNEL, PAGE_OWNER_KERNEL),
					  TEST_SITE)) != PADDR_NONE)
		count++;
	EXPECT(write_some(writer, "x", 1) == -ERR_NOMEM);
	EXPECT(read_some(reader, buffer, sizeof(buffer)) == PAGE_SIZE);
	while (count > 0)
		EXPECT(page_free(&tw->pages, hoard[--count], 0, PAGE_OWNER_KERNEL) == PAGE_FREED);
	file_drop(reader);
	file_drop(writer);
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void reads_slowly(void *unused)
{
	(void)unused;
	EXPECT(steps == 0);
	EXPECT(read_some(reader, buffer, 10) == 1 && buffer[0] == 'a'); /* it waited */
	steps++;
	for (unsigned left = PIPE_BYTES + 500; left > 0;)
		left -= (unsigned)read_some(reader, buffer, sizeof(buffer));
	EXPECT(poll_for(reader, POLLHUP, WAIT_FOREVER) == POLLHUP);
	EXPECT(read_some(reader, buffer, 1) == 0);
	file_drop(reader);
}

static void writes_much(void *unused)
{
	(void)unused;
	EXPECT(write_some(writer, "a", 1) == 1);
	while (steps == 0) sched_yield_cpu(&tw->sched);
	EXPECT(write_some(writer, buffer + 1, PIPE_BYTES + 500) == PIPE_BYTES + 500);
	file_drop(writer);
}

/* A poller whose time is up hears of nothing afterwards. */
static void polls_in_vain(void *unused)
{
	(void)unused;
	open_pipe(0);
	EXPECT(poll_for(reader, POLLIN, mach_now_ns() + 1000) == 0);
	EXPECT(write_some(writer, "x", 1) == 1);
	EXPECT(poll_for(reader, POLLIN, 0) == (POLLIN | POLLRDNORM));
	file_drop(reader);
	file_drop(writer);
}

/* A kill ends a wait, and the pipe is as before. */
static void waits_for_ever(void *unused)
{
	(void)unused;
	open_pipe(0);
	steps++;
	EXPECT(read_some(reader, buffer, 1) == RESTART_SYS && sched_killed(&tw->sched));
	file_drop(reader);
	file_drop(writer);
}

static void kills(void *unused)
{
	(void)unused;
	const process_id victim = child(waits_for_ever, NULL);
	while (steps == 0) sched_yield_cpu(&tw->sched);
	sched_yield_cpu(&tw->sched);
	EXPECT(process_kill(W, victim, 9) == 0);
	wait_for(victim, PROCESS_KILLED, 9);
}

/* --- storms ----------------------------------------------------------------------------------- */

/* Each byte is the number of its place, by seven, so that none can be taken for another. */
static uint8_t byte_of(uint64_t place)
{
	return (uint8_t)(place * 7 + place / PAGE_SIZE);
}

static void streams_out(void *seed)
{
	struct random lots = { (uintptr_t)seed };
	static uint8_t piece[3 * PAGE_SIZE];
	for (uint64_t at = 0; at < STREAM;) {
		const size_t bytes = 1 + random_below(&lots, sizeof(piece));
		for (size_t i = 0; i < bytes; i++) piece[i] = byte_of(at + i);
		if (random_one_in(&lots, 3)) poll_for(writer, POLLOUT, WAIT_FOREVER);
		const int64_t gone = write_some(writer, piece, min_u64(bytes, STREAM - at));
		EXPECT(gone > 0);
		at += (uint64_t)gone;
	}
	file_drop(writer);
}

static void streams_in(void *seed)
{
	struct random lots = { ~(uintptr_t)seed };
	static uint8_t piece[2 * PAGE_SIZE];
	uint64_t at = 0;
	for (;;) {
		if (random_one_in(&lots, 3)) poll_for(reader, POLLIN | POLLHUP, WAIT_FOREVER);
		const int64_t came =
			read_some(reader, piece, 1 + random_below(&lots, sizeof(piece)));
		EXPECT(came >= 0);
		if (came == 0) break;
		for (int64_t i = 0; i < came; i++) EXPECT(piece[i] == byte_of(at + (uint64_t)i));
		at += (uint64_t)came;
	}
	EXPECT(at == STREAM);
	file_drop(reader);
}

static void storm_of_bytes(uint64_t seed)
{
	streams_open(2);
	open_pipe(0);
	nobodys(streams_out, (void *)(uintptr_t)seed);
	nobodys(streams_in, (void *)(uintptr_t)seed);
	streams_storm(seed);
	streams_shut();
}

/* Four throw one ball, a record of a page, to each other: no record is mixed with another. */
static void throws(void *me)
{
	static uint8_t pages[4][PIPE_ATOMIC];
	uint8_t *page = pages[(uintptr_t)me];
	for (unsigned i = 0; i < BALLS; i++) {
		memset(page, (int)(uintptr_t)me + 1, PIPE_ATOMIC);
		EXPECT(write_some(writer, page, PIPE_ATOMIC) == PIPE_ATOMIC);
		EXPECT(read_some(reader, page, 1) == 1);
		for (unsigned got = 1; got < PIPE_ATOMIC;) {
			uint8_t more[PIPE_ATOMIC];
			const int64_t bytes = read_some(reader, more, PIPE_ATOMIC - got);
			EXPECT(bytes > 0);
			got += (unsigned)bytes;
		}
	}
	file_drop(reader);
	file_drop(writer);
}

static void storm_of_balls(uint64_t seed)
{
	streams_open(3);
	open_pipe(0);
	for (uintptr_t i = 0; i < 4; i++) {
		if (i > 0) file_hold(reader), file_hold(writer);
		nobodys(throws, (void *)i);
	}
	streams_storm(seed);
	streams_shut();
}

int main(void)
{
	static void (*const alone[])(void *) = { answers, turns_round, without_memory,
						 polls_in_vain, kills };

	host_cpus_open(3);
	for (unsigned i = 0; i < COUNT_OF(alone); i++) {
		streams_open(1);
		run(alone[i], NULL);
		streams_shut();
	}
	streams_open(1);
	open_pipe(0);
	run(reads_slowly, writes_much);
	streams_shut();
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		storm_of_bytes(seed);
		storm_of_balls(seed);
	}
	host_cpus_close();
	return 0;
}
