/*
 * boot.S -- from the loader's jump to the first C code, for the CPU that booted and the others.
 *
 * The arm64 boot protocol: MMU off, x0 = physical address of the device tree, the image loaded
 * IMAGE_OFFSET bytes above a 2 MiB boundary, anywhere.  A CPU that PSCI starts comes to
 * secondary_start with x0 = its struct machine_cpu (an address in the kernel window).
 *
 *   1. Exception vectors that can only power off, so that nothing dies in silence.
 *   2. EL2 to EL1, if need be, leaving timer and GIC open to EL1.
 *   3. First CPU only: clear .bss, and tables with the image and the device tree's surroundings in
 *      2 MiB blocks, writable and executable, until mmu.c has made the real ones.
 *   4. MMU on: TTBR0 maps the gigabyte this code lies in to itself, for a few instructions more.
 *   5. The kernel window: TTBR0 to a table of nothing (address 0 faults from here on), own stack,
 *      real vectors, C.
 *
 * What is written with the MMU off is invalidated from the caches afterwards: a stale line there
 * must not come back later.
 */
#include "layout.h"

#define TABLE 3
#define BLOCK 0x705		/* normal memory, inner shareable, accessed */
#define SCTLR_OFF 0x30d00800	/* bits that must be 1; MMU and caches off */
/* M, C, SA, I as well; for users SA0, and DZE, UCT, UCI (DC ZVA, CTR_EL0, caches' upkeep) and nTWE
 * (WFE) work, as on Linux; WFI traps.  Not WXN, which users would obey too. */
#define SCTLR_ON 0x34d4d81d
#define SCTLR_SPAN (1 << 23)	/* clear: PAN is set at every exception; 1 where there is no PAN */
#define MAIR 0xff04		/* 0: device nGnRE; 1: normal, write-back */
/* 48 bits in both halves, 4 KiB pages, write-back inner-shareable walks, ASIDs in TTBR0; the top
 * byte of users' addresses is ignored (TBI0) */
#define TCR 0x20b5103510
#define CNTKCTL_VIRTUAL 2	/* users may read CNTVCT_EL0, and nothing else of the timers */
#define MDSCR_TDCC (1 << 12)	/* nor talk to a debugger */
#define TCR_ASID_16 (1 << 36)
#define PSCI_SYSTEM_OFF 0x84000008

	.section .head, "ax"
	.global image_head
image_head:
	b	boot_start
	.long	0
	.quad	IMAGE_OFFSET
	.quad	image_bytes
	.quad	0xa			/* little-endian, 4 KiB pages, anywhere in memory */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

boot_start:
	msr	daifset, #0xf
	mov	x20, x0			/* the device tree */
	bl	boot_level
	adr	x21, image_head		/* the image */
	sub	x1, x21, #IMAGE_OFFSET
	tst	x1, #(0x200000 - 1)
	b.ne	boot_dead

	adrp	x1, bss_start
	adrp	x2, bss_end
