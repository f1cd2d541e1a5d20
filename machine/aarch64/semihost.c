/*
 * semihost.c -- Arm semihosting, version 2 (HLT 0xF000, operation in w0, block in x1).
 *
 * A read blocks the CPU in the host, time standing still; a driver uses that as its hand-shake.
 * Handles are the host's.  The console handle is opened at the first semihost_print().
 *
 * Always true: no instruction of this file runs while `enabled` is false, but semihost_detect().
 */
#include "semihost.h"

#include "cpu.h"

enum {
	SYS_OPEN = 0x01,
	SYS_CLOSE = 0x02,
	SYS_WRITE = 0x05,
	SYS_READ = 0x06,
	SYS_SEEK = 0x0a,
	SYS_FLEN = 0x0c,
	SYS_ERRNO = 0x13,
	SYS_EXIT_EXTENDED = 0x20,
	STOPPED_APPLICATION_EXIT = 0x20026,
};

static bool enabled;

void semihost_enable(void)
{
	enabled = true;
}

bool semihost_enabled(void)
{
	return enabled;
}

/* The host's answer, or -1 when there is none. */
static int64_t ask(uint64_t operation, const void *block)
{
	if (!enabled) return -1;
	uint64_t faulted = 0;
	const uint64_t answer = cpu_semihost(operation, block, &faulted);
	if (faulted != 0) {
		enabled = false;
		return -1;
	}
	return (int64_t)answer;
}

bool semihost_detect(void)
{
	uint64_t faulted = 0;
	cpu_semihost(SYS_ERRNO, NULL, &faulted);
	enabled = faulted == 0;
	return enabled;
}

void semihost_exit(int status)
{
	const uint64_t block[2] = { STOPPED_APPLICATION_EXIT, (uint64_t)status };
	ask(SYS_EXIT_EXTENDED, block);
}

int64_t semihost_open(const char *name, enum semihost_mode mode)
{
	uint64_t length = 0;
	while (name[length] != 0) length++;
	const uint64_t block[3] = { (uintptr_t)name, mode, length };
	return ask(SYS_OPEN, block);
}

bool semihost_close(int64_t handle)
{
	const uint64_t block[1] = { (uint64_t)handle };
	return ask(SYS_CLOSE, block) == 0;
}

/* Both transfers answer with the number of bytes that were NOT moved. */
static size_t transfer(uint64_t operation, int64_t handle, uintptr_t at, size_t bytes)
{
	const uint64_t block[3] = { (uint64_t)handle, at, bytes };
	const int64_t left = ask(operation, block);
	return left < 0 || (uint64_t)left > bytes ? 0 : bytes - (uint64_t)left;
}

size_t semihost_read(int64_t handle, void *to, size_t bytes)
{
	return transfer(SYS_READ, handle, (uintptr_t)to, bytes);
}

size_t semihost_write(int64_t handle, const void *from, size_t bytes)
{
	return transfer(SYS_WRITE, handle, (uintptr_t)from, bytes);
}

int64_t semihost_length(int64_t handle)
{
	const uint64_t block[1] = { (uint64_t)handle };
	return ask(SYS_FLEN, block);
}

bool semihost_seek(int64_t handle, uint64_t at)
{
	const uint64_t block[2] = { (uint64_t)handle, at };
	return ask(SYS_SEEK, block) == 0;
}

void semihost_print(const char *text, size_t bytes)
{
	static int64_t handle = -1;
	if (handle < 0) handle = semihost_open(":tt", SEMIHOST_WRITE);
	if (handle >= 0) semihost_write(handle, text, bytes);
}
