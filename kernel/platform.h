/*
 * platform.h -- what the kernel needs to know of the board, out of the device tree.
 *
 * Portable: reads a tree that fdt_open() accepted and fills a plain struct.  Everything in the
 * tree is a claim by a stranger; what cannot be true is refused with one reason.
 */
#ifndef KERNEL_PLATFORM_H
#define KERNEL_PLATFORM_H

#include "kernel/fdt.h"

enum { PLATFORM_RAM_MAX = 16, PLATFORM_RESERVED_MAX = 32, PLATFORM_REDISTRIBUTORS_MAX = 4 };

struct range {
	paddr_t base;
	uint64_t bytes;
};

struct platform {
	struct range ram[PLATFORM_RAM_MAX];
	unsigned ram_count;
	struct range reserved[PLATFORM_RESERVED_MAX]; /* /memreserve/ and /reserved-memory */
	unsigned reserved_count;
	struct range initrd; /* bytes 0: none */

	uint64_t cpus[CPUS_MAX]; /* affinities, in the tree's order */
	unsigned cpu_count;
	unsigned cpus_unused; /* described, but beyond CPUS_MAX */
	bool cpus_by_psci;    /* those that did not boot can be started */

	enum { CONDUIT_NONE, CONDUIT_HVC, CONDUIT_SMC } conduit;
	uint32_t psci_cpu_on;

	unsigned gic_version; /* 2 or 3 */
	struct range gic_distributor, gic_cpu_interface;
	struct range gic_redistributors[PLATFORM_REDISTRIBUTORS_MAX];
	unsigned gic_redistributor_count;
	unsigned timer_interrupt; /* the virtual timer's, 16 to 31 */

	struct range uart;       /* a PL011; bytes 0: none */
	unsigned uart_interrupt; /* 32 to 1019; 0: none, so nothing can be typed */
	const char *bootargs;    /* NUL-terminated, inside the tree; never NULL */
};

/*
 * Fills *out.  NULL when all is well, else one reason.  What is needed to complain and to leave
 * (UART, PSCI, boot arguments) is read first, and stands in *out even then, where it is there.
 */
const char *platform_read(const struct fdt *tree, struct platform *out);

/* Boot arguments are words separated by blanks.  Is `word` one of them?  And what stands behind
 * "key=" in one of them: its number, or `otherwise` when it is not there or is none. */
bool bootarg_is_set(const char *bootargs, const char *word);
uint64_t bootarg_number(const char *bootargs, const char *key, uint64_t otherwise);

/* Is "key=value" one of them, and the first with that key? */
bool bootarg_says(const char *bootargs, const char *key, const char *value);

/* The text behind "key=", up to the next blank; false when there is none. */
bool bootarg_text(const char *bootargs, const char *key, const char **text, size_t *bytes);

/* The same as a copy with a NUL; false, too, when that has no room. */
bool bootarg_copy(const char *bootargs, const char *key, char *out, size_t room);

#endif
