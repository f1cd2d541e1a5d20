"""unit_test: a C program that checks one module, under ASan and UBSan."""

load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load("@rules_shell//shell:sh_test.bzl", "sh_test")
load(":platform.bzl", "platform_binary")

def unit_test(name, srcs, deps = [], data = [], args = [], tags = []):
    """Declares NAME, a test that passes when the program returns 0.

    Args:
      name: name of the test.
      srcs: C files; one has main().
      deps: libraries.
      data: files that it reads.
      args: its arguments.
      tags: as usual.
    """
    cc_binary(
        name = name + "_raw_",
        testonly = True,
        srcs = srcs,
        tags = ["manual"],
        visibility = ["//visibility:private"],
        deps = deps,
    )
    platform_binary(
        name = name + "_bin",
        testonly = True,
        binary = name + "_raw_",
        platform = "//tools/platforms:linux_x86_64_sanitize",
        tags = tags,
        visibility = ["//visibility:private"],
    )
    sh_test(
        name = name,
        size = "small",
        srcs = ["//tools/build:exec.sh"],
        args = ["$(rootpath %s_bin)" % name] + args,
        data = [name + "_bin"] + data,
        tags = tags,
    )
