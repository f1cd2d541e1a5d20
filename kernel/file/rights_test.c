/*
 * rights_test.c -- who may do what: every mode of a node, digit by digit; and by example what
 * folders, sticky ones, links and lent rights make of it.
 */
#include <stdlib.h>

#include "kernel/file/rights.h"
#include "kernel/file/test_file.h"

static const struct ids root = { 0, 0, NULL }, ann = { 1000, 50, NULL }, bob = { 1001, 50, NULL },
			eve = { 1002, 60, NULL };

static struct node *node_of(const char *path)
{
	struct node *n;

	EXPECT(tree_node(&view, path, 0, &n) == 0);
	node_drop(n); /* its name holds it */
	return n;
}

static struct node *made(const char *path, uint32_t mode, const struct ids *owner)
{
	EXPECT(make(path, mode, (mode & S_IFMT) == S_IFLNK ? "x" : NULL) == 0);
	struct node *n = node_of(path);
	node_set_owner(n, owner->uid, owner->gid);
	return n;
}

static bool may(const struct node *n, const struct ids *who, uint32_t what)
{
	const int answer = node_may(n, who, what);

	EXPECT(answer == 0 || answer == -ERR_ACCES);
	return answer == 0;
}

/* Somebody who is in the file's group besides others. */
static struct ids with_more(uint32_t gid)
{
	static struct gid_list *list;

	if (list == NULL) list = calloc(1, sizeof *list + 3 * sizeof list->gid[0]);
	EXPECT(list != NULL);
	list->count = 3;
	list->gid[0] = gid - 1;
	list->gid[1] = gid;
	list->gid[2] = gid + 9;
	return (struct ids){ 1003, 70, list };
}

/* All 512 modes: the owner by the first digit, even where that says less, and so on. */
static void modes(void)
{
	struct node *f = made("/f", S_IFREG | 0644, &ann), *d = made("/d", S_IFDIR | 0755, &ann);

	const struct ids dot = with_more(50);

	EXPECT(ids_has_gid(&dot, 49) && ids_has_gid(&dot, 59) && ids_has_gid(&dot, 70));
	EXPECT(!ids_has_gid(&dot, 48) && !ids_has_gid(&dot, 51) && !ids_has_gid(&dot, 60));
	for (uint32_t mode = 0; mode <= 0777; mode++) {
		node_set_mode(f, mode);
		node_set_mode(d, mode);
		for (uint32_t what = 0; what <= 7; what++) {
			EXPECT(may(f, &ann, what) == ((mode >> 6 & what) == what));
			EXPECT(may(f, &bob, what) == ((mode >> 3 & 7 & what) == what));
			EXPECT(may(f, &dot, what) == may(f, &bob, what));
			EXPECT(may(f, &eve, what) == ((mode & 7 & what) == what));
			EXPECT(may(d, &root, what));
			EXPECT(may(f, &root, what) == ((what & 1) == 0 || (mode & 0111) != 0));
		}
	}
	EXPECT(node_owned(f, &ann) == 0 && node_owned(f, &root) == 0);
	EXPECT(node_owned(f, &bob) == -ERR_PERM);
}

static void folders(void)
{
	struct node *d = made("/d", S_IFDIR | 0775, &ann), *n = made("/d/n", S_IFREG, &ann);

	EXPECT(folder_may_make(d, &bob) == 0 && folder_may_make(d, &eve) == -ERR_ACCES);
	EXPECT(folder_may_take(d, n, &bob) == 0 && folder_may_take(d, n, &eve) == -ERR_ACCES);
	node_set_mode(d, 01777);
	EXPECT(folder_may_make(d, &eve) == 0 && folder_may_take(d, n, &eve) == -ERR_PERM);
	EXPECT(folder_may_take(d, n, &ann) == 0 && folder_may_take(d, n, &root) == 0);
	node_set_owner(n, eve.uid, eve.gid);
	EXPECT(folder_may_take(d, n, &eve) == 0 && folder_may_take(d, n, &ann) == 0);
	EXPECT(folder_may_take(d, n, &bob) == -ERR_PERM);
	node_set_mode(d, 0666); /* to be written, not to be passed */
	EXPECT(folder_may_make(d, &ann) == -ERR_ACCES);
}

