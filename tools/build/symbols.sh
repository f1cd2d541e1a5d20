#!/bin/sh
# symbols.sh NM ELF OUT -- an assembly file with the table of ELF's functions (kernel/symbols.c).
#
# Without ELF (an empty argument) the table is empty: for the first of two links.
set -eu
nm=$1
elf=$2
out=$3

if [ -z "$elf" ]; then
	list=
else
	# Addresses are 16 hexadecimal digits; the image is smaller than 4 GiB, so the last 8 tell.
	list=$("$nm" --numeric-sort --defined-only "$elf")
fi

printf '%s\n' "$list" | awk '
function row(address, name) {
	# Several names of one address: the first, in the order of nm, which sorts by name.
	if (address == last) return
	last = address
	rows = rows sprintf("\t.long 0x%s - 0x%s, %d\n", substr(address, 9), substr(base, 9), bytes)
	names = names sprintf("\t.asciz \"%s\"\n", name)
	bytes += length(name) + 1
	count++
}
$3 == "image_start" { base = $1 }
($2 == "t" || $2 == "T") && $3 !~ /^(image_start|text_end|\$)/ && base != "" { row($1, $3) }
END {
	print "\t.section .symbols, \"a\""
	print "\t.balign 8"
	print "\t.global symbol_count, symbol_table, symbol_names"
	printf "symbol_count:\n\t.long %d, 0\n", count
	printf "symbol_table:\n%s", rows
	printf "symbol_names:\n%s\t.byte 0\n", names
}' >"$out"
