/*
 * file_lock_test.c -- locks on files: ranges against a model that knows each byte, the whole file's
 * beside it, waiting, who waits for each other, and what ends a lock.
 */
#include "kernel/answer.h"
#include "kernel/file/file_lock.h"
#include "kernel/file/test_file.h"

enum { OWNERS = 3, BYTES = 24, STEPS = 4000 };

static struct file *f;
static char owners[OWNERS]; /* nothing but addresses */
static uint32_t done;

static struct file_lock record(unsigned owner, uint8_t type, uint64_t start, uint64_t end)
{
	return (struct file_lock){ .owner = &owners[owner],
				   .pid = (int32_t)owner,
				   .by_process = true,
				   .type = type,
				   .start = start,
				   .end = end };
}

static int set(unsigned owner, uint8_t type, uint64_t start, uint64_t end, bool waits)
{
	const struct file_lock want = record(owner, type, start, end);

	return file_lock_set(f, &want, waits);
}

static struct file_lock whole(const struct file *owner, uint8_t type)
{
	return (struct file_lock){ .owner = owner, .whole = true, .type = type, .end = INT64_MAX };
}

static int flocks(struct file *g, uint8_t type)
{
	const struct file_lock want = whole(g, type);

	return file_lock_set(g, &want, false);
}

/* --- ranges ----------------------------------------------------------------------------------- */

static uint8_t model[OWNERS][BYTES]; /* F_UNLCK, F_RDLCK, F_WRLCK */

static bool model_refuses(unsigned owner, uint8_t type, uint64_t start, uint64_t end)
{
	for (unsigned o = 0; o < OWNERS && type != F_UNLCK; o++)
		for (uint64_t b = start; b <= end && o != owner; b++)
			if (model[o][b] == F_WRLCK || (model[o][b] == F_RDLCK && type == F_WRLCK))
				return true;
	return false;
}

/* What is said of each byte to each owner is what the model knows; no two records that touch could
 * be one. */
static void agrees(void)
{
	for (unsigned owner = 0; owner < OWNERS; owner++) {
		for (uint64_t b = 0; b < BYTES; b++) {
			const struct file_lock want = record(owner, F_WRLCK, b, b);
			struct file_lock other;
			const bool found = file_lock_find(f, &want, &other);
			EXPECT(found == model_refuses(owner, F_WRLCK, b, b));
			if (!found) continue;
			const uint8_t *bytes = model[other.pid];
			EXPECT(other.type == bytes[b] && other.start <= b && other.end >= b);
			for (uint64_t i = other.start; i <= other.end; i++)
				EXPECT(bytes[i] == other.type);
			EXPECT(other.start == 0 || bytes[other.start - 1] != other.type);
			EXPECT(other.end == BYTES - 1 || bytes[other.end + 1] != other.type);
		}
	}
}

static void ranges(void)
{
	struct random lot = { 7 };

	f = opened("/f", O_RDWR | O_CREAT);
	memset(model, F_UNLCK, sizeof model);
	for (unsigned step = 0; step < STEPS; step++) {
		const unsigned owner = random_below(&lot, OWNERS);
		const uint8_t type = (uint8_t)random_below(&lot, 3);
		const uint64_t start = random_below(&lot, BYTES);
		const uint64_t end = start + random_below(&lot, BYTES - (uint32_t)start);
		const bool refused = model_refuses(owner, type, start, end);
		EXPECT(set(owner, type, start, end, false) == (refused ? -ERR_AGAIN : 0));
		for (uint64_t b = start; b <= end && !refused; b++) model[owner][b] = type;
		agrees();
	}
	for (unsigned owner = 0; owner < OWNERS; owner++) file_locks_end(f, &owners[owner]);
	EXPECT(f->node->lock_count == 0 && list_empty(&f->node->locks));
	file_drop(f);
}

