/*
 * ktap.c -- the kernel test protocol's lines (docs.kernel.org/dev-tools/ktap.html).
 *
 * A header, the plan, one line for each check.  Who ran them closes with a verdict of its own.
 */
#include "kernel/ktap.h"

#include "kernel/console.h"

unsigned ktap_run(const struct ktap_check *checks, unsigned count)
{
	unsigned failed = 0;
	console_print("KTAP version 1\n1..%u\n", count);
	for (unsigned i = 0; i < count; i++) {
		const char *wrong = checks[i].check();
		if (wrong == NULL) {
			console_print("ok %u %s\n", i + 1, checks[i].name);
		} else {
			console_print("not ok %u %s # %s\n", i + 1, checks[i].name, wrong);
			failed++;
		}
	}
	return failed;
}
