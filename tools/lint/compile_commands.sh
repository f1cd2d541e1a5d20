#!/bin/sh
# compile_commands.sh -- writes compile_commands.json at the top of the tree, for clangd and others.
#
# Bazel is asked for the compile actions of everything; of a file that is compiled for several
# platforms one stays: the kernel's, else the plain host's, else an instrumented one.
set -u

cd -- "${BUILD_WORKSPACE_DIRECTORY:-.}" || exit 2
out=compile_commands.json
actions=$(mktemp) || exit 4
trap 'rm -f "$actions"' EXIT

tools/bazel aquery --noshow_progress --ui_event_filters=-info --output=text \
	'mnemonic("CppCompile", deps(//...))' >"$actions" </dev/null || exit 4

awk -v directory="$PWD" '
	# An action ends in "Command Line: (exec COMPILER \", a line for each argument, and ")".
	/^  Command Line: \(exec / {
		command = ""; file = ""; rank = 1; inside = 1
		sub(/^  Command Line: \(exec /, "")
	}
	!inside { next }
	{
		last = sub(/\)$/, "")
		sub(/^ +/, "")
		sub(/ *\\$/, "")
		if (before == "-c")
			file = $0
		if ($0 ~ /aarch64-none-elf/)
			rank = 0
		else if ($0 ~ /-fsanitize/)
			rank = 2
		command = command (command == "" ? "" : " ") $0
		before = $0
		if (!last)
			next
		inside = 0
		if (file == "" || file ~ /^(external|bazel-out)\//)
			next
		if (!(file in best) || rank < best[file]) {
			best[file] = rank
			commands[file] = command
		}
	}
	function quoted(s) {
		gsub(/\\/, "\\\\", s)
		gsub(/"/, "\\\"", s)
		return "\"" s "\""
	}
	END {
		print "["
		for (file in commands)
			printf "%s{\"directory\": %s, \"file\": %s, \"command\": %s}",
				n++ ? ",\n" : "", quoted(directory),
				quoted(file), quoted(commands[file])
		print "\n]"
	}
' "$actions" >"$out.new" && mv "$out.new" "$out" || exit 4
echo "$out: $(grep -c '"file"' "$out") files"
