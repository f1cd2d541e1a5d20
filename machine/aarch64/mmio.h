/* mmio.h -- device registers, through the direct map, one access each. */
#ifndef MACHINE_AARCH64_MMIO_H
#define MACHINE_AARCH64_MMIO_H

#include "machine/base.h"

static inline uint32_t mmio_read(uintptr_t at)
{
	uint32_t value;
	__asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(at) : "memory");
	return value;
}

static inline uint64_t mmio_read_64(uintptr_t at)
{
	uint64_t value;
	__asm__ volatile("ldr %0, [%1]" : "=r"(value) : "r"(at) : "memory");
	return value;
}

static inline void mmio_write(uintptr_t at, uint32_t value)
{
	__asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(at) : "memory");
}

static inline void mmio_write_64(uintptr_t at, uint64_t value)
{
	__asm__ volatile("str %0, [%1]" : : "r"(value), "r"(at) : "memory");
}

#endif
