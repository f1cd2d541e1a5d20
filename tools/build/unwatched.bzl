"""UNWATCHED: compiler options for code whose paths tell an engine nothing about what is tested."""

# The machine under a run, the frame around it, the mutator: an engine that counts their branches
# as coverage keeps inputs for them, and sees "instability" where they do housekeeping. Sanitizers
# stay.
UNWATCHED = select({
    "//tools/platforms:afl_build": ["--afl-noopt"],
    "//tools/platforms:afl_guards_build": ["-fno-sanitize-coverage=trace-pc-guard"],
    "//tools/platforms:libfuzzer_build": ["-fno-sanitize=fuzzer-no-link"],
    "//conditions:default": [],
})
