/*
 * names.c -- one listing of a folder under way.
 *
 * Whether the caller has room for a name is known when it is added, from what was handed over and
 * what waits in the buffer; so a name is never half given.
 *
 * Always true: `flushed` is the place behind the last name that the caller got, and `at` that
 * behind the last that is in the buffer.
 *
 * Locks: none.  Cost: each name is copied twice.
 */
#include "kernel/file/names.h"

#include "kernel/abi.h"

void names_open(struct file_names *names, struct io *to, uint64_t at)
{
	names->to = to;
	names->at = names->flushed = at;
	names->put = 0;
	names->used = 0;
	names->full = names->missed = false;
}

bool names_add(struct file_names *names, const char *name, size_t bytes, uint64_t number,
	       unsigned type, uint64_t next)
{
	const size_t whole = align_up(DIRENT_NAME + bytes + 1, 8);
	uint8_t *at = names->buffer + names->used;

	ASSERT(bytes <= NAME_BYTES_MAX && next > names->at && next <= INT64_MAX);
	if (names->full || names->used + whole > names->to->left) {
		names->full = true;
		return false;
	}
	if (names->used + whole > sizeof names->buffer) {
		names->missed = true;
		return false;
	}
	const struct abi_dirent entry = { .ino = number,
					  .next = (int64_t)next,
					  .bytes = (uint16_t)whole,
					  .type = (uint8_t)type };
	memset(at, 0, whole);
	memcpy(at, &entry, DIRENT_NAME);
	memcpy(at + DIRENT_NAME, name, bytes);
	names->used += (uint32_t)whole;
	names->at = next;
	return true;
}

bool names_flush(struct file_names *names)
{
	const bool more = names->missed && !names->full;
	const size_t moved = io_put(names->to, names->buffer, names->used);

	names->missed = false;
	if (moved != names->used) {
		names->full = true;
		return false;
	}
	names->put += (int64_t)moved;
	names->flushed = names->at;
	names->used = 0;
	return more;
}

int64_t names_answer(const struct file_names *names)
{
	if (names->put != 0) return names->put;
	if (names->to->faulted) return -ERR_FAULT;
	return names->full ? -ERR_INVAL : 0;
}
