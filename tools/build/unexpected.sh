#!/bin/sh
# unexpected.sh -- reads a kernel's log: are there failures that nobody meant?
#
# A program that goes wrong on purpose says so first, in a line "deliberate: ID..." (kernel/check/deliberate.h);
# the ids are those of panics, and out-of-memory and hang.  Each line of the log that tells of a failure
# must have been announced by then.  Prints those that were not.
#
# Exit: 0 there is none; 1 there is.
awk '
/^deliberate: / { for (i = 2; i <= NF; i++) meant[$i] = 1; next }
/^panic: / { id = $2 }
/^then, while reporting: / { id = $4; sub(/:$/, "", id) }
/^  it panicked too: / { id = $4; sub(/:$/, "", id) }
/^out of memory: / { id = "out-of-memory" }
/^hang: / { id = "hang" }
id != "" { if (!(id in meant)) { print "unexpected: " $0; bad = 1 } id = "" }
END { exit bad }
'
