#!/bin/sh
# nightly_test.sh CASE NIGHTLY_SH DRIVER REPLAY MINIMISE CANARY_BIN CANARY_CORPUS CANARY_DICT
#                 ENGINE_SH FDT_BIN FDT_CORPUS
#
# The real driver over small tables of our own:
#
#	finds      the real canary is found, kept, made small, replayed; the summary and the page
#	hangs      what never ends is ended, and all that it started; statuses of all kinds
#	killed     kill -9, in the middle of a finding and at many moments: nothing is lost, no seed is
#	           used twice, nothing runs on
#	later      made small in a later night; a torn ledger; a folder half made; seeds go on
#	merges     what an engine learned is in its corpus after its turn, kill -9 at many moments or not
#	errors     wrong flags and tables, no room, two at once, a signal
#
# Nothing here asks how fast anything is: --rounds ends a night when all had their turn, and its
# time is far more than that takes.
set -u

fail() {
	echo "FAIL: $*" >&2
	[ ! -f "$here/said" ] || cat "$here/said" >&2
	exit 1
}

row() { # NAME KIND EXPECTS PATIENCE LEAST MOST COMMAND AGAIN
	printf 'item\t%s\t%s\t%s\tfirst\t1\t%s\t%s\t%s\t%s\t%s\n' "$@" >>"$here/table"
}

stub() { # NAME: standard input becomes a program
	cat >"$here/$1"
	chmod +x "$here/$1"
}

night() { # STATUS [FLAG...]: a round, unless flags say otherwise
	want=$1
	shift
	"$driver" --table "$here/table" --out "$out" --commit c0ffee --environment "machine: none
" --seconds 900 --share 1 --rounds 1 "$@" >"$here/summary" 2>"$here/said" </dev/null
	status=$?
	[ $status -eq "$want" ] || fail "status $status, not $want: $* $(cat "$here/summary")"
}

ledger_has() { # PATTERN...
	for pattern; do
		grep -q -e "$pattern" "$out/ledger" || fail "no '$pattern' in: $(cat "$out/ledger")"
	done
}

# No item begins twice with one seed, and no line but perhaps torn ones lacks its dot.
sound_ledger() {
	twice=$(sed -n 's/^begin \(item=[^ ]* seed=[0-9]*\) .*/\1/p' "$out/ledger" | sort | uniq -d)
	[ -z "$twice" ] || fail "begun twice: $twice"
}

# What every finding has, and its replay's last word.
sound_finding() { # FOLDER
	for part in report environment replay seen; do
		[ -s "$1/$part" ] || fail "no $part in $1"
	done
	[ -f "$1/log" ] || fail "no log in $1"
	grep -q '^commit' "$1/environment" || grep -q '^machine' "$1/environment" ||
		fail "no environment in $1"
}

# All that it shows is in it.
sound_page() {
	page=$out/report.html
	grep -q '</html>' "$page" || fail "no whole page"
	! grep -n -i -E '(src|href)="?(http|//|file|[a-z/.])|url\(|<link|<script|<img|@import' "$page" ||
		fail "the page leans on others"
}

canary_rows() { # EXPECTS [small]
	row fuzz.canary engine "$1" 300 0 0 "$canary -seed={seed} -runs=1000000 -artifact_prefix={run}/found/ \
-dict=$dict -print_final_stats=1 -print_funcs=0 {corpus} $corpus/seeds" \
		'tools/bazel run //tools:replay -- {script}'
	row hunt.canary hunt "$1" 300 0 0 "$replay --hunt canary --seed {seed} --out {run}/found" \
		'tools/bazel run //tools:replay -- {script}'
	[ "${2:-}" != small ] ||
		printf 'small\tcanary\t%s --subject canary --budget 300 -o {small} {script}\n' \
			"$minimise" >>"$here/table"
}

passing_rows() {
	row fuzz.passes engine clean 300 0 0 "$here/passes" 'do {seed}'
	row stress.draws.2 stress clean 300 10 1000 "$here/draws {run} {size}" 'do {seed} {size}'
}

