/*
 * input.h -- a script from a file of any of the three forms.
 */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include "fuzz/frame/subject.h"

enum input_form { INPUT_STORED, INPUT_TEXT, INPUT_RAW };

struct input {
	enum input_form form;
	const struct subject *subject;
	const char *expects; /* the oracle that is to fire, or NULL */
	uint8_t *body;       /* exactly `bytes` long, so that a read past its end is seen */
	size_t bytes;
};

enum { INPUT_SAID = 512 };

/*
 * Reads a file.  A raw body says nothing of its subject and gets `subject`, which may be NULL
 * where there is none to give; a stored or text script of another subject is refused when
 * `subject` is not NULL.  False: said[INPUT_SAID] holds one line that names the file.
 */
bool input_read(const char *path, const struct subject *subject, struct input *input, char *said);

/* The same from bytes that are there already; `path` is for messages. */
bool input_open(const char *path, const uint8_t *file, size_t bytes, const struct subject *subject,
		struct input *input, char *said);

void input_close(struct input *input);

#endif
