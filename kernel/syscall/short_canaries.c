/*
 * short_canaries.c -- cases of short_test.c that are wrong, each in a way that it must see.
 */
#include "kernel/syscall/short.h"

static int64_t opens(void)
{
	return CALL(openat, HERE, short_text("/l"), O_RDONLY);
}

/* Nobody has what it got before there was no more. */
static int64_t leaks(void)
{
	const int64_t fd = opens();
	struct kmalloc *memory = short_task->group->world->config.memory;

	if (fd == -ERR_NOMEM) EXPECT(kmalloc_alloc(memory, 100, 0, SITE_NONE) != NULL);
	return fd;
}

static int64_t changes(void)
{
	const int64_t fd = opens();

	if (fd == -ERR_NOMEM) EXPECT(PLAIN(lseek, 0, 1, WHENCE_SET) == 1);
	return fd;
}

static int64_t changes_memory(void)
{
	const int64_t fd = opens();

	if (fd == -ERR_NOMEM) EXPECT(PLAIN(getrandom, SHORT_AT, 1, 0) == 1);
	return fd;
}

static int64_t answers_otherwise(void)
{
	const int64_t fd = opens();

	return fd == -ERR_NOMEM ? -ERR_IO : fd;
}

static bool broken;

static int64_t breaks(void)
{
	if (broken) return -ERR_NOMEM;
	broken = opens() == -ERR_NOMEM;
	return broken ? -ERR_NOMEM : 4;
}

/* Says that it worked where it did not. */
static int64_t pretends(void)
{
	(void)opens();
	return 4;
}

const struct short_case short_canaries[] = {
	CASE(leaks, NULL, 4, 0),
	CASE(changes, NULL, 4, 0),
	CASE(changes_memory, NULL, 4, 0),
	CASE(answers_otherwise, NULL, 4, 0),
	CASE(breaks, NULL, 4, 0),
	CASE(pretends, NULL, 4, 0),
	{ .name = NULL },
};
