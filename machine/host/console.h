/*
 * console.h -- the host machine's last words.
 */
#ifndef MACHINE_HOST_CONSOLE_H
#define MACHINE_HOST_CONSOLE_H

#include "machine/base.h"

enum { HOST_EXIT_ENVIRONMENT = 4 };

/* The host cannot offer what a run needs: one line (without newline) on standard error, exit 4. */
NORETURN void host_die(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
