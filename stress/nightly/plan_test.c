/*
 * plan_test.c -- who is next, and how long it may take.
 *
 * Nights are played with a clock of our own: each item takes what it is given, or less.
 *
 * Locks: none.
 */
#include <stdio.h>
#include <string.h>

#include "machine/host/expect.h"
#include "stress/nightly/plan.h"

static struct table table;
static struct plan plan;
static double took[TABLE_ITEMS_MAX]; /* by each item, in this night */

static void make(unsigned items)
{
	memset(&table, 0, sizeof(table));
	memset(took, 0, sizeof(took));
	table.items = items;
	for (unsigned i = 0; i < items; i++) table.item[i].weight = 1;
}

/* A night of one job; an item takes `part` of its share. */
static void play(double seconds, double part)
{
	static uint64_t turns;
	plan = (struct plan){ .stop = seconds, .jobs = 1, .round = 1, .share_most = 300 };
	for (unsigned i = 0; i < table.items; i++) table.item[i].round = table.item[i].runs = 0;
	for (;;) {
		struct item *item = plan_next(&plan, &table);
		if (item == NULL) {
			plan.round++;
			item = plan_next(&plan, &table);
		}
		const double share = plan_share(&plan, &table, item);
		if (share <= 0) break;
		item->round = plan.round;
		item->runs++;
		item->last_turn = ++turns;
		took[item - table.item] += share * part;
		EXPECT(plan.now + share <= plan.stop + 1e-6);
		plan.now += share * part;
		if (plan.now > plan.stop) plan.now = plan.stop; /* who goes on is cut then */
	}
}

static void equal_shares(void)
{
	make(20);
	play(600, 1);
	for (unsigned i = 0; i < 20; i++) EXPECT(took[i] > 29.9 && took[i] < 30.1);
	EXPECT(plan.stop - plan.now < PLAN_LEAST_S);
}

/* What is left over goes to those behind, and then round again, until too little is left. */
static void leftovers(void)
{
	make(20);
	play(600, 0.5);
	EXPECT(plan.round > 2);
	EXPECT(plan.stop - plan.now < PLAN_LEAST_S);
	for (unsigned i = 0; i < 20; i++) EXPECT(table.item[i].runs >= plan.round - 1);
}

/* A night that is too short for all: the next goes on where it stopped. */
static void short_nights(void)
{
	make(30);
	unsigned reached = 0;
	play(50, 1);
	for (unsigned i = 0; i < 30; i++) reached += table.item[i].runs != 0;
	EXPECT(reached == 10);
	play(50, 1);
	for (unsigned i = 0; i < 30; i++) EXPECT((table.item[i].runs != 0) == (i / 10 == 1));
	play(50, 1);
	for (unsigned i = 0; i < 30; i++) EXPECT((table.item[i].runs != 0) == (i / 10 == 2));
	play(PLAN_LEAST_S / 2, 1);
	for (unsigned i = 0; i < 30; i++) EXPECT(table.item[i].runs == 0);
}

/* What every night has to reach is reached, though everybody takes longer than its share; the
 * others share the nights. */
static void some_first(void)
{
	make(40);
	for (unsigned i = 0; i < 20; i++) table.item[2 * i].first = true;
	unsigned others = 0;
	for (unsigned night = 0; night < 5; night++) {
		play(600, 1.7);
		for (unsigned i = 0; i < 20; i++) EXPECT(table.item[2 * i].runs != 0);
		for (unsigned i = 0; i < 20; i++)
			if (table.item[2 * i + 1].runs != 0) others |= 1u << i;
	}
	EXPECT(others == (1u << 20) - 1);
}

static void canaries_first(void)
{
	make(5);
	table.item[3].must_find = true;
	table.item[3].last_turn = 1000000;
	EXPECT(plan_next(&(struct plan){ .round = 1 }, &table) == &table.item[3]);
}

/* Long nights go round more often rather than stay long with one. */
static void long_nights(void)
{
	make(3);
	play(8 * 3600, 1);
	EXPECT(plan.round > 20);
	EXPECT(took[0] > 9000 && took[1] > 9000 && took[2] > 9000);
}

static void weights(void)
{
	make(4);
	table.item[1].weight = 3;
	play(600, 1);
	EXPECT(took[1] > 2.9 * took[0] && took[1] < 3.1 * took[0]);
}

/* With others running, what they were promised is not given away once more. */
static void side_by_side(void)
{
	make(10);
	plan = (struct plan){ .stop = 100, .jobs = 2, .round = 1, .share_most = 300 };
	const double first = plan_share(&plan, &table, &table.item[0]);
	EXPECT(first > 19.9 && first < 20.1);
	table.item[0].round = 1;
	plan.promised = first;
	const double second = plan_share(&plan, &table, &table.item[1]);
	EXPECT(second > 19.9 && second < 20.1);
	/* Nor is who runs still begun once more by the next round. */
	plan.round = 2;
	table.item[0].runs_now = true;
	EXPECT(plan_next(&plan, &table) == &table.item[1]);
	for (unsigned i = 1; i < 10; i++) table.item[i].round = 2;
	EXPECT(plan_next(&plan, &table) == NULL);
}

static void sizes(void)
{
	struct item item = { .least = 100, .most = 10000 };
	EXPECT(plan_size(&item, 60) == 100);
	item.last_size = 100;
	item.last_took_ms = 1000;
	EXPECT(plan_size(&item, 5) == 300);
	EXPECT(plan_size(&item, 1000) == 800); /* eightfold at most */
	EXPECT(plan_size(&item, 0.1) == 100);
	item.last_size = 9000;
	EXPECT(plan_size(&item, 60) == 10000);
	item.last_took_ms = 0; /* sooner than the clock sees */
	EXPECT(plan_size(&item, 60) == 10000);
}

int main(void)
{
	equal_shares();
	leftovers();
	short_nights();
	some_first();
	canaries_first();
	long_nights();
	weights();
	side_by_side();
	sizes();
	puts("plan_test: all passed");
	return 0;
}
