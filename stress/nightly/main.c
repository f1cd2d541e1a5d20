/*
 * main.c -- the nightly driver: everything the suite has, in turns, within a budget.
 *
 *	nightly --table FILE... --out FOLDER (--minutes N | --seconds N) [--jobs N] [--rounds N]
 *	        [--share SECONDS] [--only TEXT] [--commit HASH] [--environment TEXT] [--pin]
 *	nightly --table FILE... --list
 *
 * The loop: free places are filled (a finding that is owed its small form first, else plan.c's next
 * item), ended programs are judged, those past their patience are ended.  `stop` comes a little
 * before the budget's end, so that there is time to judge what is cut then, and for the page.
 *
 * A signal to end is taken as the end of the night: what was found is told.  The folder belongs to
 * one process at a time, by a lock that goes with the process, and to one night's programs, by a
 * lock that goes with the last of them.
 *
 * Exit status: 0 nothing wrong was seen; 1 a finding (of several kinds too); 2 usage;
 * 4 environment; 5 nothing but hangs; 6 nothing but panics of the kernel; 72 interrupted, and
 * nothing found.
 *
 * Locks: none but those on the folder.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "fuzz/frame/files.h"
#include "stress/nightly/finding.h"
#include "stress/nightly/night.h"

enum {
	STATUS_HANG = 5,
	STATUS_PANIC = 6,
	STATUS_INTERRUPTED = 72,
	LOOK_US = 100000,
	LOG_MOST_BYTES = 64 << 20
};

static struct night night;
static volatile sig_atomic_t interrupted;
static struct timespec began;

static struct {
	const char *out, *only;
	bool list, pin;
} chosen;

/* --- small answers ---------------------------------------------------------------------------- */

double night_now(const struct night *n)
{
	struct timespec now;
	(void)n;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)(now.tv_sec - began.tv_sec) + 1e-9 * (double)(now.tv_nsec - began.tv_nsec);
}

char *night_time(char *out)
{
	struct tm utc;
	const time_t now = time(NULL);
	strftime(out, TIME_ROOM, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &utc));
	return out;
}

char *night_path(const struct night *n, const char *name)
{
	return words_made("%s/%s", n->root, name);
}

char *night_findings(const struct night *n, const struct item *item)
{
	return night_path(n, item->must_find ? "canaries" : "findings");
}

int night_status(const struct night *n)
{
	uint32_t of[OUTCOMES] = { 0 }, sick = 0;
	for (uint32_t i = 0; i < n->notes; i++) of[n->note[i].outcome]++;
	for (uint32_t i = 0; i < n->table.items; i++)
		sick += n->table.item[i].ended[OUTCOME_ENVIRONMENT];
	if (of[OUTCOME_HANG] != 0 && of[OUTCOME_HANG] == n->notes) return STATUS_HANG;
	if (of[OUTCOME_PANIC] != 0 && of[OUTCOME_PANIC] == n->notes) return STATUS_PANIC;
	if (n->notes != 0) return EXIT_FINDING;
	if (n->trouble != NULL || sick != 0) return EXIT_ENVIRONMENT;
	return interrupted ? STATUS_INTERRUPTED : EXIT_OK;
}

/* --- arguments -------------------------------------------------------------------------------- */

static NORETURN void usage(const char *why, const char *what)
{
	fprintf(stderr,
		"nightly: %s%s\n"
		"usage: tools/bazel run //stress:nightly -- [FLAG...]\n"
		"  --minutes N   the budget (30)\n"
		"  --jobs N      programs side by side (the CPUs of this machine)\n"
		"  --rounds N    ends when everything had so many turns, if that is sooner\n"
		"  --share N     seconds that a turn takes at most (300)\n"
		"  --only TEXT   only items whose name has TEXT, as fuzz. or .space\n"
		"  --out FOLDER  where everything is kept (anvil-out/nightly)\n"
		"  --list        says what a night consists of\n",
		why, what);
	exit(EXIT_USAGE);
}

static NORETURN void give_up(const char *what, const char *why)
{
	fprintf(stderr, "nightly: %s: %s\n", what, why);
	exit(EXIT_ENVIRONMENT);
}

static void read_table(const char *path)
{
	struct words why = { 0 };
	if (!table_read(&night.table, path, &why)) give_up("table", words_text(&why));
	words_free(&why);
}

static double number_or_usage(const char *text, double most)
{
	char *end;
	const double value = strtod(text, &end);
	if (*text < '0' || *text > '9' || *end != '\0' || value <= 0 || value > most)
		usage("a number out of range: ", text);
	return value;
}

