/*
 * user_inline.h -- copies by accesses with EL0's rights, LDTR and STTR: permissions, TLB and faults
 * are a user's, and PAN does not count (DDI 0487, C6.2 "LDTR").
 *
 * As with every tried access (cpu_calls.S), this CPU's `probe` word says where to go on when one of
 * them faults, and vectors.S goes there with ESR_EL1 in x0.  Interrupts are masked, so nothing else
 * runs into it.  Sizes that calls have most, where the compiler knows them, stand in line; others
 * are cpu_user_in() and cpu_user_out().
 *
 * Cost: 32 bytes 12 instructions; a fault about 35.
 */
#ifndef MACHINE_AARCH64_USER_INLINE_H
#define MACHINE_AARCH64_USER_INLINE_H

/* cpu_calls.S: any size; 0, or ESR_EL1 when an access faulted. */
uint64_t cpu_user_in(void *to, uint64_t from, size_t bytes);
uint64_t cpu_user_out(const void *from, uint64_t to, size_t bytes);

/* `accesses` to users' memory at `user`, from or to the kernel's at `kernel`, by a, b, c and d. */
#define CPU_USER_TRY(user, kernel, accesses)                                                       \
	uint64_t a, b, c, d;                                                                       \
	register uint64_t esr __asm__("x0");                                                       \
	const void *cpu;                                                                           \
	__asm__ volatile("mrs %[cpu], tpidr_el1\n\t"                                               \
			 "adr x0, 9f\n\t"                                                          \
			 "str x0, [%[cpu], %[probe]]\n\t" accesses "mov x0, #0\n"                  \
			 "9: str xzr, [%[cpu], %[probe]]"                                          \
			 : "=&r"(esr), [cpu] "=&r"(cpu), [a] "=&r"(a), [b] "=&r"(b), [c] "=&r"(c), \
			   [d] "=&r"(d)                                                            \
			 : [u] "r"(user), [k] "r"(kernel), [probe] "i"(CPU_PROBE)                  \
			 : "memory");                                                              \
	return esr == 0

static inline bool cpu_user_in_4(void *to, uint64_t from)
{
	CPU_USER_TRY(from, to, "ldtr %w[a], [%[u]]\n\tstr %w[a], [%[k]]\n\t");
}

static inline bool cpu_user_in_8(void *to, uint64_t from)
{
	CPU_USER_TRY(from, to, "ldtr %[a], [%[u]]\n\tstr %[a], [%[k]]\n\t");
}

static inline bool cpu_user_in_16(void *to, uint64_t from)
{
	CPU_USER_TRY(from, to,
		     "ldtr %[a], [%[u]]\n\tldtr %[b], [%[u], #8]\n\t"
		     "stp %[a], %[b], [%[k]]\n\t");
}

static inline bool cpu_user_in_32(void *to, uint64_t from)
{
	CPU_USER_TRY(from, to,
		     "ldtr %[a], [%[u]]\n\tldtr %[b], [%[u], #8]\n\t"
		     "ldtr %[c], [%[u], #16]\n\tldtr %[d], [%[u], #24]\n\t"
		     "stp %[a], %[b], [%[k]]\n\tstp %[c], %[d], [%[k], #16]\n\t");
}

static inline bool cpu_user_out_4(uint64_t to, const void *from)
{
	CPU_USER_TRY(to, from, "ldr %w[a], [%[k]]\n\tsttr %w[a], [%[u]]\n\t");
}

static inline bool cpu_user_out_8(uint64_t to, const void *from)
{
	CPU_USER_TRY(to, from, "ldr %[a], [%[k]]\n\tsttr %[a], [%[u]]\n\t");
}

static inline bool cpu_user_out_16(uint64_t to, const void *from)
{
	CPU_USER_TRY(to, from,
		     "ldp %[a], %[b], [%[k]]\n\t"
		     "sttr %[a], [%[u]]\n\tsttr %[b], [%[u], #8]\n\t");
}

static inline bool cpu_user_out_32(uint64_t to, const void *from)
{
	CPU_USER_TRY(to, from,
		     "ldp %[a], %[b], [%[k]]\n\tldp %[c], %[d], [%[k], #16]\n\t"
		     "sttr %[a], [%[u]]\n\tsttr %[b], [%[u], #8]\n\t"
		     "sttr %[c], [%[u], #16]\n\tsttr %[d], [%[u], #24]\n\t");
}

#undef CPU_USER_TRY

static inline __attribute__((always_inline)) bool mach_user_in(void *to, uint64_t from,
							       size_t bytes)
{
	ASSERT_SLOW(mach_irq_masked() && bytes - 1 < MACH_USER_BYTES);
	switch (__builtin_constant_p(bytes) ? bytes : 0) {
	case 4: return cpu_user_in_4(to, from);
	case 8: return cpu_user_in_8(to, from);
	case 16: return cpu_user_in_16(to, from);
	case 32: return cpu_user_in_32(to, from);
	default: return cpu_user_in(to, from, bytes) == 0;
	}
}

static inline __attribute__((always_inline)) bool mach_user_out(uint64_t to, const void *from,
								size_t bytes)
{
	ASSERT_SLOW(mach_irq_masked() && bytes - 1 < MACH_USER_BYTES);
	switch (__builtin_constant_p(bytes) ? bytes : 0) {
	case 4: return cpu_user_out_4(to, from);
	case 8: return cpu_user_out_8(to, from);
	case 16: return cpu_user_out_16(to, from);
	case 32: return cpu_user_out_32(to, from);
	default: return cpu_user_out(from, to, bytes) == 0;
	}
}

#endif
