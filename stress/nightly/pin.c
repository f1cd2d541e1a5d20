/*
 * pin.c -- the programs of a night stay what they were when it began.
 *
 * A night takes hours in which somebody builds another tree, and Bazel replaces programs where they
 * lie: half of the night would be of another commit than its report says.  So everything below the
 * folder in which we stand is linked or, on another disk, copied into the output folder, and we go
 * there.  Links do: what Bazel replaces is a new file.
 *
 * Locks: none; the output folder's is held.  Cost: a second at most, or the programs' size on disk.
 */
#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress/nightly/finding.h"
#include "stress/nightly/night.h"

extern char **environ;

static bool copies(const char *how, const char *to)
{
	char *argv[] = { words_copy("cp"), words_copy(how), words_copy("."), words_copy(to), NULL };
	posix_spawn_file_actions_t quiet;
	pid_t cp;
	int status = -1;
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addclose(&quiet, STDERR_FILENO);
	if (posix_spawnp(&cp, "cp", &quiet, NULL, argv, environ) == 0) waitpid(cp, &status, 0);
	posix_spawn_file_actions_destroy(&quiet);
	for (unsigned i = 0; argv[i] != NULL; i++) free(argv[i]);
	return status == 0;
}

bool pin_programs(const struct night *night)
{
	char *to = night_path(night, "programs");
	folder_remove(to);
	bool done = copies("-rlL", to);
	if (!done) {
		folder_remove(to);
		done = copies("-rL", to);
	}
	done = done && chdir(to) == 0;
	free(to);
	return done;
}
