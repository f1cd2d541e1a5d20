# style.awk -- holds the tree to its style, and counts what the style asks for.
#
#   awk -f style.awk -v exceptions=FILE [-v figures=1] FILE...     (paths from the tree's root)
#
# Prints one line for each place that breaks a rule, "path:line: what", and exits 1 if there was
# any.  With figures=1 prints a table instead.  Rules:
#   - no line over 100 columns in C or 120 in scripts (a tab is 8), no file over 600 lines, no
#     space at a line's end;
#   - every .c file opens with a comment that says what it is;
#   - no #if, #ifdef, #ifndef, #elif in mm/ and sched/ (a header's guard is not one);
#   - an include goes down the folders or stays, never up: see `may_use`;
#   - no function over 70 lines, from its name to its closing brace, but those of the exceptions
#     file ("path function lines why"), which may not grow and must leave the list when they fit;
#     "*" for function: the file is kept as it came, and not looked at;
#   - no file is empty, and nothing is unfinished by its own words.
#
# Functions are found by the brace style that clang-format keeps: `{` and `}` in column one.

BEGIN {
	max_columns = 100; max_script_columns = 120; max_file = 600; max_function = 70
	may_use["machine"] = "machine"
	may_use["mm"] = "machine mm"
	may_use["sched"] = "machine sched"
	may_use["kernel"] = "machine mm sched kernel"
	may_use["user"] = "kernel user"
	may_use["fuzz"] = "machine mm sched kernel user fuzz"
	may_use["stress"] = "machine mm sched kernel user fuzz stress"
	may_use["defects"] = "machine mm sched kernel user fuzz stress defects"
	read_exceptions()
}

