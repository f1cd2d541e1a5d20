/*
 * init_program.c -- the program of the image that ships: the first program of the initrd, /init or
 * what the boot arguments name; without an initrd, nothing but the kernel's test of itself.
 *
 * Its status is the machine's.
 */
#include "kernel/console.h"
#include "kernel/initrd.h"
#include "kernel/power.h"
#include "kernel/program.h"
#include "kernel/users.h"

int program_main(void)
{
	if (initrd_bytes() == 0) {
		console_print("anvil: no initrd, so nothing to run\n");
		return STATUS_OK;
	}
	const char *wrong = users_start();
	if (wrong == NULL) return users_run();
	console_print("anvil: %s\n", wrong);
	return STATUS_BAD_INPUT;
}
