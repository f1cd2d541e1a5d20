/*
 * threadstorm.c -- threads come and go in waves, and meet at mutexes, conditions and barriers.
 *
 *	threadstorm waves=20 threads=16 turns=50
 *
 * In each wave: a counter behind a mutex, a ring in which a token goes round by condition
 * variables, thread-local words, and threads that nobody joins.  Floating-point registers are kept
 * over it all.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <semaphore.h>

#include "stress/user/program.h"

const char *const program = "threadstorm";

enum { THREADS_MAX = 64 };

static unsigned long threads, turns;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t token_moved = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t gate;
static unsigned long counter, token;
static sem_t gone;
static __thread unsigned long own;

static void *member(void *given)
{
	const unsigned long n = (uintptr_t)given;
	double sum = (double)n;

	own = n + 1000;
	pthread_barrier_wait(&gate);
	for (unsigned long i = 0; i < turns; i++) {
		pthread_mutex_lock(&lock);
		const unsigned long was = counter;
		if (i % 7 == 0) sched_yield();
		counter = was + 1;
		pthread_mutex_unlock(&lock);
		sum += 0.5;
	}
	for (unsigned long round = 0; round < 3; round++) {
		pthread_mutex_lock(&lock);
		while (token != round * threads + n) pthread_cond_wait(&token_moved, &lock);
		token++;
		pthread_cond_broadcast(&token_moved);
		pthread_mutex_unlock(&lock);
	}
	CHECK(own == n + 1000, "a thread's own word has changed");
	CHECK(sum == (double)n + 0.5 * (double)turns, "a sum is %f", sum);
	return given;
}

static void *alone(void *given)
{
	own = (uintptr_t)given;
	sched_yield();
	CHECK(own == (uintptr_t)given, "a thread's own word has changed");
	sem_post(&gone);
	return NULL;
}

static void wave(void)
{
	pthread_t thread[THREADS_MAX], detached;
	void *result;

	counter = token = 0;
	for (unsigned long i = 0; i < threads; i++) start_thread(&thread[i], member, (void *)i);
	for (unsigned long i = 0; i < threads / 4; i++) {
		start_thread(&detached, alone, (void *)(i + 5));
		CHECK(pthread_detach(detached) == 0, "pthread_detach");
	}
	for (unsigned long i = 0; i < threads; i++) {
		CHECK(pthread_join(thread[i], &result) == 0, "pthread_join");
		CHECK((uintptr_t)result == i, "thread %lu answers %p", i, result);
	}
	for (unsigned long i = 0; i < threads / 4; i++) {
		while (sem_wait(&gone) != 0) CHECK(errno == EINTR, "sem_wait: %s", strerror(errno));
	}
	CHECK(counter == threads * turns, "the counter is %lu, not %lu", counter, threads * turns);
	CHECK(token == 3 * threads, "the token is at %lu", token);
}

int main(int count, char **arguments)
{
	const unsigned long waves = argument(arguments, "waves", 20);

	(void)count;
	threads = argument(arguments, "threads", 16);
	turns = argument(arguments, "turns", 50);
	CHECK(threads >= 1 && threads <= THREADS_MAX, "%lu threads", threads);
	CHECK(pthread_barrier_init(&gate, NULL, (unsigned)threads) == 0, "pthread_barrier_init");
	CHECK(sem_init(&gone, 0, 0) == 0, "sem_init");
	for (unsigned long i = 0; i < waves; i++) wave();
	return verdict("%lu waves of %lu threads, %lu turns each", waves, threads, turns);
}
