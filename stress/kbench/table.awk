# table.awk TARGETS LINUX ROWS -- the table of kbench.sh.  Exit 1: a row is missing or over its target.

function name_from(first,   i, name) {
	name = $first
	for (i = first + 1; i <= NF; i++)
		name = name " " $i
	return name
}

function print_row(cpus, name, had, limit,   over) {
	over = limit == "" ? "" : had == "" ? "NOT THERE" : had <= limit ? "" : "OVER"
	failed += over != ""
	printf "%4s  %-38s %12s %13s %8s %12s  %s\n", cpus, name, had == "" ? "-" : sprintf("%.1f", had),
		linux[cpus, name] == "" ? "-" : sprintf("%.1f", linux[cpus, name]),
		had == "" || !linux[cpus, name] ? "-" : sprintf("%.3f", had / linux[cpus, name]),
		limit == "" ? "-" : limit, over
}

# Four threads at once against one, with four CPUs: the work of each should cost what it costs alone.
function print_threads(   one, four, over, ratio, was) {
	one = "mmap+touch+munmap 16p x1 thr"
	four = "mmap+touch+munmap 16p x4 thr"
	was = linux[4, four] / linux[4, one]
	ratio = ours[4, one] ? ours[4, four] / ours[4, one] : ""
	over = ratio == "" ? "NOT THERE" : ratio <= 1.15 ? "" : "OVER"
	failed += over != ""
	printf "%4s  %-38s %12s %13.3f %8s %12s  %s\n", 4, "four threads faulting, of one",
		ratio == "" ? "-" : sprintf("%.3f", ratio), was,
		ratio == "" ? "-" : sprintf("%.3f", ratio / was), 1.15, over
}

FNR == 1 { file++ }
/^#/ { next }
file == 1 { target[name_from(2)] = $1; next }
file == 2 { linux[$1, name_from(3)] = $2; order[++rows] = $1 SUBSEP name_from(3); next }
{ ours[$1, name_from(3)] = $2 }

END {
	printf "%4s  %-38s %12s %13s %8s %12s\n", "CPUs", "row", "here", "Linux", "ratio", "target"
	for (i = 1; i <= rows; i++) {
		split(order[i], part, SUBSEP)
		if (part[2] !~ /^end of run/)
			print_row(part[1], part[2], ours[part[1], part[2]],
				part[1] == 1 ? target[part[2]] : "")
	}
	print_threads()
	printf "kbench: %d rows over their target, or not there\n", failed
	exit failed != 0
}
