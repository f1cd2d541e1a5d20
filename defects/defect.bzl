"""defect: the suite with one known defect put back in, and the test that it is found."""

load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load("@rules_shell//shell:sh_binary.bzl", "sh_binary")
load("@rules_shell//shell:sh_test.bzl", "sh_test")
load("//tools/build:platform.bzl", "platform_binary")

_PROGRAM = "//fuzz:replay_main"

# The second one sees the same things at the same execution, but for what takes sanitizers.
_MACHINES = [
    ("", "linux_x86_64_sanitize", []),
    ("_aarch64", "linux_aarch64", ["qemu-aarch64"]),
]

# With loads and stores seen: turns between them, and the race detector; and what ThreadSanitizer says
# of the same.
_RACE_MACHINES = [
    ("", "linux_x86_64_race", []),
    ("_tsan", "linux_x86_64_tsan", []),
]
_HIDDEN = ["//visibility:private"]
_TAG = "defect"
_BOARD = "board"
_GUEST = "guest"
_QUICK = "quick"
_HOST = "host"

def _label(path):
    folder, _, name = path.rpartition("/")
    return "//%s:%s" % (folder, name)

def _hunt(name, suffix, platform, runner, status, quick, scripts):
    platform_binary(
        name = name + suffix + "_bin",
        testonly = True,
        binary = name + "_raw_",
        platform = "//tools/platforms:" + platform,
        tags = ["manual"],
        visibility = _HIDDEN,
    )
    sh_test(
        name = name + suffix,
        size = "small",
        srcs = ["hunt.sh"],
        args = [
            "$(rootpath %s.patch)" % name,
            "$(rootpath %s)" % status,
        ] + runner + ["$(rootpath %s_bin)" % (name + suffix)],
        data = [
            name + ".patch",
            name + suffix + "_bin",
            status,
            "head.sh",
        ] + scripts,
        tags = [_TAG] + ([_QUICK] if quick else ["manual"]) + ([] if suffix else [_HOST]),
    )

def patched_files(name, files):
    """Makes copies of `files` with NAME.patch in them, and patched/NAME/status; the copies."""
    copies = ["patched/%s/%s" % (name, f) for f in files]
    status = "patched/%s/status" % name
    native.genrule(
        name = name + "_patched_",
        testonly = True,
        srcs = [name + ".patch"] + [_label(f) for f in files],
        outs = [status] + copies,
        cmd = "$(execpath apply.sh) $(execpath %s.patch) $(execpath %s) $(RULEDIR)/patched/%s %s" %
              (name, status, name, " ".join(files)),
        tags = ["manual"],
        tools = ["apply.sh"],
        visibility = _HIDDEN,
    )
    return copies

def defect(name, files, quick = False, host_only = False, race = False, tsan = False, scripts = []):
    """Declares NAME, a test that the suite finds the defect of NAME.patch, and NAME_aarch64.

    Only `files` are compiled; their objects come before the archives of the clean tree on the
    linker's command line, so the archives' members of the same names are never looked at.

    Args:
      name: the defect's id.
      files: what is compiled: all that the patch changes, and for a header that it changes all
        .c files that include it (they get the changed one first, and its guard keeps out the
        other).
      quick: found in well under 2 s: then NAME is part of `test //...`; NAME_aarch64 never is.
      host_only: only the sanitizers see it, so there is no NAME_aarch64.
      race: it takes turns between loads and stores, or the race detector: NAME is built with
        these, and there is no NAME_aarch64, which has neither.
      tsan: ThreadSanitizer sees it too, which NAME_tsan demands.
      scripts: labels, where the patch names a script.
    """
    copies = patched_files(name, files)
    headers = [c for c in copies if c.endswith(".h")]
    cc_binary(
        name = name + "_raw_",
        testonly = True,
        srcs = copies,
        copts = ["-include $(BINDIR)/%s/%s" % (native.package_name(), h) for h in headers],
        features = ["watched"],
        tags = ["manual"],
        visibility = _HIDDEN,
        deps = [_PROGRAM],
    )
    machines = _RACE_MACHINES[:2 if tsan else 1] if race else _MACHINES[:1 if host_only else 2]
    for suffix, platform, runner in machines:
        _hunt(name, suffix, platform, runner, "patched/%s/status" % name, quick and not suffix, scripts)

def _clean_test(name, patches, size, tags):
    sh_test(
        name = name,
        size = size,
        srcs = ["clean.sh"],
        args = [
            "$(rootpath //fuzz:replay)",
            "$(rootpath //fuzz:replay_race)",
        ] + ["$(rootpath %s)" % p for p in patches],
        data = [
            "head.sh",
            "//fuzz:replay",
            "//fuzz:replay_race",
        ] + patches,
        tags = tags,
    )

# buildifier: disable=unnamed-macro
def defects_together(example, example_files):
    """Declares what is made of all defects above it in the BUILD file.

    all: every test; clean_test and clean_all_test: the clean tree is silent where the quick ones,
    or all, are looked for; tables_test: every oracle is proved; refresh, benchmark and latency: see
    README.md.

    Args:
      example: a quick defect of one hunk, on which rule_test tries the rule.
      example_files: labels of what it changes.
    """
    rules = native.existing_rules()
    tests = sorted([n for n in rules if _TAG in rules[n]["tags"]])
    every = [n for n in tests if _HOST in rules[n]["tags"]]
    quick = [n for n in every if _QUICK in rules[n]["tags"]]
    board = sorted([n for n in rules if _BOARD in rules[n]["tags"]])
    guest = sorted([n for n in rules if _GUEST in rules[n]["tags"]])
    patches = [n + ".patch" for n in every]
    all_patches = [n + ".patch" for n in sorted(every + board)]
    _clean_test("clean_test", [n + ".patch" for n in quick], "small", [])
    _clean_test("clean_all_test", patches, "large", ["manual"])
    sh_test(
        name = "tables_test",
        size = "small",
        srcs = ["tables.sh"],
        args = [
            "--check",
            "$(rootpath README.md)",
            "$(rootpath //fuzz:frame/oracle.h)",
            "$(rootpaths //corpus:canary)",
            "$(rootpaths //corpus:canary_sched)",
            "$(rootpaths //corpus:canary_smp)",
        ] + ["$(rootpath %s)" % p for p in all_patches],
        data = [
            "README.md",
            "head.sh",
            "//corpus:canary",
            "//corpus:canary_sched",
            "//corpus:canary_smp",
            "//fuzz:frame/oracle.h",
        ] + all_patches,
    )
    sh_test(
        name = "rule_test",
        size = "small",
        srcs = ["rule_test.sh"],
        args = [
            "$(rootpath //fuzz:replay)",
            "$(rootpath %s_bin)" % example,
            "$(rootpath %s.patch)" % example,
            "$(rootpath patched/%s/status)" % example,
        ],
        data = native.glob(["*.sh"]) + example_files + [
            example + ".patch",
            example + "_bin",
            "patched/%s/status" % example,
            "//fuzz:replay",
        ],
    )
    native.test_suite(
        name = "all",
        tags = ["manual"],
        tests = tests + board + guest + ["clean_test", "clean_all_test", "rule_test", "tables_test"],
    )
    sh_binary(
        name = "refresh",
        srcs = ["refresh.sh"],
    )
    [
        sh_binary(
            name = name,
            testonly = True,
            srcs = [name + ".sh"],
            args = ["$(rootpath %s_bin)" % n for n in every],
            data = ["head.sh"] + patches + [n + "_bin" for n in every],
            tags = ["manual"],
        )
        for name in ["benchmark", "latency"]
    ]
