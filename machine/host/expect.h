/*
 * expect.h -- EXPECT(claim), for unit tests: says which claim failed, and ends the test, status 1.
 */
#ifndef MACHINE_HOST_EXPECT_H
#define MACHINE_HOST_EXPECT_H

#include <stdio.h>
#include <stdlib.h>

#define EXPECT(c)                                                               \
	do {                                                                    \
		if (!(c)) {                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #c); \
			exit(1);                                                \
		}                                                               \
	} while (0)

#endif