static void take(const char *flag, const char *value)
{
	if (value == NULL) usage("unknown or incomplete flag ", flag);
	if (strcmp(flag, "--table") == 0)
		read_table(value);
	else if (strcmp(flag, "--out") == 0)
		chosen.out = value;
	else if (strcmp(flag, "--only") == 0)
		chosen.only = value;
	else if (strcmp(flag, "--minutes") == 0)
		night.seconds = 60 * number_or_usage(value, 100000);
	else if (strcmp(flag, "--seconds") == 0)
		night.seconds = number_or_usage(value, 6000000);
	else if (strcmp(flag, "--rounds") == 0)
		night.plan.rounds = (uint32_t)number_or_usage(value, 1000000);
	else if (strcmp(flag, "--share") == 0)
		night.plan.share_most = number_or_usage(value, 100000);
	else if (strcmp(flag, "--jobs") == 0)
		night.plan.jobs = (uint32_t)number_or_usage(value, JOBS_MAX);
	else if (strcmp(flag, "--commit") == 0)
		night.commit = value;
	else if (strcmp(flag, "--environment") == 0)
		night.environment = value;
	else
		usage("unknown flag ", flag);
}

static void take_all(int argc, char **argv)
{
	const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	night.seconds = 30 * 60;
	night.plan.share_most = PLAN_SHARE_MOST_S;
	night.plan.jobs = cpus < 1 ? 1 : cpus > JOBS_MAX ? JOBS_MAX : (uint32_t)cpus;
	night.commit = "unknown";
	night.environment = "";
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--list") == 0)
			chosen.list = true;
		else if (strcmp(argv[i], "--pin") == 0)
			chosen.pin = true;
		else
			take(argv[i], argv[i + 1]), i++;
	}
	if (night.plan.jobs == 0) usage("no jobs", "");
}

/* --- opening and closing ---------------------------------------------------------------------- */

/* Items that are not wanted leave the table. */
static void keep_only(struct table *t, const char *text)
{
	uint32_t kept = 0;
	for (uint32_t i = 0; i < t->items; i++)
		if (text == NULL || strstr(t->item[i].name, text) != NULL)
			t->item[kept++] = t->item[i];
	t->items = kept;
	if (kept == 0) usage("no item has this in its name: ", text == NULL ? "" : text);
}

static int list(void)
{
	for (uint32_t i = 0; i < night.table.items; i++) puts(night.table.item[i].name);
	return EXIT_OK;
}

static char *absolute(const char *path)
{
	char *here = getcwd(NULL, 0);
	char *made = *path == '/' ? words_copy(path) : words_made("%s/%s", here, path);
	free(here);
	return made;
}

static void make_folders(void)
{
	static const char *const names[] = { "findings", "canaries", "corpus", "logs",
					     "pictures", "run",      "nights", "tmp" };
	for (unsigned i = 0; i < COUNT_OF(names); i++) {
		char *path = night_path(&night, names[i]);
		if (!folder_make(path)) give_up(path, strerror(errno));
		free(path);
	}
}

static int open_lock(const char *name)
{
	char *path = night_path(&night, name);
	const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
	if (fd < 0) give_up(path, strerror(errno));
	free(path);
	return fd;
}

/* Programs of a night that was killed run on until their leashes have ended them; what they find up
 * to then is to be kept, so they are waited for. */
static void lock_folder(void)
{
	if (flock(open_lock("lock"), LOCK_EX | LOCK_NB) != 0)
		give_up(night.root, "another night goes on here");
	night.alive = open_lock("alive");
	if (flock(night.alive, LOCK_EX) != 0) give_up("alive", strerror(errno));
}

static void tidy(void)
{
	static const char *const names[] = { "findings", "canaries" };
	char *temporary = night_path(&night, "tmp");
	folder_remove(temporary);
	folder_make(temporary);
	free(temporary);
	for (unsigned i = 0; i < COUNT_OF(names); i++) {
		char *path = night_path(&night, names[i]);
		finding_tidy(path);
		free(path);
	}
}

static void open_night(void)
{
	night.root = absolute(chosen.out == NULL ? "anvil-out/nightly" : chosen.out);
	if (!folder_make(night.root)) give_up(night.root, strerror(errno));
	make_folders();
	lock_folder();
	if (chosen.pin && !pin_programs(&night)) give_up("programs", "they cannot be copied");
	tidy();
	history_read(&night);
	char *ledger = night_path(&night, "ledger");
	if (!ledger_open(&night.ledger, ledger)) give_up(ledger, strerror(errno));
	free(ledger);
	night.nights++;
	if (!ledger_add(&night.ledger, "night at=%s commit=%s jobs=%u seconds=%.0f",
			night_time(night.began), night.commit, night.plan.jobs, night.seconds))
		give_up("ledger", strerror(errno));
	run_recover(&night);
}

