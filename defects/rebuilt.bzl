"""survivors: what was found in one build is found again in others."""

load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("@rules_shell//shell:sh_binary.bzl", "sh_binary")
load("@rules_shell//shell:sh_test.bzl", "sh_test")
load("//tools/build:platform.bzl", "platform_binary")

_PROGRAM = "//fuzz:replay_main"
_HIDDEN = ["//visibility:private"]
_MANUAL = ["manual"]

# A point at each edge of mm/ and sched/; traced last of all, so that the code itself is the same.
_EDGES = [
    "-Xclang",
    "-fsanitize-coverage-type=3",
    "-Xclang",
    "-fsanitize-coverage-trace-pc",
]

# How a program is built anew.  `copts`: of mm/ and sched/; `moved`: the state of a run lies elsewhere
# in the arena.  The first must lose nothing; the others are other code, and may.
_BUILDS = {
    "edges": struct(copts = _EDGES, moved = True),
    "level1": struct(copts = ["-O1"], moved = False),
    "level3": struct(copts = ["-O3"], moved = False),
    "calls": struct(copts = ["-fno-inline-functions"], moved = False),
}

def _library(build):
    """What is compiled anew, as a library that comes before the one it stands for."""
    name = "rebuilt_" + build
    if _BUILDS[build].moved:
        native.genrule(
            name = name + "_lanes_",
            srcs = ["//fuzz:frame/lanes.c"],
            outs = ["rebuilt/%s/fuzz/frame/lanes.c" % build],
            cmd = "sed 's/STATE_AT = RUN_ARENA_BYTES - RUN_STATE_BYTES/& - 0x12340/' $< >$@ && " +
                  "! cmp -s $< $@",
            tags = _MANUAL,
        )
    cc_library(
        name = name,
        testonly = True,
        srcs = [
            "//mm:sources",
            "//sched:sources",
        ],
        copts = _BUILDS[build].copts,
        features = ["watched"],
        tags = _MANUAL,
        visibility = _HIDDEN,
        deps = [_PROGRAM] + ([name + "_frame_"] if _BUILDS[build].moved else []),
    )
    cc_library(
        name = name + "_frame_",
        testonly = True,
        srcs = ["extra.c"] + ([name + "_lanes_"] if _BUILDS[build].moved else []),
        tags = _MANUAL,
        visibility = _HIDDEN,
        deps = [_PROGRAM],
    )

def _program(name, build, srcs, copts):
    parts = _BUILDS[build].copts if build else []
    cc_binary(
        name = name + "_raw_",
        testonly = True,
        srcs = srcs,
        copts = copts + parts,
        features = ["watched"],
        tags = _MANUAL,
        visibility = _HIDDEN,
        deps = (["rebuilt_" + build] if build else []) + [_PROGRAM],
    )
    platform_binary(
        name = name,
        testonly = True,
        binary = name + "_raw_",
        platform = "//tools/platforms:linux_x86_64_race",
        tags = _MANUAL,
        visibility = _HIDDEN,
    )

def _test(name, ids, builds, tags):
    programs = ["%s_%s" % (id, build) for id in ids for build in ["found"] + builds]
    sh_test(
        name = name,
        size = "medium",
        srcs = ["survive.sh"],
        args = [str(len(builds))] + ["$(rootpath %s)" % p for p in programs],
        data = ["head.sh"] + ["%s.patch" % id for id in ids if id != "canary_smp"] + programs,
        tags = tags,
    )

# buildifier: disable=unnamed-macro
def survivors(quick, more):
    """Declares survive_test and, by hand, survive_all_test: findings of some defects, and of the
    canaries, recorded in one build and replayed in others; and `strategies`, which measures what
    finds them.

    Args:
      quick: ids of defects that survive_test takes.
      more: those that survive_all_test takes besides.
    """
    rules = native.existing_rules()
    for build in _BUILDS:
        _library(build)
    for id in ["canary_smp"] + quick + more:
        rule = rules.get(id + "_raw_", {"copts": [], "srcs": []})
        for build in ["found"] + list(_BUILDS):
            _program(
                name = "%s_%s" % (id, build),
                build = "" if build == "found" else build,
                copts = list(rule["copts"]),
                srcs = list(rule["srcs"]),
            )
    measured = [id + "_found" for id in quick + more]
    measured += [id + "_bin" for id in quick + more if "_race" not in rules[id + "_bin"]["platform"]]
    sh_binary(
        name = "strategies",
        testonly = True,
        srcs = ["strategies.sh"],
        args = ["$(rootpath %s)" % p for p in sorted(measured)],
        data = ["head.sh"] + ["%s.patch" % id for id in quick + more] + measured,
        tags = _MANUAL,
    )
    _test("survive_test", ["canary_smp"] + quick, ["edges"], [])
    _test("survive_all_test", ["canary_smp"] + quick + more, list(_BUILDS), _MANUAL)