/* To the end of all, and with no memory for it. */
static void ends(void)
{
	struct file_lock want = record(1, F_RDLCK, 0, 0), other;

	f = opened("/f", O_RDWR | O_CREAT);
	EXPECT(set(0, F_WRLCK, 10, INT64_MAX, false) == 0);
	EXPECT(set(0, F_UNLCK, 20, INT64_MAX, false) == 0);
	want.end = INT64_MAX;
	EXPECT(file_lock_find(f, &want, &other) && other.start == 10 && other.end == 19);
	EXPECT(set(0, F_WRLCK, INT64_MAX, INT64_MAX, false) == 0 && f->node->lock_count == 2);
	EXPECT(set(0, F_WRLCK, 20, INT64_MAX - 1, false) == 0 && f->node->lock_count == 1);
	file_locks_end(f, &owners[1]);
	EXPECT(f->node->lock_count == 1);
	/* Whose changes stays where it came, though all that it had is replaced. */
	EXPECT(set(1, F_WRLCK, 0, 1, false) == 0 && set(0, F_RDLCK, 9, INT64_MAX, false) == 0);
	want = record(2, F_WRLCK, 0, 99);
	EXPECT(file_lock_find(f, &want, &other) && other.start == 9 && other.type == F_RDLCK);
	file_locks_end(f, &owners[1]);
	EXPECT(f->node->lock_count == 1);
	void **last = NULL, **more;
	const size_t bytes = sizeof(struct list) + sizeof(struct file_lock);
	while ((more = kmalloc_alloc(&tw->memory, bytes, 0, TEST_SITE)) != NULL) {
		*more = last;
		last = more;
	}
	EXPECT(set(0, F_UNLCK, 12, 13, false) == -ERR_NOLCK && f->node->lock_count == 1);
	EXPECT(flocks(f, F_RDLCK) == -ERR_NOMEM && f->node->lock_count == 1);
	for (; last != NULL; last = more) {
		more = *last;
		EXPECT(kmalloc_free(&tw->memory, last) == KMALLOC_FREED);
	}
	file_locks_end(f, &owners[0]);
	file_drop(f);
}

/* --- of the whole ----------------------------------------------------------------------------- */

static void wholes(void)
{
	f = opened("/f", O_RDWR | O_CREAT);
	struct file *g = opened("/f", O_RDONLY);

	EXPECT(flocks(f, F_RDLCK) == 0 && flocks(g, F_RDLCK) == 0 && flocks(f, F_RDLCK) == 0);
	EXPECT(flocks(g, F_WRLCK) == -ERR_AGAIN && f->node->lock_count == 1); /* lost what it had */
	EXPECT(set(0, F_WRLCK, 0, INT64_MAX, false) == 0);                    /* the other kind */
	EXPECT(flocks(f, F_WRLCK) == 0 && flocks(g, F_RDLCK) == -ERR_AGAIN);
	EXPECT(flocks(f, F_UNLCK) == 0 && flocks(f, F_UNLCK) == 0 && flocks(g, F_WRLCK) == 0);
	file_drop(g); /* and with its last descriptor's end */
	EXPECT(flocks(f, F_WRLCK) == 0);
	file_locks_end(f, &owners[0]);
	file_drop(f);
}

