#!/bin/sh
# image_test.sh OBJECTS_SH IMAGE SUITE_IN_IMAGE SUITE_IN_SUITE CHECKED_IMAGE -- the image that ships
# holds nothing of the suite: no sanitizer, coverage, engine or trace, and no target of its folders
# among what it links.
#
# The last two are the same list for a target of the suite, and an image under test: if those are as
# empty, the question has been asked wrongly and an empty answer means nothing.
set -u

failed=0
"$1" clean "$2" || failed=1
"$1" untraced "$2" || failed=1
if "$1" untraced "$5" >/dev/null; then
	echo "FAIL: the trace is not found even where it is"
	failed=1
fi
if [ -s "$3" ]; then
	echo "FAIL: the image links parts of the suite:"
	cat "$3"
	failed=1
fi
if [ ! -s "$4" ]; then
	echo "FAIL: the question finds nothing even where there is something"
	failed=1
fi
exit "$failed"