case_finds() {
	canary_rows clean small
	passing_rows
	row stress.frees.2 stress clean 300 0 0 "$here/frees" 'do {seed}'
	night 1
	grep -q '^Anvil.s night of .*: found something 2 times' "$here/summary" || fail "no verdict"
	[ "$(find "$out/findings" -mindepth 1 -maxdepth 1 -type d | wc -l)" -ge 1 ] || fail "none kept"
	for folder in "$out"/findings/*; do
		sound_finding "$folder"
		case $folder in */*-canary.*) ;; *) fail "signature $folder" ;; esac
		[ -s "$folder/script" ] && [ -s "$folder/script.txt" ] || fail "no script in $folder"
		grep -q '^panic: ' "$folder/report" || fail "no panic in $folder/report"
		[ -s "$folder/small" ] && [ -s "$folder/small.txt" ] || fail "not made small: $folder"
		grep -q "^tools/bazel run //tools:replay -- $folder/small$" "$folder/replay" ||
			fail "replays something else: $(cat "$folder/replay")"
		"$replay" "$folder/small" >/dev/null 2>&1 || fail "$folder/small does not replay"
		"$replay" "$folder/script" >/dev/null 2>&1 || fail "$folder/script does not replay"
		grep -q "$(basename "$folder")" "$out/report.html" || fail "not on the page"
	done
	ledger_has '^begin item=fuzz.canary seed=1 .*commit=c0ffee ' \
		'^end item=fuzz.canary seed=1 outcome=finding .* executions=[1-9]' \
		'^end item=fuzz.passes seed=1 outcome=clean .* executions=1234 lines=0 edges=56 of=78 ' \
		'^end item=stress.draws.2 seed=1 outcome=clean .*size=10 executions=4321 ' \
		'^finding signature=[a-z-]*-canary' '^small signature=' '^close .* status=1 \.$'
	sound_ledger
	sound_page
	[ "$(grep -c '<svg' "$out/report.html")" -ge 3 ] || fail "pictures are missing"
	grep -q '>25303 KiB free after each cycle<' "$out/report.html" || fail "no memory of programs"
	grep -q '<td>1,234</td>' "$out/report.html" && grep -q '56 of 78' "$out/summary.txt" || fail "no figures"
	[ -z "$(ls -A "$out/run")" ] || fail "runs are left"

	# Programs that play scripts: a finding for each kind of difference, each with its script.
	: >"$here/table"
	row play.two.1 play clean 300 20 2000 "$here/plays {run}" 'again {script} || all of {seed}'
	row play.dies.1 play clean 300 20 2000 "$here/ends 6" 'again {script} || all of {seed}'
	out=$here/played
	night 1
	for kind in ours.call-57 linux.store; do
		folder=$out/findings/differs-two.$kind
		sound_finding "$folder"
		[ "$(cat "$folder/replay")" = "again $folder/script" ] || fail "$(cat "$folder/replay")"
		[ "$(cat "$folder/script")" = "of $kind" ] || fail "another's script: $kind"
		grep -q "^panic: differs two.$kind$" "$folder/report" || fail "$(cat "$folder/report")"
		[ "$(wc -l <"$folder/report")" -eq 3 ] || fail "$(cat "$folder/report")"
	done
	[ "$(cat "$out/findings/account-N_pages-dies/replay")" = 'all of 1' ] || fail "another command"
	[ "$(ls "$out/findings" | wc -l)" -eq 3 ] || fail "$(ls "$out/findings")"
	ledger_has '^end item=play.two.1 seed=1 outcome=finding .* executions=20 lines=75 '
	grep -q '75 lines' "$here/summary" || fail "no lines are told"

	# The same signature is one finding, seen twice; a canary's is none.
	: >"$here/table"
	row stress.same.1 stress clean 300 0 0 "$here/same" 'again {seed}'
	out=$here/second
	night 6
	night 6
	[ "$(wc -l <"$out/findings/assert-mm_page.c_N__sound-same/seen")" -eq 2 ] ||
		fail "not seen twice: $(ls "$out/findings")"
	[ "$(cat "$out/findings/assert-mm_page.c_N__sound-same/replay")" = 'again 1' ] ||
		fail "wrong command"
	: >"$here/table"
	canary_rows finding
	out=$here/third
	night 0
	grep -q 'found, as due' "$here/summary" && [ -z "$(ls "$out/findings")" ] ||
		fail "canaries count"
	: >"$here/table"
	row fuzz.mute engine finding 300 0 0 "$here/passes" 'do {seed}'
	out=$here/fourth
	night 1
	[ -d "$out/findings/silent-mute" ] || [ -d "$out/canaries/silent-mute" ] ||
		fail "a mute canary is not told of"
}

