/*
 * watched.h -- before everything else in a file that is "watched" under ThreadSanitizer: its
 * functions get a section of their own, so that machine/host/tsan_memory.c can tell who calls.
 */
#pragma clang section text = "watched"