/* A process's records go with any descriptor of that file, those of a file stay. */
static void tables(void)
{
	struct file_table *t = file_table_create(&tw->memory);
	struct file_lock want = record(0, F_WRLCK, 0, 9), other;

	f = opened("/f", O_RDWR | O_CREAT);
	EXPECT(file_table_add(t, opened("/f", O_RDWR), 0, 9, false) == 0);
	EXPECT(file_table_add(t, opened("/f", O_RDWR), 0, 9, true) == 1);
	want.owner = t;
	EXPECT(file_lock_set(f, &want, false) == 0 && set(1, F_RDLCK, 3, 3, false) == -ERR_AGAIN);
	EXPECT(file_table_close(t, 0) == 0 && set(1, F_RDLCK, 3, 3, false) == 0);
	EXPECT(set(1, F_UNLCK, 3, 3, false) == 0);
	EXPECT(file_lock_set(f, &want, false) == 0 && flocks(f, F_WRLCK) == 0);
	file_table_exec(t);
	EXPECT(!file_lock_find(f, &(struct file_lock){ .type = F_WRLCK, .end = 9 }, &other));
	EXPECT(file_table_add(t, file_hold(f), 0, 9, false) == 0);
	EXPECT(file_lock_set(f, &want, false) == 0);
	file_table_drop(t);
	EXPECT(f->node->lock_count == 1); /* flock's */
	file_drop(f);
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void wait_a_little(void)
{
	struct wait_queue queue;

	wait_init(&queue, RANK_MUTEX);
	const mach_irq_t was = wait_enter(&queue);
	(void)wait_sleep(&tw->sched, &queue, mach_now_ns() + 1000);
	wait_leave(&queue, was);
}

/* Takes byte 2, then waits for byte 1. */
static void second(void *unused)
{
	(void)unused;
	EXPECT(set(1, F_WRLCK, 2, 2, false) == 0);
	EXPECT(set(1, F_WRLCK, 1, 1, true) == 0);
	done++;
	EXPECT(set(1, F_UNLCK, 0, 9, false) == 0);
}

static void third(void *unused)
{
	(void)unused;
	EXPECT(set(2, F_WRLCK, 3, 3, false) == 0);
	EXPECT(set(2, F_RDLCK, 2, 2, true) == 0);
	done++;
	EXPECT(set(2, F_UNLCK, 0, 9, false) == 0);
}

static void circles(void)
{
	f = opened("/f", O_RDWR | O_CREAT);
	done = 0;
	EXPECT(set(0, F_WRLCK, 1, 1, false) == 0);
	const process_id a = child(second, NULL);
	wait_a_little();
	const process_id b = child(third, NULL);
	wait_a_little();
	EXPECT(done == 0);
	EXPECT(set(0, F_WRLCK, 2, 2, true) == -ERR_DEADLK);
	EXPECT(set(0, F_RDLCK, 3, 3, true) == -ERR_DEADLK); /* over two */
	EXPECT(set(0, F_RDLCK, 4, 4, true) == 0);
	EXPECT(set(0, F_RDLCK, 1, 1, false) == 0); /* weaker, and still in the way */
	wait_a_little();
	EXPECT(done == 0 && set(0, F_UNLCK, 0, 9, false) == 0);
	wait_for(a, PROCESS_EXITED, 0);
	wait_for(b, PROCESS_EXITED, 0);
	EXPECT(done == 2 && f->node->lock_count == 0 && list_empty(&tree.locks.waiting));
	file_drop(f);
}

static void in_vain(void *is_whole)
{
	const struct file_lock want =
		is_whole != NULL ? whole((void *)&done, F_RDLCK) : record(1, F_RDLCK, 1, 1);

	EXPECT(file_lock_set(f, &want, true) == RESTART_SYS);
	done++;
}

static void killed(void)
{
	f = opened("/f", O_RDWR | O_CREAT);
	for (uintptr_t kind = 0; kind < 2; kind++) {
		done = 0;
		EXPECT(set(0, F_WRLCK, 1, 1, false) == 0 && flocks(f, F_WRLCK) == 0);
		const process_id a = child(in_vain, (void *)kind);
		wait_a_little();
		EXPECT(done == 0 && process_kill(W, a, 9) == 0);
		wait_for(a, PROCESS_KILLED, 9);
		EXPECT(done == 1 && f->node->lock_count == 2);
		EXPECT(list_empty(&tree.locks.waiting));
	}
	file_locks_end(f, &owners[0]);
	file_drop(f);
}

int main(void)
{
	static void (*const tests[])(void) = { ranges, ends, wholes, tables, circles, killed };

	return files_main(tests, COUNT_OF(tests));
}
