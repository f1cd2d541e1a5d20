/*
 * subjects.c -- all subjects, for the programs that serve every one: replay, the script tool, and
 * the kernel under test.  An engine's program has one_subject.c instead.
 */
#include "fuzz/frame/subject.h"

extern const struct subject canary_sched_subject;
extern const struct subject canary_smp_subject;
extern const struct subject canary_subject;
extern const struct subject cpio_subject;
extern const struct subject elf_subject;
extern const struct subject fdt_subject;
extern const struct subject futex_subject;
extern const struct subject heap_subject;
extern const struct subject kmalloc_smp_subject;
extern const struct subject kmalloc_subject;
extern const struct subject lock_subject;
extern const struct subject malloc_smp_subject;
extern const struct subject malloc_subject;
extern const struct subject page_subject;
extern const struct subject pagetable_subject;
extern const struct subject process_subject;
extern const struct subject runq_subject;
extern const struct subject sched_subject;
extern const struct subject signal_subject;
extern const struct subject slab_subject;
extern const struct subject space_smp_subject;
extern const struct subject syscall_subject;
extern const struct subject space_subject;
extern const struct subject timer_subject;
extern const struct subject usercopy_subject;
extern const struct subject wait_subject;

/* clang-format off */
const struct subject *const subjects[] = {
	&canary_sched_subject,
	&canary_smp_subject,
	&canary_subject,
	&cpio_subject,
	&elf_subject,
	&fdt_subject,
	&futex_subject,
	&heap_subject,
	&kmalloc_smp_subject,
	&kmalloc_subject,
	&lock_subject,
	&malloc_smp_subject,
	&malloc_subject,
	&page_subject,
	&pagetable_subject,
	&process_subject,
	&runq_subject,
	&sched_subject,
	&signal_subject,
	&slab_subject,
	&space_smp_subject,
	&syscall_subject,
	&space_subject,
	&timer_subject,
	&usercopy_subject,
	&wait_subject,
	NULL,
};
/* clang-format on */
