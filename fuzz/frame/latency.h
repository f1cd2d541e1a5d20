/*
 * latency.h -- how late a fault was reported.
 */
#ifndef FUZZ_LATENCY_H
#define FUZZ_LATENCY_H

#include "fuzz/frame/subject.h"

/*
 * Of a script that fires an oracle when `reported` of its operations have begun: after how many
 * operations the fault is there for who looks at everything.  `seconds`: for one run.
 */
uint32_t latency_there(const struct subject *subject, const uint8_t *body, size_t bytes,
		       uint32_t reported, uint32_t seconds);

#endif
