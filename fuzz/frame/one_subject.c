/*
 * one_subject.c -- the list of subjects of an engine's program: the one it was built for, which
 * the rule names (tools/build/fuzz.bzl).
 */
#include "fuzz/frame/subject.h"

extern const struct subject ONE_SUBJECT;

const struct subject *const subjects[] = { &ONE_SUBJECT, NULL };