gone() { # PIDFILE: that process is no more, sooner or later
	while kill -0 "$(cat "$1")" 2>/dev/null; do sleep 0.1; done
}

case_hangs() {
	row fuzz.stuck engine clean 1 0 0 "$here/stuck $here/pid" 'do {seed}'
	night 5
	ledger_has '^end item=fuzz.stuck seed=1 outcome=hang '
	sound_finding "$out/findings/hang-stuck"
	grep -q "^no end within 2 seconds" "$out/findings/hang-stuck/report" || fail "no reason"
	gone "$here/pid"
	sound_page
	# A program's own words about hangs, panics and checks; mixed they are a finding.
	for case in '5 hang' '6 panic' '1 check' '3 broken' '7 drift'; do
		set -- $case
		: >"$here/table"
		out=$here/$2
		row "stress.$2.1" stress clean 300 0 0 "$here/ends $1" 'do {seed}'
		night "$(case $1 in 3) echo 4 ;; 7) echo 1 ;; *) echo "$1" ;; esac)"
		[ "$1" -ne 6 ] || sound_finding "$out/findings/account-N_pages-panic"
		[ "$1" -ne 1 ] || sound_finding "$out/findings/counts-equal-check"
		[ "$1" -ne 7 ] || sound_finding "$out/findings/memory_drifts-drift"
		[ "$1" -ne 5 ] || sound_finding "$out/findings/hang-hang"
	done
	: >"$here/table"
	out=$here/flooded
	row fuzz.floods engine clean 300 0 0 "$here/floods" 'do {script}'
	night 1
	sound_finding "$out/findings/flood-floods"
	[ "$(wc -c <"$out/findings/flood-floods/log")" -le 10000000 ] || fail "all of a flood is kept"
	[ "$(cat "$out/findings/flood-floods/replay")" = "cd $out/programs && $here/floods" ] ||
		fail "no script, and no command: $(cat "$out/findings/flood-floods/replay")"
	: >"$here/table"
	out=$here/mixed
	row stress.a.1 stress clean 300 0 0 "$here/ends 5" 'do {seed}'
	row stress.b.1 stress clean 300 0 0 "$here/ends 6" 'do {seed}'
	night 1
}

# In the background; its process is left in $pid.
night_begins() {
	"$driver" --table "$here/table" --out "$out" --commit c0ffee --environment "machine: none
" --seconds 900 --share 1 "$@" >"$here/summary" 2>"$here/said" </dev/null &
	pid=$!
}

case_killed() {
	# A finding that is written when the driver dies.
	row fuzz.slow engine clean 300 0 0 "$here/slow {run} {seed} $here/pid" 'replay {script}'
	night_begins
	until [ -s "$here/pid" ]; do sleep 0.05; done
	kill -9 $pid
	wait $pid 2>/dev/null
	gone "$here/pid"
	[ -z "$(ls "$out/findings")" ] || fail "kept by whom?"
	: >"$here/table"
	passing_rows
	night 1 # the row is gone, the finding is not
	sound_finding "$out/findings/overlap-slow.take"
	[ "$(cat "$out/findings/overlap-slow.take/script")" = 'script 1' ] || fail "another script"
	ledger_has '^end item=fuzz.slow seed=1 outcome=finding '
	[ -z "$(ls -A "$out/run")" ] || fail "runs are left"

	# A finding that is written after that, by a program that takes its time to end: the next night
	# waits for it.
	: >"$here/table"
	out=$here/after
	rm "$here/pid"
	row fuzz.late engine clean 300 0 0 "$here/late {run} $here/pid" 'replay {script}'
	night_begins
	until [ -s "$here/pid" ]; do sleep 0.05; done
	kill -9 $pid
	wait $pid 2>/dev/null
	: >"$here/table"
	passing_rows
	night 1
	sound_finding "$out/findings/overlap-late.take"

	# At many moments: whoever wrote a finding to the disk before the kill finds it kept.
	: >"$here/table"
	out=$here/many
	for n in 1 2 3 4; do
		row "fuzz.quick$n" engine clean 300 0 0 \
			"$here/quick {run} {seed} quick$n $here/announced" 'replay {script}'
	done
	for moment in 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8; do
		night_begins --rounds 1000
		sleep $moment
		kill -9 $pid
		wait $pid 2>/dev/null
	done
	night 1
	while read -r name; do
		[ -s "$out/findings/$name/script" ] || fail "$name was announced, and is lost"
	done <"$here/announced"
	[ "$(wc -l <"$here/announced")" -ge 4 ] || fail "hardly anything was announced"
	sound_ledger
	for folder in "$out"/findings/*; do sound_finding "$folder"; done
	[ -z "$(ls -A "$out/run")" ] || fail "runs are left"
	# Each seed that was begun has a folder of its own signature, or was killed before it spoke.
	begun=$(grep -c '^begin item=fuzz.quick1 ' "$out/ledger")
	[ "$(sed -n 's/^begin item=fuzz.quick1 seed=\([0-9]*\) .*/\1/p' "$out/ledger" | tail -n 1)" -eq "$begun" ] ||
		fail "seeds were left out or used twice"
}

