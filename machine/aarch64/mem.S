/*
 * mem.S -- memcpy, memmove, memset, memcmp.
 *
 * Plain registers only (the FP/SIMD trap stays on in the kernel), unaligned accesses allowed
 * (SCTLR.A is clear and all of this touches normal memory only).  Sixteen bytes per pair; the last
 * 1 to 15 bytes byte by byte.  A copy of 64 and more goes by four pairs at a time, all of which are
 * read before any is written, so that memmove() may use it.  memset to zero uses DC ZVA for whole
 * blocks where the CPU permits it: 64 bytes of zero in one instruction, so a page costs about 160
 * instructions.
 *
 * Cost: about 10 instructions per 64 bytes copied, 3 per 16 filled, 2.25 per block zeroed.
 */
#include "machine/aarch64/function.h"

/* memcpy(x0 to, x1 from, x2 bytes) */
FUNCTION memcpy
	mov	x3, x0
	subs	x2, x2, #64
	b.lo	6f
5:	ldp	x4, x5, [x1], #64
	ldp	x6, x7, [x1, #-48]
	ldp	x8, x9, [x1, #-32]
	ldp	x10, x11, [x1, #-16]
	stp	x4, x5, [x3], #64
	stp	x6, x7, [x3, #-48]
	stp	x8, x9, [x3, #-32]
	stp	x10, x11, [x3, #-16]
	subs	x2, x2, #64
	b.hs	5b
6:	adds	x2, x2, #64
	b.eq	4f
	subs	x2, x2, #16
	b.lo	2f
1:	ldp	x4, x5, [x1], #16
	stp	x4, x5, [x3], #16
	subs	x2, x2, #16
	b.hs	1b
2:	adds	x2, x2, #16
	b.eq	4f
3:	ldrb	w4, [x1], #1
	strb	w4, [x3], #1
	subs	x2, x2, #1
	b.ne	3b
4:	ret
END memcpy

/* memmove(x0 to, x1 from, x2 bytes): upward unless `to` lies inside [from, from + bytes) */
FUNCTION memmove
	mov	x3, x0
	sub	x4, x0, x1
	cmp	x4, x2
	b.hs	.Lcopy_up_far
	add	x1, x1, x2
	add	x3, x3, x2
	subs	x2, x2, #16
	b.lo	2f
1:	ldp	x4, x5, [x1, #-16]!
	stp	x4, x5, [x3, #-16]!
	subs	x2, x2, #16
	b.hs	1b
2:	adds	x2, x2, #16
	b.eq	4f
3:	ldrb	w4, [x1, #-1]!
	strb	w4, [x3, #-1]!
	subs	x2, x2, #1
	b.ne	3b
4:	ret
.Lcopy_up_far:
	b	memcpy
END memmove

/* memset(x0 to, w1 byte, x2 bytes) */
FUNCTION memset
	mov	x3, x0
	ands	w1, w1, #0xff
	b.ne	.Lfill
	cmp	x2, #256
	b.lo	.Lfill
	mrs	x4, dczid_el0
	tbnz	x4, #4, .Lfill		/* DZP: not permitted */
	and	w4, w4, #0xf
	mov	x5, #4
	lsl	x4, x5, x4		/* bytes in a block */
	cmp	x2, x4, lsl #1
	b.lo	.Lfill
	sub	x5, x4, #1
	neg	x6, x3			/* up to a block's start, and a little beyond */
	ands	x6, x6, x5
	b.eq	2f
	mov	x7, x3
	add	x3, x3, x6
	sub	x2, x2, x6
1:	stp	xzr, xzr, [x7], #16
	subs	x6, x6, #16
	b.hi	1b
2:	subs	x2, x2, x4, lsl #3	/* eight blocks at a time, then one */
	b.lo	4f
3:	dc	zva, x3
	add	x3, x3, x4
	dc	zva, x3
	add	x3, x3, x4
	dc	zva, x3
	add	x3, x3, x4
	dc	zva, x3
	add	x3, x3, x4
	dc	zva, x3
	add	x3, x3, x4
	dc	zva, x3
	add	x3, x3, x4
	dc	zva, x3
	add	x3, x3, x4
	dc	zva, x3
	add	x3, x3, x4
	subs	x2, x2, x4, lsl #3
	b.hs	3b
4:	adds	x2, x2, x4, lsl #3
	b.eq	4f
5:	subs	x2, x2, x4
	b.lo	6f
	dc	zva, x3
	add	x3, x3, x4
	b	5b
6:	add	x2, x2, x4
.Lfill:
	orr	w1, w1, w1, lsl #8
	orr	w1, w1, w1, lsl #16
	orr	x1, x1, x1, lsl #32
	subs	x2, x2, #16
	b.lo	2f
1:	stp	x1, x1, [x3], #16
	subs	x2, x2, #16
	b.hs	1b
	adds	x2, x2, #16
	b.eq	4f
	add	x3, x3, x2		/* the rest, and some of what is before it again */
	stp	x1, x1, [x3, #-16]
	ret
2:	adds	x2, x2, #16
	b.eq	4f
3:	strb	w1, [x3], #1
	subs	x2, x2, #1
	b.ne	3b
4:	ret
END memset

/* memcmp(x0 a, x1 b, x2 bytes): eight at a time while they are equal */
FUNCTION memcmp
	subs	x2, x2, #8
	b.lo	2f
1:	ldr	x3, [x0]
	ldr	x4, [x1]
	cmp	x3, x4
	b.ne	2f
	add	x0, x0, #8
	add	x1, x1, #8
	subs	x2, x2, #8
	b.hs	1b
2:	adds	x2, x2, #8
	b.eq	4f
3:	ldrb	w3, [x0], #1
	ldrb	w4, [x1], #1
	subs	w3, w3, w4
	b.ne	5f
	subs	x2, x2, #1
	b.ne	3b
4:	mov	w3, #0
5:	mov	w0, w3
	ret
END memcmp
