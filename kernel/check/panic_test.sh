#!/bin/sh
# panic_test.sh QEMU.SH IMAGE -- each way of going wrong is reported as it should be.
#
# By counted instructions, so that the other CPUs answer in time however busy the host is.
set -u
. kernel/check/boots.sh

# expect WAY STATUS TEXT...: booted with panic=WAY, the log has every TEXT; one that starts with ^
# stands at a line's start, one that starts with ! is not there.
expect() {
	way=$1 want=$2
	shift 2
	boot --smp 4 --timeout 200 --append "panic=$way" "$image" -- -icount shift=3,sleep=off
	says "$way" "$want" "$@"
}

registers='^  pc  ffff8000'
expect null 6 '^panic: fault data abort: write near address 0: not mapped' "$registers" \
	'^backtrace:' '^  way_null+0x' '^  program_main+0x' '^  run_program+0x' \
	'^CPU 1 stopped at mach_wait' '^CPU 2 stopped' '^CPU 3 stopped'
expect stack 6 '^panic: stack-overflow' "$registers" '^  way_stack_deeper+0x'
expect thread-stack 6 '^panic: stack-overflow kernel stack overflow: a thread' "$registers" \
	'^  way_stack_deeper+0x'
expect idle-stack 6 '^panic: stack-overflow kernel stack overflow: the CPU' "$registers" \
	'^  way_stack_deeper+0x'
expect canary 6 '^panic: stack-canary' '^  kstack_give+0x' '^  way_canary+0x'
expect stack-pointer 6 '^panic: bad-stack' "$registers" '^  way_stack_pointer+0x'
expect assert 6 '^panic: assert kernel/check/panic_program.c:[0-9]*: cpus == CPUS_MAX + 1' \
	'^  way_assert+0x'
expect instruction 6 '^panic: fault undefined instruction' '^  way_instruction+0x'
expect float 6 '^panic: fault floating point in the kernel' '^  way_float+0x'
expect undefined 6 '^panic: undefined addition overflows' '^  way_undefined+0x'
expect double-free 6 '^panic: double-free kfree' '^  kfree+0x' '^  way_double_free+0x'
expect no-exit 6 '^panic: assert smp_escape' '^  way_no_exit+0x'
expect other-cpu 6 '^panic: fault data abort' '^on CPU 3 of 4' '^  way_null+0x' '^  cpu_body+0x' \
	'^CPU 0 stopped at'
expect deaf 6 '^panic: fault data abort' '^  deaf_body+0x' '^CPU 1 does not answer' \
	'^CPU 3 does not answer'
expect lock 6 '^panic: fault data abort' '^CPU 1 does not answer' '^  it has a lock of rank 11' \
	'^CPU 2 does not answer' '^  it waits for a lock of rank 11 that CPU 1 has' \
	'^CPU 3 stopped at mach_wait'
expect everywhere 6 '^panic: fault data abort' '^  everywhere_body+0x'
expect ticks 6 '^panic: fault data abort' '^  bite+0x' '^CPU [0-9] stopped at way_null+0x' \
	'^  it panicked too: fault data abort: write near address 0' '!does not answer'
expect nested 6 '^panic: assert' '^then, while reporting: fault data abort'
expect caught 0 '^hook: fault data abort' '^hook: stack-overflow' '^hook: double-free'
expect 'null trace=4' 6 '^panic: fault data abort' '^CPU 3 stopped' '^last calls of threads:' \
	'^trace: the last 4 of each CPU' 'cpu 0: 0.1 runs, after idle 0, which is ready'
expect nonsense 2 'no such way'

# Without semihosting the report is the same, and the machine is powered off.
boot --no-host --timeout 200 --append panic=null "$image"
says 'without semihosting' 0 '^panic: fault'
exit "$failed"