# What an engine learned is in the subject's corpus after its turn, and what was killed in between is
# there after the next.
case_merges() {
	row fuzz.learns engine clean 300 0 0 \
		"$engine 90 {run} {corpus} $here/seeds $here/learns -seed={seed} -to=$here/announced" \
		'replay {script}'
	mkdir "$here/seeds"
	for moment in 0.1 0.2 0.3 0.4 0.5 0.7 0.9 1.1 1.3; do
		night_begins --rounds 1000
		sleep $moment
		kill -9 $pid
		wait $pid 2>/dev/null
	done
	night 0
	[ "$(wc -l <"$here/announced")" -ge 20 ] || fail "hardly anything was learned"
	while read -r name; do
		[ "$(cat "$out/corpus/learns/$name")" = "$name" ] || fail "$name is lost"
	done <"$here/announced"
	[ "$(ls "$out/corpus")" = learns ] || fail "left: $(ls "$out/corpus")"
	grep -q '^merged: [1-9][0-9]* new inputs and ' "$out/logs/fuzz.learns" || fail "not told"
	sound_ledger
	# Killed between the two renames.
	name=$(head -n 1 "$here/announced")
	mv "$out/corpus/learns" "$out/corpus/learns.old"
	night 0
	[ -s "$out/corpus/learns/$name" ] && [ "$(ls "$out/corpus")" = learns ] || fail "not found again"

	# A real engine: the second turn begins with what the first left, and little is added.
	mkdir -p "$here/run/found"
	turn() { # SEED
		"$engine" 300 "$here/run" "$here/corpus" "$seeds" "$fdt" -seed="$1" -runs=3000 \
			-artifact_prefix="$here/run/found/" >"$here/said" 2>&1 || fail "$(cat "$here/said")"
	}
	turn 1
	are='[1-9][0-9]* now, [1-9][0-9]* features'
	grep -q "^merged: [1-9][0-9]* new inputs and 0 of before are $are\$" "$here/said" ||
		fail "$(tail -n 3 "$here/said")"
	kept=$(ls "$here/corpus" | wc -l)
	turn 2
	grep -q "^INFO: *$kept files found in $here/corpus\$" "$here/said" || fail "the corpus is not read"
	grep -q "^merged: [1-9][0-9]* new inputs and $kept of before are $are\$" "$here/said" ||
		fail "$(tail -n 3 "$here/said")"
	grep '^merged' "$here/said"
}

