/*
 * input.c -- a script from a file of any of the three forms.
 *
 * Which form is decided by content: the envelope's magic makes it stored, a first word "subject"
 * makes it text, all else is a raw body, which is always legal.  What claims to be stored or text
 * and is damaged is refused with one line; it never falls back to raw, or a torn file in a corpus
 * would run as noise and pass.
 *
 * Always true: the body is a block of exactly its length, so that ASan sees a read past its end.
 *
 * Locks: none.  Cost: the file is held twice for a moment.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/frame/files.h"
#include "fuzz/frame/input.h"
#include "fuzz/frame/text.h"

enum { FILE_MAX = 8 << 20 };

static bool refuse(char *said, const char *path, const char *why)
{
	snprintf(said, INPUT_SAID, "%s: %s", path, why);
	return false;
}

static void take_body(struct input *input, const uint8_t *body, size_t bytes)
{
	input->body = malloc(bytes == 0 ? 1 : bytes);
	if (input->body == NULL) abort();
	memcpy(input->body, body, bytes);
	input->bytes = bytes;
}

static bool open_text(const char *path, const char *text, size_t bytes, struct input *input,
		      char *said)
{
	static uint8_t body[SCRIPT_BODY_MAX];
	struct text_script script = { .body = body };
	struct text_fault fault;
	input->form = INPUT_TEXT;
	if (!text_read(text, bytes, &script, &fault)) {
		snprintf(said, INPUT_SAID, "%s:%u: %s", path, fault.line, fault.said);
		return false;
	}
	input->subject = script.subject;
	input->expects = script.expects;
	take_body(input, body, script.bytes);
	return true;
}

static bool open_stored(const char *path, const uint8_t *file, size_t bytes, struct input *input,
			char *said)
{
	char name[SCRIPT_NAME_MAX + 1];
	const uint8_t *body = NULL;
	size_t body_bytes = 0;
	const enum script_file form = script_file_open(file, bytes, &body, &body_bytes, name);
	if (form != SCRIPT_FILE_STORED && form != SCRIPT_FILE_RAW)
		return refuse(said, path, script_file_word(form));
	input->form = form == SCRIPT_FILE_RAW ? INPUT_RAW : INPUT_STORED;
	if (form == SCRIPT_FILE_STORED) {
		input->subject = subject_find(name);
		input->expects = script_file_expects(file);
	}
	take_body(input, body, min_u64(body_bytes, SCRIPT_BODY_MAX));
	return true;
}

bool input_open(const char *path, const uint8_t *file, size_t bytes, const struct subject *subject,
		struct input *input, char *said)
{
	*input = (struct input){ .subject = NULL };
	const bool opened = text_is((const char *)file, bytes)
				    ? open_text(path, (const char *)file, bytes, input, said)
				    : open_stored(path, file, bytes, input, said);
	if (!opened) return false;
	if (input->form == INPUT_RAW) input->subject = subject;
	if (subject == NULL || input->subject == subject) return true;
	snprintf(said, INPUT_SAID, "%s: a script for %s, not for %s", path, input->subject->name,
		 subject->name);
	input_close(input);
	return false;
}

bool input_read(const char *path, const struct subject *subject, struct input *input, char *said)
{
	static uint8_t file[FILE_MAX]; /* to poison so much anew takes longer than to run it */
	size_t bytes;
	if (!disk_read(path, file, sizeof(file), &bytes))
		return refuse(said, path, strerror(errno));
	return input_open(path, file, bytes, subject, input, said);
}

void input_close(struct input *input)
{
	free(input->body);
	input->body = NULL;
}