function read_exceptions(   line, part) {
	while ((getline line < exceptions) > 0) {
		if (line == "" || line ~ /^#/)
			continue
		if (split(line, part, " ") < 4)
			found_at(exceptions, 0, "an exception needs: path function lines why")
		else
			allowed_lines[part[1] " " part[2]] = part[3] + 0
	}
}

function found_at(path, line, what) {
	findings++
	if (!figures)
		printf "%s:%d: %s\n", path, line, what
}

function found(what) { found_at(FILENAME, FNR, what) }

# Columns that a line takes on paper: tabs go to multiples of 8, UTF-8's later bytes take none.
function columns(s,   n, i, part, pieces) {
	gsub(/[\200-\277]/, "", s)
	pieces = split(s, part, "\t")
	for (i = 1; i < pieces; i++)
		n += int(length(part[i]) / 8 + 1) * 8
	return n + length(part[pieces])
}

# The line without comments and without what stands in quotes.  Sets in_comment and had_comment.
function strip(s,   out, i) {
	had_comment = in_comment
	gsub(/\\./, "", s)
	while (s != "") {
		if (in_comment) {
			i = index(s, "*/")
			if (!i)
				return out
			in_comment = 0
			s = substr(s, i + 2)
			continue
		}
		if (!match(s, /"[^"]*"|'[^']*'|\/\*|\/\//))
			return out s
		out = out substr(s, 1, RSTART - 1)
		if (substr(s, RSTART, 1) ~ /["']/) {
			out = out "0"
			s = substr(s, RSTART + RLENGTH)
			continue
		}
		had_comment = 1
		if (substr(s, RSTART, 2) == "//")
			return out
		in_comment = 1
		s = substr(s, RSTART + 2)
	}
	return out
}

function is_c(path) { return path ~ /\.[ch]$/ }
function is_test(path) { return path ~ /_test\.c$/ }

# The folder that the figures count a file under.
function folder(path) { return path ~ /\// ? substr(path, 1, index(path, "/") - 1) : "." }

function start_file() {
	in_comment = 0; signature = ""; function_start = 0; guards = 0
	is_product = top ~ /^(mm|sched)$/
	counted = is_c(FILENAME) && !is_test(FILENAME)
	if (counted)
		files[top]++
	if (FILENAME ~ /\.c$/ && $0 !~ /^\/\*/)
		found("a .c file opens with a comment that says what it is")
}

function end_file() {
	if (last_line > max_file && (is_c(last_file) || last_file ~ /\.(S|sh|awk|bzl)$/))
		found_at(last_file, last_line,
			"file of " last_line " lines (at most " max_file "): split it by noun")
	if (counted) {
		file_lines[last_top, files[last_top]] = last_line
		lines[last_top] += last_line
	}
}

# A file that is kept as it came: an exception for "*".
(FILENAME " *") in allowed_lines {
	has_lines[FILENAME] = 1
	seen[FILENAME " *"] = max_function + 1
	next
}

FNR == 1 {
	if (last_file != "")
		end_file()
	top = folder(FILENAME)
	has_lines[FILENAME] = 1
	columns_here = FILENAME ~ /\.(sh|awk)$/ ? max_script_columns : max_columns
	start_file()
}

{ last_file = FILENAME; last_line = FNR; last_top = top }

/[ \t]$/ { found("space at the end of the line") }

/\r/ { found("carriage return") }

FILENAME !~ /\.(c|h|S|sh|awk)$/ { next }

columns($0) > columns_here {
	found("line of " columns($0) " columns (at most " columns_here ")")
}

!is_c(FILENAME) { next }

/TO[D]O|FIX[M]E|XX[X]/ { found("unfinished by its own words") }

/^[ \t]*#[ \t]*include[ \t]*"/ { check_include() }

{
	code = strip($0)
	check_conditional()
	count_line()
	follow_function()
}

function check_include(   path, to) {
	path = $0
	sub(/^[^"]*"/, "", path)
	sub(/".*/, "", path)
	to = folder(path)
	if (to == "." || !(top in may_use))
		return
	if (index(" " may_use[top] " ", " " to " ") == 0 && path != "kernel/abi.h")
		found(top "/ may not include " path)
	else if (top == "user" && to == "kernel" && path != "kernel/abi.h")
		found("user/ may include nothing of kernel/ but abi.h")
}

function check_conditional() {
	if (code !~ /^[ \t]*#[ \t]*(if|ifdef|ifndef|elif)([^a-z]|$)/)
		return
	if (FILENAME ~ /\.h$/ && code ~ /ifndef/ && !guards++)
		return
	if (counted)
		conditionals[top]++
	if (is_product)
		found("no conditionals in " top "/: what differs is decided by what is linked")
}

function count_line(   n, rest) {
	if (!counted)
		return
	if ($0 ~ /[^ \t]/)
		full_lines[top]++
	if (had_comment && code !~ /[^ \t]/)
		comments[top]++
	rest = code
	if (rest !~ /^[ \t]*#/)
		asserts[top] += gsub(/ASSERT(_SLOW)?\(|[sS]tatic_assert\(/, "", rest)
}

# From a signature in column one to the closing brace in column one.
function follow_function() {
	if (function_start) {
		if (code ~ /^}/) {
			end_function(FNR - function_start + 1)
			function_start = 0; signature = ""
		}
		return
	}
	if (code ~ /^{/ && signature ~ /\(/) {
		function_start = signature_start
		return
	}
	if (code ~ /^[A-Za-z_].*\).*{.*}[ \t]*$/ && code !~ /=/) {
		signature = code; signature_start = FNR
		end_function(1)
		signature = ""
		return
	}
	if (code ~ /[;}][ \t]*$/ || code ~ /^[ \t]*#/ || code !~ /[^ \t]/) {
		signature = ""
		return
	}
	if (signature == "")
		signature_start = FNR
	signature = signature code " "
}

function end_function(length_lines,   name, key, most) {
	name = signature
	gsub(/__attribute__[ ]*\(\([^()]*(\([^()]*\))?[^()]*\)\)/, "", name)
	sub(/[ \t]*\(.*/, "", name)
	sub(/.*[^A-Za-z0-9_]/, "", name)
	if (counted) {
		functions[top]++
		function_lines[top, functions[top]] = length_lines
	}
	key = FILENAME " " name
	seen[key] = length_lines
	most = (key in allowed_lines) ? allowed_lines[key] : max_function
	if (length_lines > most)
		found_at(FILENAME, signature_start,
			name " has " length_lines " lines (at most " most ")")
}

END {
	if (last_file != "")
		end_file()
	for (i = 1; i < ARGC; i++)
		if (!(ARGV[i] in has_lines))
			found_at(ARGV[i], 0, "empty file")
	for (key in allowed_lines)
		if (!(key in seen) || seen[key] <= max_function)
			found_at(exceptions, 0, key " needs no exception any more")
	if (figures)
		print_figures()
	exit (!figures && findings) ? 1 : 0
}

# --- figures -------------------------------------------------------------------------------------

# Sorts list[1..n] in place: shell sort.
function sort(list, n,   gap, i, j, held) {
	for (gap = int(n / 2); gap > 0; gap = int(gap / 2))
		for (i = gap + 1; i <= n; i++) {
			held = list[i]
			for (j = i; j > gap && list[j - gap] > held; j -= gap)
				list[j] = list[j - gap]
			list[j] = held
		}
}

# "median / 95 % / most" of the n numbers values[top, 1..n].
function spread(values, top, n,   list, i) {
	if (!n)
		return "-"
	for (i = 1; i <= n; i++)
		list[i] = values[top, i]
	sort(list, n)
	return sprintf("%4d /%4d /%4d", list[int((n + 1) / 2)],
		list[int(n * 0.95 + 0.999)], list[n])
}

function print_row(top) {
	printf "%-9s %5d %7d   %-16s   %5d   %-16s   %6.0f %%  %8.1f  %8.1f\n", top, files[top],
		lines[top], spread(file_lines, top, files[top]), functions[top],
		spread(function_lines, top, functions[top]),
		100 * comments[top] / (full_lines[top] ? full_lines[top] : 1),
		1000 * asserts[top] / (lines[top] ? lines[top] : 1),
		1000 * conditionals[top] / (lines[top] ? lines[top] : 1)
}

function print_figures(   n, i, order, row) {
	row = "%-9s %5s %7s   %-16s   %5s   %-16s   %8s  %8s  %8s\n"
	print "C files, tests left out.  Spreads are median / 95 % / most, in lines."
	print ""
	printf row, "folder", "files", "lines", "file", "funcs", "function",
		"comments", "asserts/k", "#if/k"
	n = split("machine mm sched kernel user fuzz stress defects tools", order, " ")
	for (i = 1; i <= n; i++)
		if (files[order[i]])
			print_row(order[i])
	printf row, "(wanted)", "", "",
		" 150 /   - / 600", "", "  12 /  45 /  70", "18-30 %", "25 in mm", "0 in mm"
}
