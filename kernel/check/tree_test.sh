#!/bin/sh
# tree_test.sh QEMU.SH IMAGE -- device trees that lie: each is refused with one line and status 3.
#
# The trees are QEMU's own, with a few bytes changed.  QEMU writes memory, initrd and arguments
# into whatever tree it is given, so those are damaged by what it leaves alone.
set -u
qemu=$1
image=$2
folder=${TEST_TMPDIR:-$(mktemp -d)}
failed=0

qemu-system-aarch64 -M virt,gic-version=3,dumpdtb="$folder/good.dtb" -cpu cortex-a57 -smp 2 \
	-m 128 -nodefaults -display none >/dev/null 2>&1
# It is mostly padding, and QEMU doubles what it reads: cut it to 64 KiB, in the header too.
head -c 65536 "$folder/good.dtb" >"$folder/bad.dtb" && mv "$folder/bad.dtb" "$folder/good.dtb"
printf '\000\001\000\000' | dd of="$folder/good.dtb" bs=1 seek=4 conv=notrunc 2>/dev/null
if [ ! -s "$folder/good.dtb" ]; then
	echo "FAIL: no device tree from QEMU"
	exit 4
fi

hex=$(od -An -v -tx1 "$folder/good.dtb" | tr -d ' \n')

# offset TEXT, offset_of HEX: where it first stands in the tree, in bytes.
offset() {
	offset_of "$(printf '%s' "$1" | od -An -v -tx1 | tr -d ' \n')"
}
offset_of() {
	printf '%s\n' "$hex" | awk -v what="$1" '{
		at = 0
		do {
			found = index(substr($0, at + 1), what)
			at += found
		} while (found > 0 && at % 2 == 0)
		print (found > 0 ? (at - 1) / 2 : "missing")
	}'
}

# fresh; put OFFSET BYTES: a new copy, and BYTES (for printf) written over it.
fresh() {
	cp "$folder/good.dtb" "$folder/bad.dtb"
}
put() {
	if [ "$1" = missing ]; then
		echo "FAIL: QEMU's tree has changed: nowhere to put $2"
		failed=1
		return
	fi
	# shellcheck disable=SC2059
	printf "$2" | dd of="$folder/bad.dtb" bs=1 seek="$1" conv=notrunc 2>/dev/null
}

verdict() { # NAME STATUS TEXT, of $log and $status
	lines=$(printf '%s\n' "$log" | grep -c "$3")
	if [ "$status" -ne "$2" ] || [ "$lines" -ne 1 ]; then
		printf '%s\nFAIL %s: exit status %s, %s lines with "%s"\n' "$log" "$1" "$status" \
			"$lines" "$3"
		failed=1
	else
		echo "ok $1: $(printf '%s\n' "$log" | grep "$3")"
	fi
}

# refused TEXT: the tree in bad.dtb is, for this reason; without a host too, by power-off.
refused() {
	log=$("$qemu" --smp 2 --timeout 200 "$image" -- -dtb "$folder/bad.dtb" 2>&1)
	status=$?
	verdict "$1" 3 "^anvil: device tree: $1"
	log=$("$qemu" --no-host --smp 2 --timeout 200 "$image" -- -dtb "$folder/bad.dtb" 2>&1)
	status=$?
	verdict "$1, without a host" 0 "^anvil: device tree: $1"
}

fresh
put "$(offset 'arm,gic-v3')" 'arm,gic-v9'
refused 'no interrupt controller that we know'

fresh
put "$(offset 'arm,armv8-timer')" 'arm,armv0-timer'
put "$(offset 'arm,armv7-timer')" 'arm,armv0-timer'
refused 'no timer that we know'

# The GIC's "reg": distributor at 0x8000000, 0x10000 bytes, redistributors at 0x80a0000.  First the
# distributor inside memory, ...
gic=$(offset_of 0000000008000000000000000001000000000000080a0000)
fresh
put "$gic" '\000\000\000\000\101\000\000\000'
refused 'device registers inside memory'

# ... then inside the redistributors' registers, which are mapped by larger pieces, ...
fresh
put "$gic" '\000\000\000\000\010\040\000\000'
log=$("$qemu" --smp 2 --timeout 200 "$image" -- -dtb "$folder/bad.dtb" 2>&1)
status=$?
verdict 'devices inside each other' 3 '^anvil: devices: inside each other'

# ... and where adding its length wraps.
fresh
put "$gic" '\377\377\377\377\377\377\000\000'
refused "the GIC's distributor cannot be where the tree says"

# A second node of memory, which QEMU does not know as its own.
fresh
put "$(offset 'memory@40000000')" 'nemory@40000000'
refused 'memory overlaps memory'

# A list of reservations in the padding at the tree's end, with one entry that wraps.
size=$(wc -c <"$folder/good.dtb")
at=$((size - 64))
fresh
put 16 "$(printf '\\%03o\\%03o\\%03o\\%03o' $((at >> 24)) $((at >> 16 & 255)) \
	$((at >> 8 & 255)) $((at & 255)))"
put "$at" '\377\377\377\377\377\377\360\000\000\000\000\000\000\000\040\000'
refused 'a reservation beyond the address space'

fresh
put "$(offset 'enable-method')" 'unable-method'
log=$("$qemu" --smp 2 --timeout 200 "$image" -- -dtb "$folder/bad.dtb" 2>&1)
status=$?
verdict 'without PSCI the other CPU is left alone' 0 '^anvil: 1 more CPUs are left alone'

fresh
put "$(offset 'arm,pl011')" 'arm,pl999'
log=$("$qemu" --smp 2 --timeout 200 "$image" -- -dtb "$folder/bad.dtb" 2>&1)
status=$?
verdict 'without a UART the host has the log' 0 '^anvil: self-test .* 0 failed'

# No tree at all: the image started as a bare program, x0 = 0.  There is no UART to be known, so
# the line comes by semihosting; without that the machine is silent, but it ends.
set -- -M virt -cpu cortex-a57 -m 128 -nodefaults -display none -serial stdio -no-reboot \
	-device "loader,file=$image,addr=0x40280000,cpu-num=0,force-raw=on"
log=$(timeout 60 qemu-system-aarch64 "$@" -semihosting-config enable=on,target=native 2>&1)
status=$?
verdict 'no tree' 3 '^anvil: device tree: bad magic number'
timeout 60 qemu-system-aarch64 "$@" >/dev/null 2>&1
status=$?
log=''
verdict 'no tree and no host' 0 '^$'

# An image that is not where it asked to be cannot even map itself: it powers off, from EL1 and EL2.
for machine in virt virt,virtualization=on; do
	timeout 60 qemu-system-aarch64 -M "$machine" -cpu cortex-a57 -m 128 -nodefaults -no-reboot \
		-display none -device "loader,file=$image,addr=0x40281000,cpu-num=0,force-raw=on" \
		>/dev/null 2>&1
	status=$?
	verdict "misplaced image on $machine" 0 '^$'
done

log=$("$qemu" --smp 12 --timeout 200 "$image" 2>&1)
status=$?
verdict 'more CPUs than there is room for' 0 '^anvil: 4 more CPUs are left alone'

log=$("$qemu" --smp 2 --memory 200 --timeout 200 "$image" -- \
	-object memory-backend-ram,id=a,size=101M -object memory-backend-ram,id=b,size=99M \
	-numa node,cpus=0,memdev=a -numa node,cpus=1,memdev=b 2>&1)
status=$?
verdict 'memory in two nodes' 0 '^anvil: self-test .* 0 failed'
exit "$failed"
