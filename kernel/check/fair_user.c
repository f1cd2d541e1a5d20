/*
 * fair_user.c -- a first program for fair_test.sh: two threads on CPUs 0 and 1 hand a word to each
 * other, and wait for it by looking at it, without a call and without YIELD.
 *
 *	fair_user ROUNDS CPU...     on each CPU named there is one more thread, which spins for ever
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static volatile int turn;
static long rounds;

static void go_to(long cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof set, &set) != 0) exit(2);
}

static void *hand_back(void *unused)
{
	go_to(1);
	for (long i = 0; i < rounds; i++) {
		while (turn != 1) {
		}
		turn = 0;
	}
	return unused;
}

static void *spin(void *cpu)
{
	go_to((long)(intptr_t)cpu);
	for (;;) {
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t other, spinner;

	rounds = argc > 1 ? atol(argv[1]) : 1;
	go_to(0);
	if (pthread_create(&other, NULL, hand_back, NULL) != 0) return 2;
	for (int i = 2; i < argc; i++)
		if (pthread_create(&spinner, NULL, spin, (void *)(intptr_t)atol(argv[i])) != 0)
			return 2;
	for (long i = 0; i < rounds; i++) {
		turn = 1;
		while (turn != 0) {
		}
	}
	printf("fair: %ld rounds\n", rounds);
	return 0;
}
