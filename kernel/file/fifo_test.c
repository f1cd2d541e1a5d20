/*
 * fifo_test.c -- pipes with a name: who is let in at once, who waits for whom, what ends the
 * waiting, and that nothing of a pipe outlasts its last file.
 */
#include "kernel/answer.h"
#include "kernel/file/pipe.h"
#include "kernel/file/test_file.h"

static char buffer[64];
static uint32_t done; /* what the other threads have got done */

static struct file *fifo(uint32_t flags, int wanted)
{
	int error = 0;
	struct file *f = tree_open(&view, "/p", flags, 0644, &error);

	EXPECT(error == wanted && (f == NULL) == (error != 0));
	return f;
}

static uint32_t poll_now(struct file *f)
{
	return f->ops->poll(f, NULL);
}

static void *pipe_there(void)
{
	struct node *n;

	EXPECT(tree_node(&view, "/p", 0, &n) == 0);
	void *object = n->object;
	node_drop(n);
	return object;
}

/* --- without waiting -------------------------------------------------------------------------- */

static void at_once(void)
{
	EXPECT(make("/p", S_IFIFO | 0600, NULL) == 0 && make("/p", S_IFIFO, NULL) == -ERR_EXIST);
	fifo(O_WRONLY | O_NONBLOCK, -ERR_NXIO);
	fifo(O_ACCMODE | O_NONBLOCK, -ERR_INVAL);
	EXPECT(pipe_there() == NULL);
	struct file *r = fifo(O_RDONLY | O_NONBLOCK, 0);
	EXPECT(file_is_pipe(r) && pipe_there() != NULL);
	EXPECT(get(r, buffer, 9, NULL) == 0 && put(r, "x", 1, NULL) == -ERR_BADF);
	EXPECT(poll_now(r) == 0); /* nobody has come yet, so nobody has gone */
	struct file *w = fifo(O_WRONLY | O_NONBLOCK, 0);
	EXPECT(get(r, buffer, 9, NULL) == -ERR_AGAIN && get(w, buffer, 1, NULL) == -ERR_BADF);
	EXPECT(put(w, "hello", 5, NULL) == 5 && get(r, buffer, 2, NULL) == 2);
	struct file *late = fifo(O_RDONLY | O_NONBLOCK, 0);
	file_drop(w);
	EXPECT(poll_now(r) == (POLLIN | POLLRDNORM | POLLHUP));
	EXPECT(get(late, buffer, 9, NULL) == 3 && memcmp(buffer, "llo", 3) == 0);
	EXPECT(poll_now(r) == POLLHUP && poll_now(late) == POLLHUP);
	file_drop(late);
	late = fifo(O_RDONLY | O_NONBLOCK, 0);
	EXPECT(poll_now(late) == 0 && poll_now(r) == POLLHUP);
	file_drop(late);
	file_drop(r);
	EXPECT(pipe_there() == NULL);
}

static void both(void)
{
	EXPECT(make("/p", S_IFIFO | 0600, NULL) == 0);
	struct file *b = fifo(O_RDWR, 0);
	EXPECT(put(b, "abc", 3, NULL) == 3 && get(b, buffer, 1, NULL) == 1);
	EXPECT(poll_now(b) == (POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM));
	struct file *w = fifo(O_WRONLY, 0); /* there is a reader */
	file_drop(b);
	EXPECT(put(w, "d", 1, NULL) == -ERR_PIPE);
	EXPECT(poll_now(w) == (POLLOUT | POLLWRNORM | POLLERR));
	struct file *r = fifo(O_RDONLY, 0);
	EXPECT(get(r, buffer, 9, NULL) == 2 && memcmp(buffer, "bc", 2) == 0);
	/* The name may go; what is open stays. */
	EXPECT(unlinked("/p", false) == 0);
	EXPECT(put(w, "e", 1, NULL) == 1 && get(r, buffer, 9, NULL) == 1);
	EXPECT(make("/p", S_IFIFO | 0600, NULL) == 0);
	EXPECT(pipe_there() == NULL);
	fifo(O_WRONLY | O_NONBLOCK, -ERR_NXIO);
	/* What was in it when the last left is lost. */
	EXPECT(put(w, "lost", 4, NULL) == 4);
	file_drop(w);
	file_drop(r);
}

