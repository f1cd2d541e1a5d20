/*
 * mark.c -- a mark on a program's memory.
 *
 * Each group knows whether it is above.  Of several of its tasks that see it cross at once, the one
 * that changes that says so.
 *
 * Always true: between two lines about one program it was seen at or below the mark less an eighth.
 *
 * Locks: none.  Cost: two loads for each look that changes nothing.
 */
#include "kernel/task/mark.h"

#include "machine/format.h"

enum { SLACK_SHARE = 8, TEXT_BYTES = 128, PAGE_KIB = PAGE_SIZE / 1024 };

static void say(const struct task *t, uint32_t pages)
{
	const struct task_config *c = &t->group->world->config;
	char line[TEXT_BYTES];

	if (c->machine.say == NULL) return;
	format_text(line, sizeof line, "memory: %.*s, task %d, has %u KiB, more than %u",
		    NAME_BYTES, t->name, t->group->pid, pages * PAGE_KIB, c->mark_pages * PAGE_KIB);
	c->machine.say(c->machine.arg, line);
}

void mark_look(struct task *t, uint32_t pages)
{
	uint32_t *above = &t->group->above_mark;
	const uint32_t mark = t->group->world->config.mark_pages;

	ASSERT(mark != 0);
	if (atomic_load_u32(above) == 0) {
		if (pages > mark && atomic_exchange_u32(above, 1) == 0) say(t, pages);
	} else if (pages <= mark - mark / SLACK_SHARE) {
		atomic_store_u32(above, 0);
	}
}
