/*
 * waiting.h -- forgets what CPUs noted about locks they wait for.  For machine/host alone.
 */
#ifndef MACHINE_HOST_WAITING_H
#define MACHINE_HOST_WAITING_H

/* A CPU that was abandoned in a wait waits no more. */
void host_waiting_reset(void);

#endif
