/*
 * proc_text.c -- texts: made in one go, read in pieces.
 *
 * An open text belongs to its file and is guarded by the file's turn, which reading takes.  It is
 * made anew whenever it is read from its start, so who keeps it open and goes back to 0 sees what
 * is so now; between that nothing changes under a reader.
 *
 * Cost: a text is as long as what it tells of, and lies in kmalloc's memory while it is open.
 */
#include "kernel/abi.h"
#include "kernel/procfs/proc_inside.h"
#include "machine/format.h"

enum { FIRST_ROOM = 512, LINE_ROOM = 320 };

struct text_file {
	proc_write *write;
	struct view view; /* who opened it */
	char *at;
	size_t bytes;
};

/* --- growing ---------------------------------------------------------------------------------- */

static bool grow(struct proc_text *t, size_t need)
{
	size_t room = t->room != 0 ? t->room : FIRST_ROOM;
	while (room < need) room *= 2;
	char *at = kmalloc_realloc(t->memory, t->at, room, 0, SITE_NONE, NULL);
	if (at == NULL) return false;
	t->at = at;
	t->room = room;
	return true;
}

void proc_add(struct proc_text *t, const char *bytes, size_t count)
{
	if (t->failed || count == 0) return; /* there may be no text at all yet */
	if (t->bytes + count > t->room && !grow(t, t->bytes + count)) {
		t->failed = true;
		return;
	}
	memcpy(t->at + t->bytes, bytes, count);
	t->bytes += count;
}

void proc_print(struct proc_text *t, const char *format, ...)
{
	char line[LINE_ROOM];
	va_list args;
	va_start(args, format);
	const size_t bytes = format_text_v(line, sizeof(line), format, args);
	va_end(args);
	proc_add(t, line, bytes);
}

/* --- files ------------------------------------------------------------------------------------ */

static void give(struct kmalloc *memory, void *p)
{
	const enum kmalloc_verdict v = kmalloc_free(memory, p);
	ASSERT(v == KMALLOC_FREED || v == KMALLOC_NOTHING);
}

/* -ERR_SRCH: the process is gone. */
static int make(struct file *f)
{
	struct text_file *own = f->object;
	struct task_world *w = proc_world(f->node);
	struct proc_about about = {
		.world = w, .tree = f->node->tree, .view = &own->view, .id = proc_id_of(f->node)
	};
	struct proc_text text = { .memory = w->config.memory };
	if (about.id.pid != 0 && !task_look(w, about.id.pid, &about.task)) return -ERR_SRCH;
	own->write(&text, &about);
	if (text.failed) {
		give(text.memory, text.at);
		return -ERR_NOMEM;
	}
	give(text.memory, own->at);
	own->at = text.at;
	own->bytes = text.bytes;
	return 0;
}

static int64_t text_read(struct file *f, struct io *to, uint64_t *at)
{
	struct text_file *own = f->object;
	const int made = *at == 0 || own->at == NULL ? make(f) : 0;
	if (made != 0) return made;
	if (*at >= own->bytes) return 0;
	const size_t bytes = io_put(to, own->at + *at, own->bytes - (size_t)*at);
	*at += bytes;
	return io_answer(to, bytes);
}

static void text_close(struct file *f)
{
	struct text_file *own = f->object;
	give(f->world->memory, own->at);
	give(f->world->memory, own);
}

static const struct file_ops text_ops = {
	.read = text_read,
	.close = text_close,
	.has_place = true,
};

struct file *proc_text_open(struct node *n, const struct view *v, uint32_t flags, proc_write *write,
			    int *error)
{
	struct kmalloc *memory = n->tree->config.files->memory;
	struct text_file *own = kmalloc_alloc(memory, sizeof(*own), KM_ZERO, SITE_NONE);
	*error = -ERR_NOMEM;
	if (own == NULL) return NULL;
	own->write = write;
	own->view = (struct view){ .tree = n->tree, .who = v->who };
	struct file *f = file_create(n->tree->config.files, &text_ops, flags, n, own, error);
	if (f == NULL) give(memory, own);
	return f;
}