/* The tree asks: walks, what is made, taken away and moved. */
static void asked(void)
{
	struct node *d = made("/d", S_IFDIR | 0711, &root), *e = made("/e", S_IFDIR | 0777, &root);
	made("/d/n", S_IFREG | 0644, &root);
	made("/e/n", S_IFREG | 0600, &eve);

	view.ids = ann;
	EXPECT(there("/d/n") && error_of("/d/n", O_RDONLY) == 0);
	EXPECT(error_of("/d/n", O_RDWR) == -ERR_ACCES && error_of("/d", O_RDONLY) == -ERR_ACCES);
	EXPECT(error_of("/d/n", O_RDONLY | O_TRUNC) == -ERR_ACCES);
	EXPECT(error_of("/d/n", O_RDONLY | O_NOATIME) == -ERR_PERM);
	EXPECT(error_of("/d/m", O_RDWR | O_CREAT) == -ERR_ACCES && error_of("/d/n", O_PATH) == 0);
	EXPECT(unlinked("/d/n", false) == -ERR_ACCES && renamed("/d/n", "/e/m", 0) == -ERR_ACCES);
	EXPECT(renamed("/e/n", "/d/m", 0) == -ERR_ACCES);
	EXPECT(renamed("/e/n", "/d/n", RENAME_EXCHANGE) == -ERR_ACCES);
	EXPECT(error_of("/e/m", O_RDWR | O_CREAT) == 0 && stat_of("/e/m").uid == ann.uid);
	EXPECT(stat_of("/e/m").gid == ann.gid && renamed("/e/m", "/e/n", 0) == 0);
	node_set_mode(d, 0700);
	EXPECT(!there("/d/n") && error_of("/d/..", O_RDONLY) == -ERR_ACCES);
	/* A folder that goes elsewhere is written to. */
	view.ids = root;
	made("/e/in", S_IFDIR | 0755, &root);
	EXPECT(folder("/e/other") == 0);
	node_set_mode(node_of("/e/other"), 0777);
	view.ids = ann;
	EXPECT(renamed("/e/in", "/e/to", 0) == 0);
	EXPECT(renamed("/e/to", "/e/other/to", 0) == -ERR_ACCES);
	node_set_mode(node_of("/e/to"), 0777);
	EXPECT(renamed("/e/to", "/e/other/to", 0) == 0);
	/* A folder that gives its group on. */
	node_set_owner(e, 0, 77);
	node_set_mode(e, 02777);
	EXPECT(error_of("/e/g", O_RDWR | O_CREAT) == 0 && stat_of("/e/g").gid == 77);
	EXPECT(folder("/e/gd") == 0 && stat_of("/e/gd").gid == 77);
	EXPECT(stat_of("/e/gd").mode == (S_IFDIR | 02755));
	view.ids = root;
}

static void links(void)
{
	struct node *d = made("/d", S_IFDIR | 01777, &root), *l = made("/d/l", S_IFLNK, &ann);
	struct node *f = made("/f", S_IFREG | 0644, &ann);

	EXPECT(link_may_follow(l, d, &ann) == 0 && link_may_follow(l, d, &bob) == -ERR_ACCES);
	EXPECT(link_may_follow(l, d, &root) == -ERR_ACCES); /* it is not spared */
	node_set_owner(d, ann.uid, 0);
	EXPECT(link_may_follow(l, d, &bob) == 0);
	node_set_owner(d, 0, 0);
	node_set_mode(d, 0777);
	EXPECT(link_may_follow(l, d, &bob) == 0);
	EXPECT(node_may_link(f, &ann) == 0 && node_may_link(f, &bob) == -ERR_PERM);
	node_set_mode(f, 0664);
	EXPECT(node_may_link(f, &bob) == 0 && node_may_link(f, &eve) == -ERR_PERM);
	node_set_mode(f, 04666);
	EXPECT(node_may_link(f, &bob) == -ERR_PERM && node_may_link(f, &root) == 0);
	node_set_mode(f, 02676);
	EXPECT(node_may_link(f, &bob) == -ERR_PERM);
	node_set_mode(f, 02666);
	EXPECT(node_may_link(f, &bob) == 0 && node_may_link(l, &bob) == -ERR_PERM);
}

static void lent(void)
{
	struct node *f = made("/f", S_IFREG | 06777, &ann), *d = made("/d", S_IFDIR | 06777, &ann);

	EXPECT(node_lent_by_owner(f, &root) == 06000 && node_lent_by_owner(d, &root) == 0);
	EXPECT(node_lent_by_writer(f, &root) == 0 && node_lent_by_writer(f, &eve) == 06000);
	node_set_mode(f, 06767);
	EXPECT(node_lent_by_owner(f, &root) == 04000 && node_lent_by_owner(f, &bob) == 04000);
	EXPECT(node_lent_by_owner(f, &eve) == 06000);
	node_clear_mode(f, 04000);
	EXPECT((f->mode & S_PERMISSIONS) == 02767);
}

/* What is lent goes with the owner, and is asked for with him. */
static void hands(void)
{
	const uint32_t as_it_is = UINT32_MAX;
	struct node *f = made("/f", S_IFREG | 06755, &ann);
	uint32_t uid = 7, gid = 8;

	node_lends(f, &uid, &gid);
	EXPECT(uid == ann.uid && gid == ann.gid);
	EXPECT(node_change_owner(f, &root, 0, 0) == 0 && f->uid == 0 && f->gid == 0);
	EXPECT((f->mode & S_PERMISSIONS) == 0755);
	EXPECT(node_change_mode(f, &ann, 04755) == -ERR_PERM); /* she was asked for before */
	EXPECT(node_change_owner(f, &ann, as_it_is, ann.gid) == -ERR_PERM && f->gid == 0);
	uid = 7, gid = 8;
	node_lends(f, &uid, &gid);
	EXPECT(uid == 7 && gid == 8 && (f->mode & S_PERMISSIONS) == 0755);
	EXPECT(node_change_mode(f, &root, 02645) == 0);
	node_lends(f, &uid, &gid);
	EXPECT(uid == 7 && gid == 8); /* none of its group may execute it */
	node_set_owner(f, ann.uid, eve.gid + 100);
	EXPECT(node_change_mode(f, &ann, 02755) == 0 && (f->mode & S_PERMISSIONS) == 0755);
}

int main(void)
{
	static void (*const tests[])(void) = { modes, folders, asked, links, lent, hands };

	return files_main(tests, COUNT_OF(tests));
}
