/*
 * halt_program.c -- the program of the image that ships: nothing.  The kernel has come up and
 * tested itself; its verdict is the exit status.
 */
#include "kernel/program.h"

int program_main(void)
{
	return 0;
}
