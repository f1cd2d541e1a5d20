/*
 * canary.c -- what a stress must notice: a program that leaves memory behind, or ends badly.
 *
 *	canary leave=1      a page more in /tmp each time
 *	canary end=3        ends with that status
 *	canary signal=9     ends by that signal
 */
#include <fcntl.h>
#include <signal.h>

#include "stress/user/program.h"

const char *const program = "canary";

int main(int count, char **arguments)
{
	const unsigned long pages = argument(arguments, "leave", 0);
	static char page[4096] = "left";

	(void)count;
	const int file = open("/tmp/canary", O_WRONLY | O_CREAT | O_APPEND, 0600);
	CHECK(file >= 0, "open: %s", strerror(errno));
	for (unsigned long i = 0; i < pages; i++)
		CHECK(write(file, page, sizeof(page)) == sizeof(page), "write: %s",
		      strerror(errno));
	kill(getpid(), (int)argument(arguments, "signal", 0));
	verdict("left %lu pages", pages);
	return (int)argument(arguments, "end", 0);
}
