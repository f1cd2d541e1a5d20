/*
 * script_file.c -- the envelope around a stored script.
 *
 * A raw body is always legal, so damage to it would go unnoticed: a cut or flipped file would
 * still run, find nothing, and count as passed.  What is kept (corpora, findings) is therefore
 * stored with its length, its subject and a checksum, and refused when they disagree.
 *
 * The magic begins with a byte that is no text and ends with a line feed, so that a transfer
 * which rewrites line ends or clears high bits is seen for what it is.
 *
 * Always true:
 *   F1  script_file_open() says STORED only when every bit of the file is covered: by comparison
 *       (magic, version, length) or by the CRC, which detects any single burst of up to 32 bits;
 *   F2  nothing after the magic is believed before the CRC has been seen to be right, except the
 *       version: a newer layout may have its checksum elsewhere.
 *
 * Which oracle a script is expected to fire (the text's !expect line) belongs to what is stored,
 * not to the body: it must not change what runs.  It is kept as a hash of the id, so that ids can
 * be added and sorted freely.
 *
 * Locks: none.  Cost: one pass over the file, four bits at a time: some 3 ns a byte.
 */
#include "fuzz/frame/bytes.h"
#include "fuzz/frame/oracle.h"
#include "fuzz/frame/subject.h"
#include "machine/machine.h"

enum {
	MAGIC_BYTES = 6,
	AT_VERSION = MAGIC_BYTES,
	AT_NAME = AT_VERSION + 2,
	AT_LENGTH = AT_NAME + SCRIPT_NAME_MAX,
	AT_EXPECTED = AT_LENGTH + 4,
	AT_CHECKSUM = AT_EXPECTED + 4,
};

_Static_assert(AT_CHECKSUM + 4 == SCRIPT_ENVELOPE_BYTES, "the envelope has no gaps");

static const uint8_t magic[MAGIC_BYTES] = { 0xab, 'A', 'n', 'v', 'l', '\n' };

/* The CRC-32 of IEEE 802.3 (reflected polynomial 0xedb88320), continued from `crc`. */
static uint32_t crc32_more(uint32_t crc, const uint8_t *at, size_t bytes)
{
	/* What a half byte that leaves the register brings back into it. */
	static const uint32_t brought[16] = {
		0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4,
		0x4db26158, 0x5005713c, 0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c,
		0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
	};
	crc = ~crc;
	for (size_t i = 0; i < bytes; i++) {
		crc ^= at[i];
		crc = crc >> 4 ^ brought[crc & 15];
		crc = crc >> 4 ^ brought[crc & 15];
	}
	return ~crc;
}

static uint32_t file_checksum(const uint8_t *file, size_t bytes)
{
	const uint32_t head = crc32_more(0, file, AT_CHECKSUM);
	return crc32_more(head, file + SCRIPT_ENVELOPE_BYTES, bytes - SCRIPT_ENVELOPE_BYTES);
}

static uint32_t oracle_hash(const char *id)
{
	size_t length = 0;
	while (id[length] != '\0') length++;
	return crc32_more(0, (const uint8_t *)id, length) | 1; /* never 0 */
}

const char *script_file_word(enum script_file f)
{
	static const char *const words[] = {
		[SCRIPT_FILE_STORED] = "sound",
		[SCRIPT_FILE_RAW] = "a raw body",
		[SCRIPT_FILE_CUT_SHORT] = "damaged: its length is not what it says",
		[SCRIPT_FILE_VERSION] = "made by a newer Anvil",
		[SCRIPT_FILE_CHECKSUM] = "damaged: its checksum is wrong",
		[SCRIPT_FILE_SUBJECT] = "for a subject that is not here",
	};
	ASSERT((size_t)f < COUNT_OF(words));
	return words[f];
}

enum script_file script_file_open(const uint8_t *file, size_t bytes, const uint8_t **body,
				  size_t *body_bytes, char *name)
{
	if (bytes < MAGIC_BYTES || memcmp(file, magic, MAGIC_BYTES) != 0) {
		*body = file;
		*body_bytes = bytes;
		return SCRIPT_FILE_RAW;
	}
	if (bytes < SCRIPT_ENVELOPE_BYTES) return SCRIPT_FILE_CUT_SHORT;
	if (get_u16(file + AT_VERSION) != SCRIPT_VERSION) return SCRIPT_FILE_VERSION;
	if (get_u32(file + AT_LENGTH) != bytes - SCRIPT_ENVELOPE_BYTES)
		return SCRIPT_FILE_CUT_SHORT;
	if (get_u32(file + AT_CHECKSUM) != file_checksum(file, bytes)) return SCRIPT_FILE_CHECKSUM;
	memcpy(name, file + AT_NAME, SCRIPT_NAME_MAX);
	name[SCRIPT_NAME_MAX] = '\0';
	if (subject_find(name) == NULL) return SCRIPT_FILE_SUBJECT;
	*body = file + SCRIPT_ENVELOPE_BYTES;
	*body_bytes = bytes - SCRIPT_ENVELOPE_BYTES;
	return SCRIPT_FILE_STORED;
}

size_t script_file_make(const char *subject_name, const uint8_t *body, size_t body_bytes,
			uint8_t *out, size_t room)
{
	size_t name_bytes = 0;
	while (subject_name[name_bytes] != '\0') name_bytes++;
	if (name_bytes > SCRIPT_NAME_MAX || body_bytes > SCRIPT_BODY_MAX) return 0;
	if (room < SCRIPT_ENVELOPE_BYTES + body_bytes) return 0;

	memset(out, 0, SCRIPT_ENVELOPE_BYTES);
	memcpy(out, magic, MAGIC_BYTES);
	put_u16(out + AT_VERSION, SCRIPT_VERSION);
	memcpy(out + AT_NAME, subject_name, name_bytes);
	put_u32(out + AT_LENGTH, (uint32_t)body_bytes);
	if (body_bytes != 0) memcpy(out + SCRIPT_ENVELOPE_BYTES, body, body_bytes);
	const size_t bytes = SCRIPT_ENVELOPE_BYTES + body_bytes;
	put_u32(out + AT_CHECKSUM, file_checksum(out, bytes));
	return bytes;
}

const char *script_file_expects(const uint8_t *file)
{
	const uint32_t hash = get_u32(file + AT_EXPECTED);
	if (hash == 0) return NULL;
	for (unsigned i = 0; oracle_ids[i] != NULL; i++)
		if (oracle_hash(oracle_ids[i]) == hash) return oracle_ids[i];
	return "unknown";
}

void script_file_expect(uint8_t *file, size_t bytes, const char *oracle)
{
	put_u32(file + AT_EXPECTED, oracle == NULL ? 0 : oracle_hash(oracle));
	put_u32(file + AT_CHECKSUM, file_checksum(file, bytes));
}
