/*
 * mark_test.c -- the mark on a program's memory: just below, at it, just above, and back again.
 */
#include <stdio.h>
#include <string.h>

#include "kernel/task/mark.h"
#include "machine/host/expect.h"

enum { MARK = 512, SLACK = MARK / 8 };

static char last[128];
static unsigned said;

static void note(void *arg, const char *line)
{
	(void)arg;
	snprintf(last, sizeof last, "%s", line);
	said++;
}

static struct task_world world;
static struct task_group group;
static struct task task;

static unsigned lines_at(uint32_t pages)
{
	static struct space space;
	const unsigned before = said;

	space.resident = pages;
	mark_grew(&task, &space);
	return said - before;
}

int main(void)
{
	world.config.machine.say = note;
	group = (struct task_group){ .world = &world, .pid = 12 };
	task = (struct task){ .group = &group, .name = "grower" };
	EXPECT(lines_at(100000) == 0); /* there is no mark */
	world.config.mark_pages = MARK;
	EXPECT(lines_at(MARK - 1) == 0 && lines_at(MARK) == 0);
	EXPECT(lines_at(MARK + 1) == 1);
	EXPECT(strcmp(last, "memory: grower, task 12, has 2052 KiB, more than 2048") == 0);
	/* Once, however far it goes and however often it comes by, until it has been well below. */
	EXPECT(lines_at(MARK + 2) == 0 && lines_at(10 * MARK) == 0);
	EXPECT(lines_at(MARK) == 0 && lines_at(MARK + 1) == 0);
	EXPECT(lines_at(MARK - SLACK + 1) == 0 && lines_at(MARK + 1) == 0);
	EXPECT(lines_at(MARK - SLACK) == 0 && lines_at(MARK) == 0);
	EXPECT(lines_at(MARK + 1) == 1 && said == 2);
	return 0;
}