static void without_room(void)
{
	EXPECT(make("/p", S_IFIFO | 0600, NULL) == 0);
	fw.most = 0;
	fifo(O_RDWR, -ERR_NFILE);
	EXPECT(pipe_there() == NULL);
	fw.most = TEST_OPEN_FILES;
	struct file *r = fifo(O_RDONLY | O_NONBLOCK, 0);
	fw.most = 1;
	fifo(O_WRONLY, -ERR_NFILE);
	EXPECT(pipe_there() != NULL && get(r, buffer, 1, NULL) == 0); /* and it is not there */
	fw.most = TEST_OPEN_FILES;
	file_drop(r);
}

/* --- waiting ---------------------------------------------------------------------------------- */

static void opens(void *flags)
{
	struct file *f = fifo((uint32_t)(uintptr_t)flags, 0);

	done++;
	file_drop(f);
}

static void wait_a_little(void)
{
	struct wait_queue queue;

	wait_init(&queue, RANK_MUTEX);
	const mach_irq_t was = wait_enter(&queue);
	(void)wait_sleep(&tw->sched, &queue, mach_now_ns() + 1000);
	wait_leave(&queue, was);
}

static void meets(void)
{
	EXPECT(make("/p", S_IFIFO | 0600, NULL) == 0);
	done = 0;
	const process_id reader = child(opens, (void *)O_RDONLY);
	wait_a_little();
	EXPECT(done == 0 && pipe_there() != NULL);
	struct file *w = fifo(O_WRONLY, 0);
	wait_for(reader, PROCESS_EXITED, 0);
	EXPECT(done == 1 && poll_now(w) == (POLLOUT | POLLWRNORM | POLLERR));
	/* Several wait for one; that it has gone again meanwhile does not matter. */
	file_drop(w);
	const process_id a = child(opens, (void *)O_WRONLY), b = child(opens, (void *)O_WRONLY);
	wait_a_little();
	EXPECT(done == 1);
	struct file *r = fifo(O_RDONLY | O_NONBLOCK, 0);
	file_drop(r);
	wait_for(a, PROCESS_EXITED, 0);
	wait_for(b, PROCESS_EXITED, 0);
	EXPECT(done == 3 && pipe_there() == NULL);
}

static void waits_in_vain(void *flags)
{
	fifo((uint32_t)(uintptr_t)flags, RESTART_SYS);
	done++;
}

/* Who is killed while it waits was never there. */
static void kills(void)
{
	EXPECT(make("/p", S_IFIFO | 0600, NULL) == 0);
	done = 0;
	const process_id r = child(waits_in_vain, (void *)O_RDONLY);
	wait_a_little();
	EXPECT(pipe_there() != NULL);
	EXPECT(process_kill(W, r, 9) == 0);
	wait_for(r, PROCESS_KILLED, 9);
	EXPECT(done == 1 && pipe_there() == NULL);
	fifo(O_WRONLY | O_NONBLOCK, -ERR_NXIO);
	const process_id w = child(waits_in_vain, (void *)O_WRONLY);
	wait_a_little();
	struct node *n;
	EXPECT(tree_node(&view, "/p", 0, &n) == 0);
	EXPECT(process_kill(W, w, 9) == 0);
	wait_for(w, PROCESS_KILLED, 9);
	EXPECT(n->object == NULL);
	node_drop(n);
}

int main(void)
{
	static void (*const tests[])(void) = { at_once, both, without_room, meets, kills };

	return files_main(tests, COUNT_OF(tests));
}