static int close_night(void)
{
	char now[TIME_ROOM];
	const int status = night_status(&night);
	page_write(&night);
	summary_write(&night);
	ledger_add(&night.ledger, "close at=%s status=%d", night_time(now), status);
	fprintf(stderr, "nightly: report: %s/report.html\n", night.root);
	return status;
}

/* --- the loop --------------------------------------------------------------------------------- */

static void note_interrupt(int signal)
{
	(void)signal;
	interrupted = 1;
}

static bool nothing_runs(void)
{
	for (unsigned i = 0; i < night.plan.jobs; i++)
		if (night.running[i].used) return false;
	return true;
}

/* What those that run may still take, together. */
static void reckon(void)
{
	night.plan.now = night_now(&night);
	night.plan.promised = 0;
	for (unsigned i = 0; i < night.plan.jobs; i++) {
		const struct running *run = &night.running[i];
		const double left = run->since + run->share - night.plan.now;
		if (run->used && left > 0) night.plan.promised += left;
	}
}

static bool is_next_round_worth_it(void)
{
	if (night.plan.round == night.plan.rounds) return false;
	return night.plan.stop - night.plan.now >= PLAN_LEAST_S;
}

/* Gives a free place something to do; false when there is nothing. */
static bool fill(struct running *run)
{
	if (small_begin(&night, run)) return true;
	reckon();
	struct item *item = plan_next(&night.plan, &night.table);
	if (item == NULL && is_next_round_worth_it()) {
		night.plan.round++;
		item = plan_next(&night.plan, &night.table);
		if (item == NULL) night.plan.round--; /* all that there is runs */
	}
	if (item == NULL) return false;
	const double share = plan_share(&night.plan, &night.table, item);
	if (share <= 0) return false;
	item->round = night.plan.round;
	if (run_begin(&night, run, item, share)) return true;
	night.trouble = "a program could not be started";
	night.plan.stop = night.plan.now; /* no room, no processes: it would not be better soon */
	item->ended[OUTCOME_ENVIRONMENT]++;
	tell_line("%s: cannot be started: %s", item->name, strerror(errno));
	return false;
}

/* How long something may run beyond its share. */
static double patience_of(const struct running *run)
{
	return run->item == NULL ? 0 : run->item->patience_s;
}

/* Somebody who says so much fills the disk. */
static bool says_too_much(const struct running *run)
{
	struct stat s;
	char *log = words_made("%s/log", run->folder);
	const bool much = stat(log, &s) == 0 && s.st_size > LOG_MOST_BYTES;
	free(log);
	return much;
}

static void look_after(struct running *run, bool over)
{
	const double age = night_now(&night) - run->since;
	if (leash_ended(&run->leash, &run->ending.status)) {
		if (run->item == NULL)
			small_end(&night, run);
		else
			run_end(&night, run);
	} else if (over && !run->ending.cut && !run->ending.overdue) {
		run->ending.cut = true;
		leash_let_go(&run->leash);
	} else if (!run->ending.flood && says_too_much(run)) {
		run->ending.flood = true;
		leash_let_go(&run->leash);
	} else if (age > run->share + patience_of(run) && !run->ending.cut) {
		run->ending.overdue = true;
		leash_let_go(&run->leash);
	}
}

static void go_through_the_night(void)
{
	bool over = false;
	night.plan.round = 1;
	while (!over || !nothing_runs()) {
		over = over || interrupted || night_now(&night) >= night.plan.stop;
		bool idle = over;
		for (unsigned i = 0; i < night.plan.jobs; i++) {
			struct running *run = &night.running[i];
			if (run->used)
				look_after(run, over);
			else if (!idle)
				idle = !fill(run);
		}
		over = over || (idle && nothing_runs());
		tell_progress(&night);
		usleep(LOOK_US);
	}
}

/* Time for what is to be done when nothing may run any more. */
static double reserve(double seconds)
{
	const double part = seconds / 20;
	return part < 1 ? 1 : part > 15 ? 15 : part;
}

int main(int argc, char **argv)
{
	clock_gettime(CLOCK_MONOTONIC, &began);
	take_all(argc, argv);
	keep_only(&night.table, chosen.only);
	if (chosen.list) return list();
	unsetenv("BUILD_WORKING_DIRECTORY"); /* what we start would go there */
	const struct sigaction end = { .sa_handler = note_interrupt };
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGHUP, &end, NULL);
	signal(SIGPIPE, SIG_IGN);
	night.interrupted = &interrupted;
	open_night();
	night.plan.stop = night.seconds - reserve(night.seconds);
	go_through_the_night();
	return close_night();
}
