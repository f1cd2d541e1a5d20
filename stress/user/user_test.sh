#!/bin/sh
# user_test.sh CASE USER_SH QEMU_SH MKCPIO_SH PACKAGE_SH KERNEL FOLDER -- short storms of programs, and
# proofs that each way to fail is seen.
set -u
export LC_ALL=C

case_=$1
shift
log=${TEST_TMPDIR:-/tmp}/log

# Runs //stress:user as BUILD's arguments say, with these flags; wants its exit status and last words.
expect() { # STATUS WORDS FLAG...
	want=$1 words=$2
	shift 2
	sh "$user" "$qemu" "$mkcpio" "$package" "$kernel" "$folder" --memory 128 --warm 1 --timeout 200 "$@" \
		>"$log" 2>&1
	status=$?
	if [ "$status" -ne "$want" ] || ! grep -q "^$words" "$log"; then
		echo "user_test: $*: exit $status, not $want with '$words':" >&2
		tail -n 20 "$log" >&2
		exit 1
	fi
	grep "^$words" "$log"
}

user=$1 qemu=$2 mkcpio=$3 package=$4 kernel=$5 folder=$6
stable='stress: memory stabilised'
# With one CPU or four, free memory is the same to the page after each cycle but the first.
case $case_ in
boxtest)
	expect 0 "$stable" --cpus 1 boxtest
	grep 'memory: [0-9]* bytes live in [0-9]* blocks, [0-9]* at most, [1-9][0-9]* queued in 1 blocks' \
		"$log" | tail -n 1 | grep . || exit 1
	;;
allocstress) expect 0 "$stable" --cpus 2 allocstress allocations=4000 ;;
reallocstorm)
	# 100,000 munmaps inside of realloc, in five cycles.
	expect 0 "$stable" --cpus 1 reallocstorm_undeferred growths=1 moves=20000
	expect 0 "$stable" --cpus 1 reallocstorm_undeferred growths=0 moves=1000 free=1
	expect 0 "$stable" --cpus 1 reallocstorm_undeferred growths=0 moves=300 chain=1
	expect 0 "$stable" --cpus 2 reallocstorm_mapped growths=1 moves=500
	;;
mmapstorm) expect 0 "$stable" --cpus 4 mmapstorm operations=2000 ;;
spawnstorm)
	expect 0 "$stable" --cpus 1 spawnstorm spawns=40
	expect 0 "$stable" --cpus 2 spawnstorm spawns=40
	;;
threadstorm) expect 0 "$stable" --cpus 4 threadstorm waves=2 ;;
oomstorm) expect 0 "$stable" --cpus 1 oomstorm times=1 ;;
canary)
	expect 1 'stress: FAIL: memory drifts' --warm 2 canary leave=1
	expect 1 'stress: FAIL: memory drifts' --cpus 4 canary leave=1
	expect 1 'stress: FAIL: /stress/canary: exit 3' canary end=3
	expect 1 'stress: FAIL: /stress/canary: signal 9' canary signal=9
	expect 0 "$stable" --warm 2 canary leave=0
	expect 2 'user: no program none' none
	;;
esac
