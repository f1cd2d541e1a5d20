/*
 * cpio_score.c -- subject cpio: archives, and the trees that they must become, as a score.
 *
 * What is due is what the model says where there is room for any number of files, up to the first
 * entry that must be refused.  Where Linux has another rule for one before that, it is due on ours
 * alone, and what is due on all kernels is up to that one; with folders that are missing on the
 * way, which Linux does not make, written in front.
 *
 * Locks: none.
 */
#include "fuzz/cpio_subject.h"
#include "fuzz/frame/score.h"

enum { FOLDERS_DEEP = 16 };

void cpio_score_opens(struct run *run)
{
	score_say(run->score, "player tree\n");
}

void cpio_score_fresh(struct run *run)
{
	score_say(run->score, "fresh\n");
}

void cpio_score_trailer(struct run *run)
{
	score_say(run->score, "trailer\n");
}

void cpio_score_zeroes(struct run *run, uint32_t bytes)
{
	score_say(run->score, "zeroes %u\n", bytes);
}

static void say_bytes(struct run *run, const void *at, uint32_t bytes)
{
	if (bytes == 0)
		score_say(run->score, " -");
	else
		score_bytes(run->score, at, bytes);
}

void cpio_score_entry(struct run *run, const struct cpio_written *w, const void *contents)
{
	if (run->score == NULL) return;
	score_say(run->score, "entry %s 0x%x %u %u", cpio_names[w->name], w->kind | w->permissions,
		  w->links, w->ino);
	say_bytes(run, contents, w->bytes);
	score_say(run->score, "\n");
}

/* --- what it becomes -------------------------------------------------------------------------- */

static void say_path(struct run *run, const struct cpio_state *s, const struct model_name *n)
{
	const struct model_name *part[FOLDERS_DEEP];
	uint32_t deep = 0;

	for (int32_t folder = n->folder; folder != MODEL_ROOT; deep++) {
		uint32_t i = 0;
		while (s->names[i].folder < 0 || s->names[i].node != folder) i++;
		ASSERT(i < s->name_count && deep < FOLDERS_DEEP);
		part[deep] = &s->names[i];
		folder = s->names[i].folder;
	}
	while (deep-- != 0) score_say(run->score, "%s/", part[deep]->text);
	score_say(run->score, "%s", n->text);
}

/* FNV-1a (Fowler, Noll, Vo), 64 bits. */
static uint64_t cpio_sum(const uint8_t *at, uint32_t bytes)
{
	uint64_t sum = 0xcbf29ce484222325ull;

	for (uint32_t i = 0; i < bytes; i++) sum = (sum ^ at[i]) * 0x100000001b3ull;
	return sum;
}

static void say_node(struct run *run, const struct cpio_state *s, const struct model_node *n)
{
	const char *text = cpio_texts[n->text];
	const bool folder = n->kind == S_IFDIR, link = n->kind == S_IFLNK;
	const uint32_t bytes = link ? (uint32_t)text_bytes(text) : n->bytes;

	score_say(run->score, " 0x%x %u %u", n->kind | n->permissions, folder ? 0 : n->links,
		  n->kind == S_IFREG || link ? bytes : 0);
	if (link)
		score_bytes(run->score, text, bytes);
	else
		score_say(run->score, " 0x%lx",
			  (unsigned long)cpio_sum(s->archive + n->contents, n->bytes));
	score_say(run->score, "\n");
}

static void say_tree(struct run *run, uint32_t count, bool ours)
{
	const struct cpio_state *s = state_of(run);

	(void)model_unpack(run, count);
	score_say(run->score, "unpack %u %s\n", count, ours ? "ours" : "all");
	for (uint32_t i = 0; i < s->way_count && !ours; i++) {
		score_say(run->score, "way %u ", s->ways[i].entry);
		say_path(run, s, &s->names[s->ways[i].name]);
		score_say(run->score, "\n");
	}
	score_say(run->score, "there .");
	say_node(run, s, &s->nodes[MODEL_ROOT]);
	for (uint32_t i = 0; i < s->name_count; i++) {
		if (s->names[i].folder < 0) continue;
		score_say(run->score, "there ");
		say_path(run, s, &s->names[i]);
		say_node(run, s, &s->nodes[s->names[i].node]);
	}
	score_say(run->score, "unpacked\n");
}

void cpio_score_unpack(struct run *run)
{
	struct cpio_state *s = state_of(run);

	if (run->score == NULL) return;
	s->nodes_most = MODEL_NODES;
	const int32_t refused = model_unpack(run, s->count), apart = s->apart;
	const uint32_t whole = refused >= 0 ? (uint32_t)refused : s->count;
	const bool ways = s->way_count != 0;
	const bool differs = apart != MODEL_DONE && (uint32_t)apart < whole;
	say_tree(run, differs ? (uint32_t)apart : whole, false);
	if (differs || ways) say_tree(run, whole, true);
	s->nodes_most = CPIO_NODES;
}

/* Not where this world has less room than others. */
void cpio_score_refused(struct run *run, const struct cpio_fault *fault)
{
	const struct cpio_state *s = state_of(run);

	if (run->score == NULL || s->bytes == 0 || text_is(fault->why, "no memory for it") ||
	    text_is(fault->why, "more files than there may be"))
		return;
	score_say(run->score, "boot");
	score_bytes(run->score, s->archive, s->bytes);
	score_say(run->score, " = %lu %s\n", (unsigned long)fault->offset, fault->why);
}
