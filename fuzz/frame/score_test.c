/*
 * score_test.c -- lines of a score, as far as a call's verb depends on what comes after it.
 */
#include <string.h>

#include "fuzz/frame/score.h"
#include "machine/host/expect.h"

enum { ROOM = 256 };

static char text[ROOM];
static struct score s;

static void opens(size_t room)
{
	memset(text, '#', sizeof text);
	s = (struct score){ .text = text, .room = room };
	text[0] = '\0';
}

static void asks(unsigned actor, uint64_t arg)
{
	score_asks(&s, actor);
	score_number(&s, 98);
	score_number(&s, arg);
}

static void answers(unsigned actor, int64_t answer)
{
	score_back(&s, actor);
	score_say(&s, " =");
	score_number(&s, (uint64_t)answer);
	score_say(&s, "\n");
}

/* Nobody does anything in between: a call like others. */
static void comes_back(void)
{
	opens(ROOM);
	asks(1, 7);
	answers(1, -11);
	score_rest(&s);
	EXPECT(strcmp(text, "1 call 98 7 = -11\n") == 0);
}

/* Two sleep; one is woken, the other one is killed. */
static void two_sleep(void)
{
	opens(ROOM);
	asks(1, 0x400000);
	score_rest(&s);
	score_rest(&s); /* nothing has happened since */
	asks(12, 8);
	score_rest(&s);
	score_say(&s, "3 set 0x8 1\n");
	answers(1, 0);
	score_rest(&s);
	score_lost(&s, 12);
	score_rest(&s);
	EXPECT(strcmp(text, "1 begins 98 0x400000\n- rest\n"
			    "12 begins 98 8\n- rest\n"
			    "3 set 0x8 1\n1 ends = 0\n- rest\n"
			    "- gone 12\n") == 0);
}

/* Who speaks while a call is under way says by that that it sleeps. */
static void others_go_on(void)
{
	opens(ROOM);
	asks(1, 7);
	asks(2, 8);
	answers(1, 0);
	answers(2, 0);
	EXPECT(strcmp(text, "1 begins 98 7\n2 begins 98 8\n1 ends = 0\n2 ends = 0\n") == 0);
	opens(ROOM);
	asks(1, 7);
	score_lost(&s, 2);
	EXPECT(strcmp(text, "1 begins 98 7\n- gone 2\n") == 0);
}

/* With any room there are whole pieces, up to the first that had none; and a score may end. */
static void is_full(void)
{
	for (size_t room = 1; room < 64; room++) {
		opens(room);
		asks(1, 7);
		score_rest(&s);
		asks(2, 8);
		score_rest(&s);
		answers(1, 0);
		answers(2, 0);
		EXPECT(s.used < room && text[s.used] == '\0' && text[room] == '#');
	}
	opens(ROOM);
	asks(1, 7);
	score_end(&s, "a limit");
	answers(1, 0);
	score_rest(&s);
	EXPECT(strcmp(text, "# ends here: a limit\n") == 0);
	score_asks(NULL, 1), score_sleeps(NULL), score_back(NULL, 1);
	score_rest(NULL), score_lost(NULL, 1);
}

int main(void)
{
	comes_back();
	two_sleep();
	others_go_on();
	is_full();
	return 0;
}
