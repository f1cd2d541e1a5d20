/*
 * backtrace.c -- walking frame records.
 *
 * Every function but the few in assembly keeps a record {caller's record, return address} that x29
 * points to; the vectors make one for what they interrupt.  The walk believes nothing: a record
 * must be aligned and readable, which is found out by probing, and an address outside of the text
 * is printed as a number.  Records that lead in a circle end with DEPTH_MAX, like a recursion.
 *
 * Cost: bounded by DEPTH_MAX records.
 */
#include "kernel/backtrace.h"

#include "kernel/console.h"
#include "kernel/symbols.h"
#include "machine/aarch64/cpu.h"
#include "machine/aarch64/exception.h"
#include "machine/aarch64/layout.h"

enum { DEPTH_MAX = 32, CALL_BYTES = 4 };

/* The function is that of the byte `back` bytes before: a call may be a function's very last
 * instruction, and then its return address is the next function's. */
static void print_address(uintptr_t address, unsigned back)
{
	uint64_t offset = 0;
	const char *name = symbol_find(address - back, &offset);
	if (name != NULL)
		console_report("  %s+0x%lx\n", name, offset + back);
	else
		console_report("  0x%016lx\n", (unsigned long)address);
}

static bool is_readable(uintptr_t record)
{
	return is_aligned(record, 8) && record >= DIRECT_BASE && probe_read(record) == 0 &&
	       probe_read(record + 8) == 0;
}

void backtrace_print(uintptr_t record, bool of_exception)
{
	for (unsigned depth = 0; record != 0; depth++) {
		if (depth == DEPTH_MAX) {
			console_report("  ... and more\n");
			return;
		}
		if (!is_readable(record)) {
			console_report("  ... frame pointer 0x%016lx leads nowhere\n",
				       (unsigned long)record);
			return;
		}
		const uintptr_t *pair = (const uintptr_t *)record;
		if (pair[1] == 0) return;
		print_address(pair[1], of_exception ? 0 : CALL_BYTES);
		of_exception = pair[1] == (uintptr_t)exception_return;
		record = pair[0];
	}
}
