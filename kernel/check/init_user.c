/*
 * init_user.c -- a first program for init_test.sh: says what it was started with, and ends as it is
 * told by its first argument.
 *
 *	(none)        exits with 7
 *	fault         reads address 16
 *	stack         deeper than a stack may be
 *	code          executes its own data
 *	kernel        reads where the kernel lies
 *	grow          has 3 MiB, nearly nothing, 3 MiB again, and exits with 7
 */
#include <elf.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <unistd.h>

extern char **environ;

static const char *yes(int so)
{
	return so ? "yes" : "no";
}

static void say_start(int argc, char **argv)
{
	const Elf64_Phdr *table = (const Elf64_Phdr *)getauxval(AT_PHDR);
	const unsigned char *chance = (const unsigned char *)getauxval(AT_RANDOM);
	unsigned loads = 0, sum = 0;

	for (unsigned long i = 0; i < getauxval(AT_PHNUM); i++) loads += table[i].p_type == PT_LOAD;
	for (int i = 0; i < 16; i++) sum |= chance[i];
	printf("init: number %d of %d, %d words:", getpid(), getppid(), argc);
	for (int i = 0; i < argc; i++) printf(" %s", argv[i]);
	printf("\ninit: environment:");
	for (char **e = environ; *e != NULL; e++) printf(" %s", *e);
	printf("\ninit: called %s on %s, pages of %ld\n", (char *)getauxval(AT_EXECFN),
	       (char *)getauxval(AT_PLATFORM), sysconf(_SC_PAGESIZE));
	printf("init: segments %s, chance %s, words aligned %s\n", yes(loads >= 2), yes(sum != 0),
	       yes((uintptr_t)(argv - 1) % 16 == 0));
	fflush(stdout);
}

/* Never optimised to a loop: each call has its own page of the stack. */
static int deeper(volatile char *above)
{
	volatile char here[4096];

	memset((void *)here, *above, sizeof(here));
	return deeper(here) + here[17];
}

static void grow(void)
{
	const size_t bytes = 3 << 20;
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (int i = 0; i < 3; i++) {
		memset(p, i + 1, bytes); /* the second time it is there already */
		if (i == 1) madvise(p, bytes, MADV_DONTNEED);
	}
}

int main(int argc, char **argv)
{
	static uint32_t code[] = { 0xd65f03c0 }; /* ret */
	volatile char zero = 0;
	const char *how = argc > 1 ? argv[1] : "";

	say_start(argc, argv);
	if (strcmp(how, "fault") == 0) return *(volatile int *)16;
	if (strcmp(how, "stack") == 0) return deeper(&zero);
	if (strcmp(how, "grow") == 0) grow();
	if (strcmp(how, "code") == 0) ((void (*)(void))(uintptr_t)code)();
	if (strcmp(how, "kernel") == 0) return *(volatile int *)0xffff000040000000;
	return 7;
}
