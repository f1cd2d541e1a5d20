# table.awk -v machines=host,user,guest -v work=FOLDER NAMES -- the machines' answers side by side.
#
# Reads FOLDER/MACHINE (the lines of replay --digests) and FOLDER/expects, for the files whose names
# are in NAMES, in the order of both.  A machine that calls a file host-only has no eyes for what
# is expected of it, and is not compared.  Exit status: that of replay.sh.

function file_of(n) { return sprintf("files/%05d", n) }

# The value behind key= in an answer; "" where there is none.
function value(answer, key,    parts, n, i) {
	n = split(answer, parts, " ")
	for (i = 1; i <= n; i++)
		if (index(parts[i], key "=") == 1) return substr(parts[i], length(key) + 2)
	return ""
}

# What one machine's answer to one file comes to: "" when it is as expected.
function fault(answer, expected,    oracle) {
	if (answer == "") return "NOTHING"
	if (answer ~ /^(hang|panic|refused|differs|self-test)$/) return toupper(answer)
	if (answer == "host-only") return ""
	oracle = value(answer, "oracle")
	if (oracle == expected) return ""
	return oracle == "none" ? "NOT " expected : "FINDS " oracle
}

function worse(status) {
	# In the order of what the user must hear first.
	if (rank[status] > rank[worst]) worst = status
}

function status_of(word) {
	if (word == "HANG") return 5
	if (word == "PANIC") return 6
	if (word == "REFUSED") return 3
	return 1
}

BEGIN {
	count = split(machines, machine, ",")
	title["host"] = "host"
	title["user"] = "qemu-aarch64"
	title["guest"] = "kernel"
	rank[0] = 0; rank[3] = 1; rank[5] = 2; rank[1] = 3; rank[6] = 4
	worst = 0
	for (m = 1; m <= count; m++) {
		path = work "/" machine[m]
		while ((getline line <path) > 0) {
			at = index(line, " ")
			answers[machine[m], substr(line, 1, at - 1)] = substr(line, at + 1)
		}
	}
	while ((getline line <(work "/expects")) > 0) {
		split(line, word, " ")
		expects[word[1]] = word[2]
	}
	for (m = 1; m <= count; m++) printf "%-16s  ", title[machine[m]]
	print "verdict"
}

{
	file = file_of(NR - 1)
	expected = expects[file] == "" ? "none" : expects[file]
	verdict = first = ""
	differ = 0
	for (m = 1; m <= count; m++) {
		answer = answers[machine[m], file]
		wrong = fault(answer, expected)
		if (wrong != "") {
			worse(status_of(wrong))
			if (verdict == "") verdict = wrong
		}
		digest = value(answer, "digest")
		if (digest != "" && first != "" && answer != first) differ = 1
		if (digest != "" && first == "") first = answer
		printf "%-16s  ", digest == "" ? answer == "" ? "-" : answer : digest
	}
	if (differ) {
		verdict = "DIFFER" (verdict == "" ? "" : ", " verdict)
		worse(1)
	}
	if (verdict == "") {
		verdict = "same" (expected == "none" ? "" : ", " expected)
		good++
	}
	at = value(first, "op")
	print verdict (at == "" || at == "-" ? "" : at ~ /^[0-9]/ ? " at operation " at : " at " at) "  " $0
	if (!differ) next
	for (m = 1; m <= count; m++) print "    " title[machine[m]] ": " answers[machine[m], file]
}

END {
	printf "replay: %d files, %d the same and as expected\n", NR, good
	exit worst
}
