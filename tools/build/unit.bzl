"""unit_test, unit_tests: a C program that checks one module, under ASan and UBSan."""

load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load("@rules_shell//shell:sh_test.bzl", "sh_test")
load(":platform.bzl", "platform_binary")

def _run_test(name, binary, platform, runner, args, data, tags):
    platform_binary(
        name = name + "_bin",
        testonly = True,
        binary = binary,
        platform = "//tools/platforms:" + platform,
        tags = tags,
        visibility = ["//visibility:private"],
    )
    sh_test(
        name = name,
        # Under qemu-aarch64 as much takes four times as long, and the machine may be busy.
        size = "medium" if runner else "small",
        srcs = ["//tools/build:exec.sh"],
        args = runner + ["$(rootpath %s_bin)" % name] + args,
        data = [name + "_bin"] + data,
        tags = tags,
    )

def unit_test(
        name,
        srcs = None,
        deps = [],
        data = [],
        args = [],
        tags = [],
        aarch64 = False,
        aarch64_args = None,
        release = False,
        race = False,
        features = [],
        platform = "linux_x86_64_sanitize"):
    """Declares NAME, a test that passes when the program returns 0.

    With `aarch64` also NAME_aarch64, the same program under qemu-aarch64; with
    `release` also NAME_release, without sanitizers and our own slow checks;
    with `race` also NAME_race, with loads and stores seen where `features` or
    a library's has "watched".

    What a program does under qemu-aarch64 is what it does without, in four
    times the time. One that draws thousands of cases from seeds is told by
    `aarch64_args` to be content with fewer there.

    Args:
      name: name of the test.
      srcs: C files; one has main(); default NAME.c.
      deps: libraries.
      data: files that it reads.
      args: its arguments.
      tags: as usual.
      aarch64: whether to have NAME_aarch64.
      aarch64_args: its arguments; default `args`.
      release: whether to have NAME_release.
      race: whether to have NAME_race.
      features: of the program.
      platform: what NAME is built for.
    """
    cc_binary(
        name = name + "_raw_",
        testonly = True,
        srcs = srcs or [name + ".c"],
        features = features,
        tags = ["manual"],
        visibility = ["//visibility:private"],
        deps = deps,
    )
    _run_test(name, name + "_raw_", platform, [], args, data, tags)
    if aarch64:
        few = args if aarch64_args == None else aarch64_args
        _run_test(name + "_aarch64", name + "_raw_", "linux_aarch64", ["qemu-aarch64"], few, data, tags)
    if release:
        _run_test(name + "_release", name + "_raw_", "linux_x86_64", [], args, data, tags)
    if race:
        _run_test(name + "_race", name + "_raw_", "linux_x86_64_race", [], args, data, tags)

def unit_tests(names, **how):
    """Declares for each of `names` NAME_test, of NAME_test.c, as unit_test does; `how` is its."""
    for name in names:
        unit_test(name = name + "_test", **how)
