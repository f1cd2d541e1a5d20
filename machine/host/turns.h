/*
 * turns.h -- points passed on the host, and where turns are taken.  For machine/host alone.
 *
 * Most points only count, so they do it in place.  While one CPU runs at a time (host_run_on) that
 * is all there is to any of them; while CPUs take turns (host_run_together) the countdowns of
 * machine/turns.h are looked at, and host_turn() is called where one has run out.
 */
#ifndef MACHINE_HOST_TURNS_H
#define MACHINE_HOST_TURNS_H

#include "machine/host/arena.h"
#include "machine/host/race.h"
#include "machine/machine.h"
#include "machine/turns.h"

extern struct turns host_turns HOST_NEAR;
extern bool host_together HOST_NEAR; /* CPUs take turns */

/* The turn may pass here, and interrupts may come (cpu.c). */
void host_turn(struct turn_point point, bool asked);

/* Where an access lies, for struct turn_point: in 8 bytes from the arena's begin.  Elsewhere than
 * there it must not depend on addresses. */
static inline uint32_t turns_place(const void *at)
{
	return (uint32_t)min_u64(((uintptr_t)at - host_arena_bias - HOST_RAM_BASE) / 8, UINT32_MAX);
}

static inline void turns_at_point(struct turn_point point)
{
	const bool asked = turns_count(&host_turns, point);
	if (UNLIKELY(turns_matter(&host_turns, point, asked))) host_turn(point, asked);
}

/* The same out of line: where CPUs do not take turns, a point costs three instructions, and no
 * register of who passes it. */
RARE_CALL void host_point(struct turn_point point);
RARE_CALL void host_point_at(enum turn_kind kind, const void *at);

/* A named point, and one at a place. */
static inline void turns_at(enum turn_kind kind, unsigned detail)
{
	race_ask();
	if (UNLIKELY(host_together))
		host_point((struct turn_point){ .kind = (uint8_t)kind, .detail = (uint8_t)detail });
	else
		host_turns.points++;
}

/* Interrupts have become unmasked: what has come meanwhile is delivered. */
void host_unmasked(void);

static inline void turns_at_unmask(void)
{
	race_ask();
	if (LIKELY(!host_together))
		host_turns.points++;
	else
		host_unmasked();
}

static inline void turns_at_place(enum turn_kind kind, const void *at)
{
	race_ask();
	if (UNLIKELY(host_together))
		host_point_at(kind, at);
	else
		host_turns.points++;
}

/* Before a load or a store at offset `at` of what is watched (accesses.c): only while CPUs take
 * turns, so this is where a point not taken must be cheap. */
static inline void turns_at_access(size_t at, bool stores)
{
	race_ask();
	if (UNLIKELY(!host_together)) return;
	turns_at_point((struct turn_point){
		.kind = TURN_ACCESS, .detail = stores, .place = (uint32_t)(at / 8) });
}

#endif