case_later() {
	canary_rows clean
	night 1
	folder=$(ls -d "$out"/findings/* | head -n 1)
	[ ! -e "$folder/small" ] || fail "made small by whom?"
	# The night after: another table, a torn line, a folder half made.
	printf 'begin item=fuzz.passes seed=77 si' >>"$out/ledger"
	mkdir "$out/findings/.half-made.part"
	: >"$here/table"
	passing_rows
	printf 'small\tcanary\t%s --subject canary --budget 300 -o {small} {script}\n' "$minimise" \
		>>"$here/table"
	night 0
	[ -s "$folder/small" ] && [ -s "$folder/small.txt" ] || fail "still not made small"
	grep -q "/small$" "$folder/replay" || fail "replays something else"
	[ ! -e "$out/findings/.half-made.part" ] || fail "what was half made is left"
	ledger_has '^begin item=fuzz.passes seed=1 ' '^small signature='
	night 0
	ledger_has '^begin item=fuzz.passes seed=2 ' '^begin item=stress.draws.2 seed=2 size=[1-9]'
	grep -q 'in an earlier night, not in this' "$out/report.html" || fail "older ones are not told"
	grep -q 'night 3 of this folder' "$here/summary" || fail "nights are not counted"
	grep -q 'on this commit before: [1-9][0-9]* runs' "$here/summary" || fail "no count by commit"
	sound_ledger
	# What cannot be made small is tried three times and no more.
	rm "$folder/small"
	printf 'small\tcanary\t%s/ends 1\n' "$here" >"$here/small"
	grep -v '^small' "$here/table" >>"$here/small"
	cp "$here/small" "$here/table"
	for time in 1 2 3 4; do night 0; done
	each=$(grep '^unsmall ' "$out/ledger" | sed 's/ status.*//' | sort | uniq -c | awk '{ print $1 }' | sort -u)
	[ "$each" = 3 ] || fail "tried $each times in $time nights"
}

case_errors() {
	passing_rows
	night 2 --frobnicate
	night 2 --minutes
	night 2 --minutes 0
	night 2 --jobs many
	night 2 --only nothing-has-this
	night 4 --out /proc/none
	[ ! -e "$out" ] || fail "a wrong flag made a folder"
	night 0 --only stress.
	! grep -q 'fuzz.passes' "$out/ledger" || fail "--only is not"
	printf 'item\tx\ty\n' >"$here/wrong"
	"$driver" --table "$here/wrong" --list >"$here/said" 2>&1
	[ $? -eq 4 ] && grep -q 'wrong:1: not eleven fields' "$here/said" || fail "a wrong table passes"
	"$driver" --table "$here/none" --list >"$here/said" 2>&1
	[ $? -eq 4 ] || fail "no table passes"

	# No time for anything: that is told, and is no finding.
	rm -rf "$out"
	night 0 --seconds 2
	grep -q '^Not reached .* fuzz.passes stress.draws.2$' "$here/summary" || fail "not told"
	! grep -q '^begin' "$out/ledger" || fail "begun without time"

	# A program that is not there; the night goes on.
	row fuzz.absent engine clean 300 0 0 "$here/absent" 'do {seed}'
	night 4
	ledger_has '^end item=fuzz.absent seed=1 outcome=environment ' '^end item=fuzz.passes .*=clean '

	# Two at once; a signal is the night's end, and is told.
	: >"$here/table"
	out=$here/signal
	row fuzz.stuck engine clean 300 0 0 "$here/stuck $here/pid" 'do {seed}'
	night_begins
	until [ -s "$here/pid" ]; do sleep 0.05; done
	"$driver" --table "$here/table" --out "$out" --seconds 9 >"$here/second" 2>&1
	[ $? -eq 4 ] && grep -q 'another night goes on here' "$here/second" || fail "two at once"
	kill -TERM $pid
	wait $pid
	[ $? -eq 72 ] || fail "a signal ends with another status"
	gone "$here/pid"
	grep -q 'interrupted' "$here/summary" || fail "not told"
	ledger_has '^end item=fuzz.stuck seed=1 outcome=cut '
	sound_page

	# The launcher: flags, the folder where the user stands, commit and machine.
	BUILD_WORKING_DIRECTORY=$here sh "$launcher" "$driver" "$here/table" -- --list >"$here/said" 2>&1 ||
		fail "--list"
	grep -q '^fuzz.stuck$' "$here/said" || fail "--list says nothing"
	: >"$here/table"
	passing_rows
	BUILD_WORKING_DIRECTORY=$here sh "$launcher" "$driver" "$here/table" -- --rounds 1 --out mine \
		--minutes 10 >"$here/said" 2>&1 || fail "the launcher's status"
	grep -q '^machine: .* CPUs' "$here/mine/summary.txt" || fail "no machine"
	grep -q '^nightly: report: .*/mine/report.html$' "$here/said" || fail "no report"
	[ -x "$here/mine/programs/${driver#"$PWD/"}" ] || fail "the programs are not pinned"
}

case=$1
launcher=$2
driver=$PWD/$3
replay=$PWD/$4
minimise=$PWD/$5
canary=$PWD/$6
corpus=$PWD/$7
dict=$PWD/$8
engine=$PWD/$9
shift 9
fdt=$PWD/$1
seeds=$PWD/$2/seeds
here=${TEST_TMPDIR:-$(mktemp -d)}
out=$here/out
: >"$here/table"

stub passes <<'END'
#!/bin/sh
echo 'INFO: Loaded 1 modules   (78 inline 8-bit counters): 78 [0x1, 0x2),'
echo '#1 INITED cov: 40 ft: 1'
echo '#1234 DONE cov: 56 ft: 1 corp: 1/1b'
echo 'stat::number_of_executed_units: 1234'
END
stub draws <<'END'
#!/bin/sh
echo '{"stress": "draws", "operations": 4321, "cpus": 2}' >"$1/kept/draws.json"
printf '<?xml version="1.0"?>\n<svg viewBox="0 0 1 1"><path d="M0,0"/></svg>\n' >"$1/kept/draws.svg"
echo 'memory stabilised'
END
stub frees <<'END'
#!/bin/sh
for cycle in 1 2 3; do echo "stress: cycle $cycle: 2530$cycle KiB free"; done
END
stub plays <<'END'
#!/bin/sh
for kind in ours.call-57 linux.store; do
	printf 'of %s' "$kind" >"$1/found/two-differs-$kind"
	echo "panic: differs two.$kind"
	echo "script: $1/found/two-differs-$kind"
	echo "${kind%%.*}: differs two-1-2: line 3"
	echo "${kind%%.*}: differs two-1-3: line 4"
done
echo 'ours: 20 scores, 40 lines, 2 differ'
echo 'linux: 20 scores, 35 lines, 2 differ'
exit 1
END
stub floods <<'END'
#!/bin/sh
head -c 100000000 /dev/zero | tr '\0' x
sleep 100000
END
stub same <<'END'
#!/bin/sh
echo "panic: assert mm/page.c:$$: sound"
exit 6
END
stub stuck <<'END'
#!/bin/sh
trap '' TERM
setsid sleep 100000 &
echo $! >"$1.part"
mv "$1.part" "$1"
wait
sleep 100000
END
stub ends <<'END'
#!/bin/sh
case $1 in
1) echo 'not ok 3 counts-equal: cycle 2 of 4' ;;
7)
	echo 'box: FAIL: text 3'
	echo 'stress: FAIL: memory drifts: 7 to 8' && exit 1
	;;
