/*
 * user.h -- what calls ask of their task: its world, its space, and bytes of its memory.
 */
#ifndef KERNEL_SYSCALL_USER_H
#define KERNEL_SYSCALL_USER_H

#include "kernel/syscall/syscall.h"
#include "mm/usercopy.h"

static inline const struct task_config *config_of(const struct task *t)
{
	return &t->group->world->config;
}

/* The caller's. */
static inline struct space *space_of(const struct task *t)
{
	return t->space;
}

/* 0 or -ERR_FAULT. */
static inline int from_user(const struct task *t, void *to, uint64_t from, size_t bytes)
{
	return user_copy_in(space_of(t), to, from, bytes) == 0 ? 0 : -ERR_FAULT;
}

static inline int to_user(const struct task *t, uint64_t to, const void *from, size_t bytes)
{
	return user_copy_out(space_of(t), to, from, bytes) == 0 ? 0 : -ERR_FAULT;
}

#endif
