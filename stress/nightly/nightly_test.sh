[ -z "$(ls -A "$out/run")" ] ||#!/bin/sh
[ -z "$(ls -A "$out/run")" ] ||# nightly_test.sh CASE NIGHTLY_SH DRIVER REPLAY MINIMISE CANARY_BIN CANARY_CORPUS CANARY_DICT
[ -z "$(ls -A "$out/run")" ] ||#
[ -z "$(ls -A "$out/run")" ] ||# The real driver over small tables of our own:
[ -z "$(ls -A "$out/run")" ] ||#
[ -z "$(ls -A "$out/run")" ] ||#	finds      the real canary is found, kept, made small, replayed; the summary and the page
[ -z "$(ls -A "$out/run")" ] ||#	hangs      what never ends is ended, and all that it started; statuses of all kinds
[ -z "$(ls -A "$out/run")" ] ||#	killed     kill -9, in the middle of a finding and at many moments: nothing is lost, no seed is
[ -z "$(ls -A "$out/run")" ] ||#	           used twice, nothing runs on
[ -z "$(ls -A "$out/run")" ] ||#	later      made small in a later night; a torn ledger; a folder half made; seeds go on
[ -z "$(ls -A "$out/run")" ] ||#	errors     wrong flags and tables, no room, two at once, a signal
[ -z "$(ls -A "$out/run")" ] ||#
[ -z "$(ls -A "$out/run")" ] ||# Nothing here asks how fast anything is: --rounds ends a night when all had their turn, and its
[ -z "$(ls -A "$out/run")" ] ||# time is far more than that takes.
[ -z "$(ls -A "$out/run")" ] ||set -u
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||fail() {
[ -z "$(ls -A "$out/run")" ] ||	echo "FAIL: $*" >&2
[ -z "$(ls -A "$out/run")" ] ||	[ ! -f "$here/said" ] || cat "$here/said" >&2
[ -z "$(ls -A "$out/run")" ] ||	exit 1
[ -z "$(ls -A "$out/run")" ] ||}
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||row() { # NAME KIND EXPECTS PATIENCE LEAST MOST COMMAND AGAIN
[ -z "$(ls -A "$out/run")" ] ||	printf 'item\t%s\t%s\t%s\t1\t%s\t%s\t%s\t%s\t%s\n' "$@" >>"$here/table"
[ -z "$(ls -A "$out/run")" ] ||}
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||stub() { # NAME: standard input becomes a program
[ -z "$(ls -A "$out/run")" ] ||	cat >"$here/$1"
[ -z "$(ls -A "$out/run")" ] ||	chmod +x "$here/$1"
[ -z "$(ls -A "$out/run")" ] ||}
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||night() { # STATUS [FLAG...]: a round, unless flags say otherwise
[ -z "$(ls -A "$out/run")" ] ||	want=$1
[ -z "$(ls -A "$out/run")" ] ||	shift
[ -z "$(ls -A "$out/run")" ] ||	"$driver" --table "$here/table" --out "$out" --commit c0ffee --environment "machine: none
[ -z "$(ls -A "$out/run")" ] ||" --seconds 900 --share 1 --rounds 1 "$@" >"$here/summary" 2>"$here/said" </dev/null
[ -z "$(ls -A "$out/run")" ] ||	status=$?
[ -z "$(ls -A "$out/run")" ] ||	[ $status -eq "$want" ] || fail "status $status, not $want: $* $(cat "$here/summary")"
[ -z "$(ls -A "$out/run")" ] ||}
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||ledger_has() { # PATTERN...
[ -z "$(ls -A "$out/run")" ] ||	for pattern; do
[ -z "$(ls -A "$out/run")" ] ||		grep -q -e "$pattern" "$out/ledger" || fail "no '$pattern' in: $(cat "$out/ledger")"
[ -z "$(ls -A "$out/run")" ] ||	done
[ -z "$(ls -A "$out/run")" ] ||}
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||# No item begins twice with one seed, and no line but perhaps torn ones lacks its dot.
[ -z "$(ls -A "$out/run")" ] ||sound_ledger() {
[ -z "$(ls -A "$out/run")" ] ||	twice=$(sed -n 's/^begin \(item=[^ ]* seed=[0-9]*\) .*/\1/p' "$out/ledger" | sort | uniq -d)
[ -z "$(ls -A "$out/run")" ] ||	[ -z "$twice" ] || fail "begun twice: $twice"
[ -z "$(ls -A "$out/run")" ] ||}
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||# What every finding has, and its replay's last word.
[ -z "$(ls -A "$out/run")" ] ||sound_finding() { # FOLDER
[ -z "$(ls -A "$out/run")" ] ||	for part in report environment replay seen; do
[ -z "$(ls -A "$out/run")" ] ||		[ -s "$1/$part" ] || fail "no $part in $1"
[ -z "$(ls -A "$out/run")" ] ||	done
[ -z "$(ls -A "$out/run")" ] ||	[ -f "$1/log" ] || fail "no log in $1"
[ -z "$(ls -A "$out/run")" ] ||	grep -q '^commit' "$1/environment" || grep -q '^machine' "$1/environment" ||
[ -z "$(ls -A "$out/run")" ] ||		fail "no environment in $1"
[ -z "$(ls -A "$out/run")" ] ||}
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||# All that it shows is in it.
[ -z "$(ls -A "$out/run")" ] ||sound_page() {
[ -z "$(ls -A "$out/run")" ] ||	page=$out/report.html
[ -z "$(ls -A "$out/run")" ] ||	grep -q '</html>' "$page" || fail "no whole page"
[ -z "$(ls -A "$out/run")" ] ||	! grep -n -i -E '(src|href)="?(http|//|file|[a-z/.])|url\(|<link|<script|<img|@import' "$page" ||
[ -z "$(ls -A "$out/run")" ] ||		fail "the page leans on others"
[ -z "$(ls -A "$out/run")" ] ||}
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||canary_rows() { # EXPECTS [small]
[ -z "$(ls -A "$out/run")" ] ||	row fuzz.canary engine "$1" 300 0 0 "$canary -seed={seed} -runs=1000000 -artifact_prefix={run}/found/ \
[ -z "$(ls -A "$out/run")" ] ||-dict=$dict -print_final_stats=1 -print_funcs=0 {corpus} $corpus/seeds" \
[ -z "$(ls -A "$out/run")" ] ||		'tools/bazel run //tools:replay -- {script}'
[ -z "$(ls -A "$out/run")" ] ||	row hunt.canary hunt "$1" 300 0 0 "$replay --hunt canary --seed {seed} --out {run}/found" \
[ -z "$(ls -A "$out/run")" ] ||		'tools/bazel run //tools:replay -- {script}'
[ -z "$(ls -A "$out/run")" ] ||	[ "${2:-}" != small ] ||
[ -z "$(ls -A "$out/run")" ] ||		printf 'small\tcanary\t%s --subject canary --budget 300 -o {small} {script}\n' \
[ -z "$(ls -A "$out/run")" ] ||			"$minimise" >>"$here/table"
[ -z "$(ls -A "$out/run")" ] ||}
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||passing_rows() {
[ -z "$(ls -A "$out/run")" ] ||	row fuzz.passes engine clean 300 0 0 "$here/passes" 'do {seed}'
[ -z "$(ls -A "$out/run")" ] ||	row stress.draws.2 stress clean 300 10 1000 "$here/draws {run} {size}" 'do {seed} {size}'
[ -z "$(ls -A "$out/run")" ] ||}
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||case_finds() {
[ -z "$(ls -A "$out/run")" ] ||	canary_rows clean small
[ -z "$(ls -A "$out/run")" ] ||	passing_rows
[ -z "$(ls -A "$out/run")" ] ||	night 1
[ -z "$(ls -A "$out/run")" ] ||	grep -q '^Anvil.s night of .*: found something 2 times' "$here/summary" || fail "no verdict"
[ -z "$(ls -A "$out/run")" ] ||	[ "$(find "$out/findings" -mindepth 1 -maxdepth 1 -type d |"$(wc -l <"")" -ge 1 ] || fail "none kept"
[ -z "$(ls -A "$out/run")" ] ||	for folder in "$out"/findings/*; do
[ -z "$(ls -A "$out/run")" ] ||		sound_finding "$folder"
[ -z "$(ls -A "$out/run")" ] ||		case $folder in */*-canary.*) ;; *) fail "signature $folder" ;; esac
[ -z "$(ls -A "$out/run")" ] ||		[ -s "$folder/script" ] && [ -s "$folder/script.txt" ] || fail "no script in $folder"
[ -z "$(ls -A "$out/run")" ] ||		grep -q '^panic: ' "$folder/report" || fail "no panic in $folder/report"
[ -z "$(ls -A "$out/run")" ] ||		[ -s "$folder/small" ] && [ -s "$folder/small.txt" ] || fail "not made small: $folder"
[ -z "$(ls -A "$out/run")" ] ||		grep -q "^tools/bazel run //tools:replay -- $folder/small$" "$folder/replay" ||
[ -z "$(ls -A "$out/run")" ] ||			fail "replays something else: $(cat "$folder/replay")"
[ -z "$(ls -A "$out/run")" ] ||		"$replay" "$folder/small" >/dev/null 2>&1 || fail "$folder/small does not replay"
[ -z "$(ls -A "$out/run")" ] ||		"$replay" "$folder/script" >/dev/null 2>&1 || fail "$folder/script does not replay"
[ -z "$(ls -A "$out/run")" ] ||		grep -q "$(basename "$folder")" "$out/report.html" || fail "not on the page"
[ -z "$(ls -A "$out/run")" ] ||	done
[ -z "$(ls -A "$out/run")" ] ||	ledger_has '^begin item=fuzz.canary seed=1 .*commit=c0ffee ' \
[ -z "$(ls -A "$out/run")" ] ||		'^end item=fuzz.canary seed=1 outcome=finding .* executions=[1-9]' \
[ -z "$(ls -A "$out/run")" ] ||		'^end item=fuzz.passes seed=1 outcome=clean .* executions=1234 edges=56 of=78 ' \
[ -z "$(ls -A "$out/run")" ] ||		'^end item=stress.draws.2 seed=1 outcome=clean .*size=10 executions=4321 ' \
[ -z "$(ls -A "$out/run")" ] ||		'^finding signature=[a-z-]*-canary' '^small signature=' '^close .* status=1 \.$'
[ -z "$(ls -A "$out/run")" ] ||	sound_ledger
[ -z "$(ls -A "$out/run")" ] ||	sound_page
[ -z "$(ls -A "$out/run")" ] ||	[ "$(grep -c '<svg' "$out/report.html")" -ge 2 ] || fail "pictures are missing"
[ -z "$(ls -A "$out/run")" ] ||	grep -q '1234' "$out/report.html" && grep -q '56 of 78' "$out/summary.txt" || fail "no figures"
[ -z "$(ls -A "$out/run")" ] ||	! ls -A "$out/run" | grep . || fail "runs are left"
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||	# The same signature is one finding, seen twice; a canary's is none.
[ -z "$(ls -A "$out/run")" ] ||	: >"$here/table"
[ -z "$(ls -A "$out/run")" ] ||	row stress.same.1 stress clean 300 0 0 "$here/same" 'again {seed}'
[ -z "$(ls -A "$out/run")" ] ||	out=$here/second
[ -z "$(ls -A "$out/run")" ] ||	night 6
[ -z "$(ls -A "$out/run")" ] ||	night 6
[ -z "$(ls -A "$out/run")" ] ||	[ "$(wc -l <"$out/findings/assert-mm_page.c_N__sound-same/seen")"| wc -l)" -eq 2 ] ||
[ -z "$(ls -A "$out/run")" ] ||		fail "not seen twice: $(ls "$out/findings")"
[ -z "$(ls -A "$out/run")" ] ||	[ "$(cat "$out/findings/assert-mm_page.c_N__sound-same/replay")" = 'again 1' ] ||
[ -z "$(ls -A "$out/run")" ] ||		fail "wrong command"
[ -z "$(ls -A "$out/run")" ] ||	: >"$here/table"
[ -z "$(ls -A "$out/run")" ] ||	canary_rows finding
[ -z "$(ls -A "$out/run")" ] ||	out=$here/third
[ -z "$(ls -A "$out/run")" ] ||	night 0
[ -z "$(ls -A "$out/run")" ] ||	grep -q 'found, as due' "$here/summary" && [ -z "$(ls "$out/findings")" ] ||
[ -z "$(ls -A "$out/run")" ] ||		fail "canaries count"
[ -z "$(ls -A "$out/run")" ] ||	: >"$here/table"
[ -z "$(ls -A "$out/run")" ] ||	row fuzz.mute engine finding 300 0 0 "$here/passes" 'do {seed}'
[ -z "$(ls -A "$out/run")" ] ||	out=$here/fourth
[ -z "$(ls -A "$out/run")" ] ||	night 1
[ -z "$(ls -A "$out/run")" ] ||	[ -d "$out/findings/silent-mute" ] || [ -d "$out/canaries/silent-mute" ] ||
[ -z "$(ls -A "$out/run")" ] ||		fail "a mute canary is not told of"
[ -z "$(ls -A "$out/run")" ] ||}
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||gone() { # PIDFILE: that process is no more, sooner or later
[ -z "$(ls -A "$out/run")" ] ||	while kill -0 "$(cat "$1")" 2>/dev/null; do sleep 0.1; done
[ -z "$(ls -A "$out/run")" ] ||}
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||case_hangs() {
[ -z "$(ls -A "$out/run")" ] ||	row fuzz.stuck engine clean 1 0 0 "$here/stuck $here/pid" 'do {seed}'
[ -z "$(ls -A "$out/run")" ] ||	night 5
[ -z "$(ls -A "$out/run")" ] ||	ledger_has '^end item=fuzz.stuck seed=1 outcome=hang '
[ -z "$(ls -A "$out/run")" ] ||	sound_finding "$out/findings/hang-stuck"
[ -z "$(ls -A "$out/run")" ] ||	grep -q "^no end within 2 seconds" "$out/findings/hang-stuck/report" || fail "no reason"
[ -z "$(ls -A "$out/run")" ] ||	gone "$here/pid"
[ -z "$(ls -A "$out/run")" ] ||	sound_page
[ -z "$(ls -A "$out/run")" ] ||	# A program's own words about hangs, panics and checks; mixed they are a finding.
[ -z "$(ls -A "$out/run")" ] ||	for case in '5 hang' '6 panic' '1 check' '3 broken'; do
[ -z "$(ls -A "$out/run")" ] ||		set -- $case
[ -z "$(ls -A "$out/run")" ] ||		: >"$here/table"
[ -z "$(ls -A "$out/run")" ] ||		out=$here/$2
[ -z "$(ls -A "$out/run")" ] ||		row "stress.$2.1" stress clean 300 0 0 "$here/ends $1" 'do {seed}'
[ -z "$(ls -A "$out/run")" ] ||		night "$(case $1 in 3) echo 4 ;; *) echo "$1" ;; esac)"
[ -z "$(ls -A "$out/run")" ] ||		[ "$1" -ne 6 ] || sound_finding "$out/findings/account-N_pages-panic"
[ -z "$(ls -A "$out/run")" ] ||		[ "$1" -ne 1 ] || sound_finding "$out/findings/counts-equal-check"
[ -z "$(ls -A "$out/run")" ] ||		[ "$1" -ne 5 ] || sound_finding "$out/findings/hang-hang"
[ -z "$(ls -A "$out/run")" ] ||	done
[ -z "$(ls -A "$out/run")" ] ||	: >"$here/table"
[ -z "$(ls -A "$out/run")" ] ||	out=$here/mixed
[ -z "$(ls -A "$out/run")" ] ||	row stress.a.1 stress clean 300 0 0 "$here/ends 5" 'do {seed}'
[ -z "$(ls -A "$out/run")" ] ||	row stress.b.1 stress clean 300 0 0 "$here/ends 6" 'do {seed}'
[ -z "$(ls -A "$out/run")" ] ||	night 1
[ -z "$(ls -A "$out/run")" ] ||}
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||# In the background; its process is left in $pid.
[ -z "$(ls -A "$out/run")" ] ||night_begins() {
[ -z "$(ls -A "$out/run")" ] ||	"$driver" --table "$here/table" --out "$out" --commit c0ffee --environment "machine: none
[ -z "$(ls -A "$out/run")" ] ||" --seconds 900 --share 1 "$@" >"$here/summary" 2>"$here/said" </dev/null &
[ -z "$(ls -A "$out/run")" ] ||	pid=$!
[ -z "$(ls -A "$out/run")" ] ||}
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||case_killed() {
[ -z "$(ls -A "$out/run")" ] ||	# A finding that is written when the driver dies.
[ -z "$(ls -A "$out/run")" ] ||	row fuzz.slow engine clean 300 0 0 "$here/slow {run} {seed} $here/pid" 'replay {script}'
[ -z "$(ls -A "$out/run")" ] ||	night_begins
[ -z "$(ls -A "$out/run")" ] ||	until [ -s "$here/pid" ]; do sleep 0.05; done
[ -z "$(ls -A "$out/run")" ] ||	kill -9 $pid
[ -z "$(ls -A "$out/run")" ] ||	wait $pid 2>/dev/null
[ -z "$(ls -A "$out/run")" ] ||	gone "$here/pid"
[ -z "$(ls -A "$out/run")" ] ||	[ -z "$(ls "$out/findings")" ] || fail "kept by whom?"
[ -z "$(ls -A "$out/run")" ] ||	: >"$here/table"
[ -z "$(ls -A "$out/run")" ] ||	passing_rows
[ -z "$(ls -A "$out/run")" ] ||	night 1 # the row is gone, the finding is not
[ -z "$(ls -A "$out/run")" ] ||	sound_finding "$out/findings/overlap-slow.take"
[ -z "$(ls -A "$out/run")" ] ||	[ "$(cat "$out/findings/overlap-slow.take/script")" = 'script 1' ] || fail "another script"
[ -z "$(ls -A "$out/run")" ] ||	ledger_has '^end item=fuzz.slow seed=1 outcome=finding '
[ -z "$(ls -A "$out/run")" ] ||	! ls -A "$out/run" | grep . || fail "runs are left"
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||	# At many moments: whoever wrote a finding to the disk before the kill finds it kept.
[ -z "$(ls -A "$out/run")" ] ||	: >"$here/table"
[ -z "$(ls -A "$out/run")" ] ||	out=$here/many
[ -z "$(ls -A "$out/run")" ] ||	for n in 1 2 3 4; do
[ -z "$(ls -A "$out/run")" ] ||		row "fuzz.quick$n" engine clean 300 0 0 \
[ -z "$(ls -A "$out/run")" ] ||			"$here/quick {run} {seed} quick$n $here/announced" 'replay {script}'
[ -z "$(ls -A "$out/run")" ] ||	done
[ -z "$(ls -A "$out/run")" ] ||	for moment in 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8; do
[ -z "$(ls -A "$out/run")" ] ||		night_begins --rounds 1000
[ -z "$(ls -A "$out/run")" ] ||		sleep $moment
[ -z "$(ls -A "$out/run")" ] ||		kill -9 $pid
[ -z "$(ls -A "$out/run")" ] ||		wait $pid 2>/dev/null
[ -z "$(ls -A "$out/run")" ] ||	done
[ -z "$(ls -A "$out/run")" ] ||	night 1
[ -z "$(ls -A "$out/run")" ] ||	while read -r name; do
[ -z "$(ls -A "$out/run")" ] ||		[ -s "$out/findings/$name/script" ] || fail "$name was announced, and is lost"
[ -z "$(ls -A "$out/run")" ] ||	done <"$here/announced"
[ -z "$(ls -A "$out/run")" ] ||	[ "$(wc -l <"$here/announced")" -ge 4 ] || fail "hardly anything was announced"
[ -z "$(ls -A "$out/run")" ] ||	sound_ledger
[ -z "$(ls -A "$out/run")" ] ||	for folder in "$out"/findings/*; do sound_finding "$folder"; done
[ -z "$(ls -A "$out/run")" ] ||	! ls -A "$out/run" | grep . || fail "runs are left"
[ -z "$(ls -A "$out/run")" ] ||	# Each seed that was begun has a folder of its own signature, or was killed before it spoke.
[ -z "$(ls -A "$out/run")" ] ||	begun=$(grep -c '^begin item=fuzz.quick1 ' "$out/ledger")
[ -z "$(ls -A "$out/run")" ] ||	[ "$(sed -n 's/^begin item=fuzz.quick1 seed=\([0-9]*\) .*/\1/p' "$out/ledger" | tail -n 1)" -eq "$begun" ] ||
[ -z "$(ls -A "$out/run")" ] ||		fail "seeds were left out or used twice"
[ -z "$(ls -A "$out/run")" ] ||}
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||case_later() {
[ -z "$(ls -A "$out/run")" ] ||	canary_rows clean
[ -z "$(ls -A "$out/run")" ] ||	night 1
[ -z "$(ls -A "$out/run")" ] ||	folder=$(ls -d "$out"/findings/* | head -n 1)
[ -z "$(ls -A "$out/run")" ] ||	[ ! -e "$folder/small" ] || fail "made small by whom?"
[ -z "$(ls -A "$out/run")" ] ||	# The night after: another table, a torn line, a folder half made.
[ -z "$(ls -A "$out/run")" ] ||	printf 'begin item=fuzz.passes seed=77 si' >>"$out/ledger"
[ -z "$(ls -A "$out/run")" ] ||	mkdir "$out/findings/.half-made.part"
[ -z "$(ls -A "$out/run")" ] ||	: >"$here/table"
[ -z "$(ls -A "$out/run")" ] ||	passing_rows
[ -z "$(ls -A "$out/run")" ] ||	printf 'small\tcanary\t%s --subject canary --budget 300 -o {small} {script}\n' "$minimise" \
[ -z "$(ls -A "$out/run")" ] ||		>>"$here/table"
[ -z "$(ls -A "$out/run")" ] ||	night 0
[ -z "$(ls -A "$out/run")" ] ||	[ -s "$folder/small" ] && [ -s "$folder/small.txt" ] || fail "still not made small"
[ -z "$(ls -A "$out/run")" ] ||	grep -q "/small$" "$folder/replay" || fail "replays something else"
[ -z "$(ls -A "$out/run")" ] ||	[ ! -e "$out/findings/.half-made.part" ] || fail "what was half made is left"
[ -z "$(ls -A "$out/run")" ] ||	ledger_has '^begin item=fuzz.passes seed=1 ' '^small signature='
[ -z "$(ls -A "$out/run")" ] ||	night 0
[ -z "$(ls -A "$out/run")" ] ||	ledger_has '^begin item=fuzz.passes seed=2 ' '^begin item=stress.draws.2 seed=2 size=[1-9]'
[ -z "$(ls -A "$out/run")" ] ||	grep -q 'in an earlier night, not in this' "$out/report.html" || fail "older ones are not told"
[ -z "$(ls -A "$out/run")" ] ||	grep -q 'night 3 of this folder' "$here/summary" || fail "nights are not counted"
[ -z "$(ls -A "$out/run")" ] ||	grep -q 'on this commit before: [1-9][0-9]* runs' "$here/summary" || fail "no count by commit"
[ -z "$(ls -A "$out/run")" ] ||	sound_ledger
[ -z "$(ls -A "$out/run")" ] ||	# What cannot be made small is tried three times and no more.
[ -z "$(ls -A "$out/run")" ] ||	rm "$folder/small"
[ -z "$(ls -A "$out/run")" ] ||	printf 'small\tcanary\t%s/ends 1\n' "$here" >"$here/small"
[ -z "$(ls -A "$out/run")" ] ||	grep -v '^small' "$here/table" >>"$here/small"
[ -z "$(ls -A "$out/run")" ] ||	cp "$here/small" "$here/table"
[ -z "$(ls -A "$out/run")" ] ||	for time in 1 2 3 4; do night 0; done
[ -z "$(ls -A "$out/run")" ] ||	each=$(grep '^unsmall ' "$out/ledger" | sed 's/ status.*//' | sort | uniq -c | awk '{ print $1 }' | sort -u)
[ -z "$(ls -A "$out/run")" ] ||	[ "$each" = 3 ] || fail "tried $each times in $time nights"
[ -z "$(ls -A "$out/run")" ] ||}
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||case_errors() {
[ -z "$(ls -A "$out/run")" ] ||	passing_rows
[ -z "$(ls -A "$out/run")" ] ||	night 2 --frobnicate
[ -z "$(ls -A "$out/run")" ] ||	night 2 --minutes
[ -z "$(ls -A "$out/run")" ] ||	night 2 --minutes 0
[ -z "$(ls -A "$out/run")" ] ||	night 2 --jobs many
[ -z "$(ls -A "$out/run")" ] ||	night 2 --only nothing-has-this
[ -z "$(ls -A "$out/run")" ] ||	night 4 --out /proc/none
[ -z "$(ls -A "$out/run")" ] ||	[ ! -e "$out" ] || fail "a wrong flag made a folder"
[ -z "$(ls -A "$out/run")" ] ||	night 0 --only stress.
[ -z "$(ls -A "$out/run")" ] ||	! grep -q 'fuzz.passes' "$out/ledger" || fail "--only is not"
[ -z "$(ls -A "$out/run")" ] ||	printf 'item\tx\ty\n' >"$here/wrong"
[ -z "$(ls -A "$out/run")" ] ||	"$driver" --table "$here/wrong" --list >"$here/said" 2>&1
[ -z "$(ls -A "$out/run")" ] ||	[ $? -eq 4 ] && grep -q 'wrong:1: not ten fields' "$here/said" || fail "a wrong table passes"
[ -z "$(ls -A "$out/run")" ] ||	"$driver" --table "$here/none" --list >"$here/said" 2>&1
[ -z "$(ls -A "$out/run")" ] ||	[ $? -eq 4 ] || fail "no table passes"
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||	# A program that is not there; the night goes on.
[ -z "$(ls -A "$out/run")" ] ||	row fuzz.absent engine clean 300 0 0 "$here/absent" 'do {seed}'
[ -z "$(ls -A "$out/run")" ] ||	night 4
[ -z "$(ls -A "$out/run")" ] ||	ledger_has '^end item=fuzz.absent seed=1 outcome=environment ' '^end item=fuzz.passes .*=clean '
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||	# Two at once; a signal is the night's end, and is told.
[ -z "$(ls -A "$out/run")" ] ||	: >"$here/table"
[ -z "$(ls -A "$out/run")" ] ||	out=$here/signal
[ -z "$(ls -A "$out/run")" ] ||	row fuzz.stuck engine clean 300 0 0 "$here/stuck $here/pid" 'do {seed}'
[ -z "$(ls -A "$out/run")" ] ||	night_begins
[ -z "$(ls -A "$out/run")" ] ||	until [ -s "$here/pid" ]; do sleep 0.05; done
[ -z "$(ls -A "$out/run")" ] ||	"$driver" --table "$here/table" --out "$out" --seconds 9 >"$here/second" 2>&1
[ -z "$(ls -A "$out/run")" ] ||	[ $? -eq 4 ] && grep -q 'another night goes on here' "$here/second" || fail "two at once"
[ -z "$(ls -A "$out/run")" ] ||	kill -TERM $pid
[ -z "$(ls -A "$out/run")" ] ||	wait $pid
[ -z "$(ls -A "$out/run")" ] ||	[ $? -eq 72 ] || fail "a signal ends with another status"
[ -z "$(ls -A "$out/run")" ] ||	gone "$here/pid"
[ -z "$(ls -A "$out/run")" ] ||	grep -q 'interrupted' "$here/summary" || fail "not told"
[ -z "$(ls -A "$out/run")" ] ||	ledger_has '^end item=fuzz.stuck seed=1 outcome=cut '
[ -z "$(ls -A "$out/run")" ] ||	sound_page
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||	# The launcher: flags, the folder where the user stands, commit and machine.
[ -z "$(ls -A "$out/run")" ] ||	BUILD_WORKING_DIRECTORY=$here sh "$launcher" "$driver" "$here/table" -- --list >"$here/said" 2>&1 ||
[ -z "$(ls -A "$out/run")" ] ||		fail "--list"
[ -z "$(ls -A "$out/run")" ] ||	grep -q '^fuzz.stuck$' "$here/said" || fail "--list says nothing"
[ -z "$(ls -A "$out/run")" ] ||	: >"$here/table"
[ -z "$(ls -A "$out/run")" ] ||	passing_rows
[ -z "$(ls -A "$out/run")" ] ||	BUILD_WORKING_DIRECTORY=$here sh "$launcher" "$driver" "$here/table" -- --rounds 1 --out mine \
[ -z "$(ls -A "$out/run")" ] ||		--minutes 10 >"$here/said" 2>&1 || fail "the launcher's status"
[ -z "$(ls -A "$out/run")" ] ||	grep -q '^machine: .* CPUs' "$here/mine/summary.txt" || fail "no machine"
[ -z "$(ls -A "$out/run")" ] ||	grep -q '^nightly: report: .*/mine/report.html$' "$here/said" || fail "no report"
[ -z "$(ls -A "$out/run")" ] ||}
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||case=$1
[ -z "$(ls -A "$out/run")" ] ||launcher=$2
[ -z "$(ls -A "$out/run")" ] ||driver=$PWD/$3
[ -z "$(ls -A "$out/run")" ] ||replay=$PWD/$4
[ -z "$(ls -A "$out/run")" ] ||minimise=$PWD/$5
[ -z "$(ls -A "$out/run")" ] ||canary=$PWD/$6
[ -z "$(ls -A "$out/run")" ] ||corpus=$PWD/$7
[ -z "$(ls -A "$out/run")" ] ||dict=$PWD/$8
[ -z "$(ls -A "$out/run")" ] ||here=${TEST_TMPDIR:-$(mktemp -d)}
[ -z "$(ls -A "$out/run")" ] ||out=$here/out
[ -z "$(ls -A "$out/run")" ] ||: >"$here/table"
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||stub passes <<'END'
[ -z "$(ls -A "$out/run")" ] ||#!/bin/sh
[ -z "$(ls -A "$out/run")" ] ||echo 'INFO: Loaded 1 modules   (78 inline 8-bit counters): 78 [0x1, 0x2),'
[ -z "$(ls -A "$out/run")" ] ||echo '#1 INITED cov: 40 ft: 1'
[ -z "$(ls -A "$out/run")" ] ||echo '#1234 DONE cov: 56 ft: 1 corp: 1/1b'
[ -z "$(ls -A "$out/run")" ] ||echo 'stat::number_of_executed_units: 1234'
[ -z "$(ls -A "$out/run")" ] ||END
[ -z "$(ls -A "$out/run")" ] ||stub draws <<'END'
[ -z "$(ls -A "$out/run")" ] ||#!/bin/sh
[ -z "$(ls -A "$out/run")" ] ||echo '{"stress": "draws", "operations": 4321, "cpus": 2}' >"$1/kept/draws.json"
[ -z "$(ls -A "$out/run")" ] ||printf '<?xml version="1.0"?>\n<svg viewBox="0 0 1 1"><path d="M0,0"/></svg>\n' >"$1/kept/draws.svg"
[ -z "$(ls -A "$out/run")" ] ||echo 'memory stabilised'
[ -z "$(ls -A "$out/run")" ] ||END
[ -z "$(ls -A "$out/run")" ] ||stub same <<'END'
[ -z "$(ls -A "$out/run")" ] ||#!/bin/sh
[ -z "$(ls -A "$out/run")" ] ||echo "panic: assert mm/page.c:$$: sound"
[ -z "$(ls -A "$out/run")" ] ||exit 6
[ -z "$(ls -A "$out/run")" ] ||END
[ -z "$(ls -A "$out/run")" ] ||stub stuck <<'END'
[ -z "$(ls -A "$out/run")" ] ||#!/bin/sh
[ -z "$(ls -A "$out/run")" ] ||trap '' TERM
[ -z "$(ls -A "$out/run")" ] ||sleep 100000 &
[ -z "$(ls -A "$out/run")" ] ||echo $! >"$1.part"
[ -z "$(ls -A "$out/run")" ] ||mv "$1.part" "$1"
[ -z "$(ls -A "$out/run")" ] ||wait
[ -z "$(ls -A "$out/run")" ] ||sleep 100000
[ -z "$(ls -A "$out/run")" ] ||END
[ -z "$(ls -A "$out/run")" ] ||stub ends <<'END'
[ -z "$(ls -A "$out/run")" ] ||#!/bin/sh
[ -z "$(ls -A "$out/run")" ] ||case $1 in
[ -z "$(ls -A "$out/run")" ] ||1) echo 'not ok 3 counts-equal: cycle 2 of 4' ;;
[ -z "$(ls -A "$out/run")" ] ||6) echo 'panic: account 17 pages' ;;
[ -z "$(ls -A "$out/run")" ] ||esac
[ -z "$(ls -A "$out/run")" ] ||exit "$1"
[ -z "$(ls -A "$out/run")" ] ||END
[ -z "$(ls -A "$out/run")" ] ||# A finding, on the disk and in words, and then no end.
[ -z "$(ls -A "$out/run")" ] ||stub slow <<'END'
[ -z "$(ls -A "$out/run")" ] ||#!/bin/sh
[ -z "$(ls -A "$out/run")" ] ||printf 'script %s' "$2" >"$1/found/slow-overlap-1"
[ -z "$(ls -A "$out/run")" ] ||echo 'panic: overlap slow.take'
[ -z "$(ls -A "$out/run")" ] ||sleep 100000 &
[ -z "$(ls -A "$out/run")" ] ||echo $! >"$3.part"
[ -z "$(ls -A "$out/run")" ] ||mv "$3.part" "$3"
[ -z "$(ls -A "$out/run")" ] ||wait
[ -z "$(ls -A "$out/run")" ] ||END
[ -z "$(ls -A "$out/run")" ] ||# A finding of its own for each seed; said to the world only when it is written.
[ -z "$(ls -A "$out/run")" ] ||stub quick <<'END'
[ -z "$(ls -A "$out/run")" ] ||#!/bin/sh
[ -z "$(ls -A "$out/run")" ] ||echo "panic: overlap $3.seed$2"
[ -z "$(ls -A "$out/run")" ] ||printf 'script %s' "$2" >"$1/found/.part"
[ -z "$(ls -A "$out/run")" ] ||mv "$1/found/.part" "$1/found/$3-overlap-$2"
[ -z "$(ls -A "$out/run")" ] ||echo "overlap-$3.seed$2" >>"$4"
[ -z "$(ls -A "$out/run")" ] ||exit 77
[ -z "$(ls -A "$out/run")" ] ||END
[ -z "$(ls -A "$out/run")" ] ||
[ -z "$(ls -A "$out/run")" ] ||"case_$case"
[ -z "$(ls -A "$out/run")" ] ||echo "ok $case"