6) echo 'panic: account 17 pages' ;;
esac
exit "$1"
END
# An engine that learns ten inputs, or merges what it is given.
stub learns <<'END'
#!/bin/sh
merge=no
for flag; do
	case $flag in
	-merge=1) merge=yes ;;
	-seed=*) seed=${flag#*=} ;;
	-to=*) to=${flag#*=} ;;
	-*) ;;
	*) break ;;
	esac
	shift
done
if [ $merge = yes ]; then
	for file in "$2"/* "$3"/*; do [ ! -e "$file" ] || cp "$file" "$1"; done
	exit 0
fi
for i in 0 1 2 3 4 5 6 7 8 9; do
	printf %s "$seed-$i" >"$1/$seed-$i"
	echo "$seed-$i" >>"$to"
	sleep 0.02
done
END
# A finding, on the disk and in words, and then no end.
stub slow <<'END'
#!/bin/sh
printf 'script %s' "$2" >"$1/found/slow-overlap-1"
echo 'panic: overlap slow.take'
sleep 100000 &
echo $! >"$3.part"
mv "$3.part" "$3"
wait
END
# A finding when it is asked to end.
stub late <<'END'
#!/bin/sh
found() {
	sleep 1
	printf 'script' >"$1/found/late-overlap-1"
	echo 'panic: overlap late.take'
	exit 77
}
trap 'found $1' TERM
echo $$ >"$2.part"
mv "$2.part" "$2"
while :; do sleep 0.1; done
END
# A finding of its own for each seed; said to the world only when it is written.
stub quick <<'END'
#!/bin/sh
echo "panic: overlap $3.seed$2"
printf 'script %s' "$2" >"$1/found/.part"
mv "$1/found/.part" "$1/found/$3-overlap-$2"
echo "overlap-$3.seed$2" >>"$4"
exit 77
END

"case_$case"
echo "ok $case"
