"""unit_defect: a unit test with one known defect in what it checks, and the test that it says so."""

load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load("@rules_shell//shell:sh_test.bzl", "sh_test")
load("//tools/build:platform.bzl", "platform_binary")
load(":defect.bzl", "patched_files")

_BOARD = "board"  # as what is found by booting: by no hunt
_HIDDEN = ["//visibility:private"]

def unit_defect(name, files, test, deps):
    """Declares NAME, a test that a unit test finds the defect of NAME.patch.

    Args:
      name: the defect's id.
      files: what the patch changes; no headers.
      test: the unit test's C file.
      deps: its libraries.
    """
    cc_binary(
        name = name + "_raw_",
        testonly = True,
        srcs = patched_files(name, files + [test]),
        features = ["watched"],
        tags = ["manual"],
        visibility = _HIDDEN,
        deps = deps,
    )
    platform_binary(
        name = name + "_bin",
        testonly = True,
        binary = name + "_raw_",
        platform = "//tools/platforms:linux_x86_64_sanitize",
        tags = ["manual"],
        visibility = _HIDDEN,
    )
    sh_test(
        name = name,
        size = "small",
        srcs = ["unit.sh"],
        args = [
            "$(rootpath %s.patch)" % name,
            "$(rootpath patched/%s/status)" % name,
            "$(rootpath %s_bin)" % name,
        ],
        data = [
            name + ".patch",
            name + "_bin",
            "head.sh",
            "patched/%s/status" % name,
        ],
        tags = [_BOARD],
    )
