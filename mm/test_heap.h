/*
 * test_heap.h -- what the unit tests of the heap share.
 */
#ifndef MM_TEST_HEAP_H
#define MM_TEST_HEAP_H

#include "mm/heap.h"
#include "mm/test_pool.h"

/* The heap's own check finds nothing. */
#define EXPECT_SOUND(heap)                                                          \
	do {                                                                        \
		const char *wrong_ = heap_check(heap);                              \
		if (wrong_ != NULL) {                                               \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, wrong_); \
			exit(1);                                                    \
		}                                                                   \
	} while (0)

#endif
