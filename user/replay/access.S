/*
 * access.S -- accesses that may fault, and tasks that begin on stacks of their own.
 *
 * A handler of faults in [access_begins, access_ends) goes on at access_failed, with what the
 * access came to in x0 (play.h).
 */
	.global	access_store, access_load, access_begins, access_ends, access_failed
	.global	spawn_at, call_raw

access_begins:
/* x0 address, x1 value */
access_store:
	str	x1, [x0]
	mov	x0, #0
	ret
/* x0 address, x1 where the value goes */
access_load:
	ldr	x2, [x0]
access_ends:
	str	x2, [x1]
	mov	x0, #0
access_failed:
	ret

/* x0 flags of clone(), x1 the stack's top, x2 the actor, which the new task plays for good */
spawn_at:
	mov	x9, x2
	mov	x2, #0
	mov	x3, #0
	mov	x4, #0
	mov	x8, #220	/* clone */
	svc	#0
	cbz	x0, 1f
	ret
1:	mov	x29, #0
	mov	x30, #0
	mov	x0, x9
	b	actor_plays

/* x0 number, x1 six arguments */
call_raw:
	mov	x8, x0
	mov	x9, x1
	ldp	x0, x1, [x9]
	ldp	x2, x3, [x9, #16]
	ldp	x4, x5, [x9, #32]
	svc	#0
	ret

	.section .note.GNU-stack, "", %progbits