1:	stp	xzr, xzr, [x1], #16
	cmp	x1, x2
	b.lo	1b

	/* TTBR0: the gigabyte we are in, to itself */
	adrp	x1, boot_low_top
	adrp	x2, boot_low_giga
	orr	x3, x2, #TABLE
	ubfx	x4, x21, #39, #9
	str	x3, [x1, x4, lsl #3]
	ubfx	x4, x21, #30, #9
	and	x3, x21, #~((1 << 30) - 1)
	mov	x5, #BLOCK
	orr	x3, x3, x5
	str	x3, [x2, x4, lsl #3]

	/* TTBR1: the window, its first two gigabytes */
	adrp	x1, boot_top
	adrp	x2, boot_giga
	adrp	x3, boot_image
	adrp	x4, boot_tree
	orr	x6, x2, #TABLE
	str	x6, [x1, #(256 * 8)]
	orr	x6, x3, #TABLE
	orr	x7, x4, #TABLE
	stp	x6, x7, [x2]

	sub	x6, x21, #IMAGE_OFFSET	/* image, in 2 MiB blocks */
	orr	x6, x6, x5
	adrp	x7, image_end
2:	str	x6, [x3], #8
	add	x6, x6, #0x200000
	cmp	x6, x7
	b.lo	2b

	and	x6, x20, #0x0000ffffffe00000 /* device tree: its block and the next */
	orr	x6, x6, x5
	add	x7, x6, #0x200000
	stp	x6, x7, [x4]

	dsb	sy
	adrp	x1, bss_start
	adrp	x2, bss_end
	mrs	x3, ctr_el0
	ubfx	x3, x3, #16, #4
	mov	x4, #4
	lsl	x3, x4, x3		/* bytes in a cache line */
3:	dc	ivac, x1
	add	x1, x1, x3
	cmp	x1, x2
	b.lo	3b
	dsb	sy

	ldr	x19, =machine_cpus
	adrp	x25, boot_top
	b	boot_mmu_on

	.global secondary_start
secondary_start:
	msr	daifset, #0xf
	mov	x19, x0
	mov	x20, #0
	adr	x21, image_head
	bl	boot_level
	adrp	x25, kernel_table
	ldr	x25, [x25, :lo12:kernel_table]

/* x19 this CPU, x20 device tree or 0, x21 image, x25 TTBR1 */
boot_mmu_on:
	mov	x1, #MAIR
	msr	mair_el1, x1
	ldr	x1, =TCR
	mrs	x2, id_aa64mmfr0_el1
	ubfx	x3, x2, #4, #4		/* ASIDs: 0 of 8 bits, 2 of 16 */
	cbz	x3, 1f
	orr	x1, x1, #TCR_ASID_16
1:	and	x2, x2, #0xf		/* physical address bits; more than 48 need other tables */
	mov	x3, #5
	cmp	x2, x3
	csel	x2, x2, x3, lo
	orr	x1, x1, x2, lsl #32
	msr	tcr_el1, x1
	adrp	x2, boot_low_top
	msr	ttbr0_el1, x2
	msr	ttbr1_el1, x25
	isb
	tlbi	vmalle1
	ic	iallu
	dsb	nsh
	isb
	ldr	x2, =SCTLR_ON
	mrs	x3, id_aa64mmfr1_el1
	ubfx	x3, x3, #20, #4		/* PAN */
	cbz	x3, 1f
	bic	x2, x2, #SCTLR_SPAN
1:	msr	sctlr_el1, x2
	isb
	ldr	x2, =boot_high
	br	x2

	.balign 2048
boot_vectors:
	.rept 16
	.balign 128
	b	boot_dead
	.endr

/* Nothing is known of the machine yet: PSCI by whichever call is not undefined, then rest. */
	.global boot_dead
boot_dead:
	adr	x1, boot_dead_smc
	mrs	x2, CurrentEL
	cmp	x2, #(2 << 2)
	b.eq	1f
	msr	vbar_el1, x1
	b	2f
1:	msr	vbar_el2, x1
2:	isb
	ldr	x0, =PSCI_SYSTEM_OFF
	hvc	#0
	.balign 2048
boot_dead_smc:
	.rept 16
	.balign 128
	ldr	x0, =PSCI_SYSTEM_OFF
	smc	#0
1:	wfi
	b	1b
	.endr
	.ltorg

/* Comes back at EL1 with the MMU off.  Uses x1, x2. */
boot_level:
	adr	x1, boot_vectors
	mrs	x2, CurrentEL
	cmp	x2, #(1 << 2)
	b.eq	boot_level_1
	cmp	x2, #(2 << 2)
	b.ne	boot_dead
	msr	vbar_el2, x1
	msr	vbar_el1, x1
	mov	x2, #(1 << 31)		/* EL1 is AArch64; nothing else is trapped or virtual */
	msr	hcr_el2, x2
	isb
	mov	x2, #3			/* the counter and timer are EL1's */
	msr	cnthctl_el2, x2
	msr	cntvoff_el2, xzr
	mov	x2, #0x33ff		/* FP and SIMD are EL1's business */
	msr	cptr_el2, x2
	msr	hstr_el2, xzr
	msr	vttbr_el2, xzr
	mrs	x2, midr_el1
	msr	vpidr_el2, x2
	mrs	x2, mpidr_el1
	msr	vmpidr_el2, x2
	mrs	x2, id_aa64pfr0_el1
	ubfx	x2, x2, #24, #4
	cbz	x2, 1f
	mrs	x2, s3_4_c12_c9_5	/* ICC_SRE_EL2: the GIC by system registers, for EL1 too */
	mov	x1, #9
	orr	x2, x2, x1
	msr	s3_4_c12_c9_5, x2
	isb
	msr	s3_4_c12_c11_0, xzr	/* ICH_HCR_EL2 */
1:	ldr	x2, =SCTLR_OFF
	msr	sctlr_el1, x2
	mov	x2, #0x3c5		/* EL1 with its own stack pointer, all masked */
	msr	spsr_el2, x2
	msr	elr_el2, x30
	eret
boot_level_1:
	msr	vbar_el1, x1
	ldr	x2, =SCTLR_OFF
	msr	sctlr_el1, x2
	isb
	ret

	.section .text.boot_high, "ax"
	.type boot_high, %function
boot_high:
	msr	tpidr_el1, x19
	ldr	x1, [x19, #CPU_STACK_HIGH]
	mov	sp, x1
	ldr	x1, =exception_vectors
	msr	vbar_el1, x1
	msr	cpacr_el1, xzr		/* FP and SIMD trap */
	msr	tpidr_el0, xzr
	msr	tpidrro_el0, xzr	/* users can read it */
	mov	x1, #CNTKCTL_VIRTUAL
	msr	cntkctl_el1, x1
	mov	x1, #MDSCR_TDCC
	msr	mdscr_el1, x1
	mrs	x1, id_aa64dfr0_el1
	ubfx	x1, x1, #8, #4		/* event counters: 0 none, 15 not the architecture's */
	sub	x1, x1, #1
	cmp	x1, #14
	b.hs	2f
	msr	pmuserenr_el0, xzr
2:
	adrp	x1, boot_nothing
	adrp	x2, image_head
	sub	x1, x1, x2
	add	x1, x1, x21
	msr	ttbr0_el1, x1
	mrs	x1, id_aa64mmfr1_el1
	ubfx	x1, x1, #20, #4
	cbz	x1, 1f
	.inst	0xd500419f		/* msr pan, #1: users' pages only by LDTR and STTR */
1:	isb
	tlbi	vmalle1
	dsb	nsh
	isb
	mov	x0, x19
	mov	x1, x20
	mov	x2, x21
	mov	x29, #0			/* the end of every backtrace */
	mov	x30, #0
	ldr	x3, [x19, #CPU_ENTRY]
	br	x3
	.ltorg
	.size boot_high, . - boot_high

/*
 * mmu_switch(x0 = new TTBR1): between two sets of tables that map the same window in blocks of
 * different sizes.  No translation of the window may be live meanwhile, so this runs from the
 * identity map: that to TTBR0, jump low, TTBR1 to a table of nothing, flush, new TTBR1, jump back,
 * TTBR0 to the table of nothing.
 */
	.section .text.mmu_switch, "ax"
	.global mmu_switch
	.type mmu_switch, %function
mmu_switch:
	ldr	x9, =KERNEL_WINDOW
	ldr	x10, =boot_image_pa
	ldr	x10, [x10]
	sub	x10, x10, #IMAGE_OFFSET	/* window address + x10 - x9 = physical */
	sub	x10, x10, x9
	ldr	x1, =boot_low_top
	add	x1, x1, x10
	msr	ttbr0_el1, x1
	isb
	ldr	x4, =boot_nothing
	add	x4, x4, x10
	ldr	x5, =mmu_switch_low
	add	x5, x5, x10
	adr	x6, 1f
	br	x5
1:	msr	ttbr0_el1, x4
	isb
	tlbi	vmalle1
	dsb	nsh
	isb
	ret
	.ltorg
	.size mmu_switch, . - mmu_switch

	.section .head, "ax"
mmu_switch_low:
	msr	ttbr1_el1, x4
	isb
	tlbi	vmalle1
	dsb	nsh
	isb
	msr	ttbr1_el1, x0
	isb
	br	x6

	.section .bss.boot, "aw", %nobits
	.balign 4096
boot_low_top:
	.skip 4096
boot_low_giga:
	.skip 4096
boot_top:
	.skip 4096
boot_giga:
	.skip 4096
boot_image:
	.skip 4096
boot_tree:
	.skip 4096
	.global boot_nothing
boot_nothing:			/* stays empty: what is installed when no space is */
	.skip 4096
