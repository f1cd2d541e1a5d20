"""probes: programs that say what a kernel answers, and what they are compared with."""

load("@rules_shell//shell:sh_binary.bzl", "sh_binary")
load("@rules_shell//shell:sh_test.bzl", "sh_test")
load("//tools/build:user.bzl", "initrd", "user_program")

# Calls are misused on purpose, and answers looked at only where they matter.
_COPTS = [
    "-Wno-array-bounds",
    "-Wno-infinite-recursion",
    "-Wno-nonnull",
    "-Wno-stringop-overflow",
    "-Wno-stringop-overread",
    "-Wno-unused-result",
]

def _names_impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.write(out, "".join([name + "\n" for name in ctx.attr.names]))
    return [DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))]

_names = rule(
    implementation = _names_impl,
    attrs = {"names": attr.string_list()},
)

def probes(names, kernel, tested = []):
    """Declares programs NAME, archives NAME_initrd that run one, and `compare` and `record`.

    What Linux said is in expected/NAME.txt beside them.

    Args:
      names: of NAME.c.
      kernel: our image, which runs /init.
      tested: those of `names` to which ours answers all as Linux does: there
        is a NAME_test, which says so.
    """
    for name in names:
        user_program(
            name = name,
            srcs = [
                name + ".c",
                "//user/probe:probe.h",
            ],
            copts = _COPTS,
        )
        initrd(
            name = name + "_initrd",
            files = {
                "init": "//user:run",
                "probe/" + name: name,
            },
            texts = {"etc/run": "/probe/%s\n" % name},
        )
    files = {"probe/" + name: name for name in names}
    files["init"] = "//user:run"
    initrd(
        name = "all_initrd",
        files = files,
        texts = {"etc/run": "".join(["/probe/%s\n" % name for name in names])},
    )
    native.filegroup(
        name = "expected",
        srcs = native.glob(["expected/*.txt"]),
    )
    native.filegroup(
        name = "programs",
        srcs = names,
    )
    _names(
        name = "all.names",
        names = names,
    )
    parts = [
        "//tools/build:qemu.sh",
        "//tools/linux:package.sh",
        kernel,
        ":all_initrd",
    ]
    for name, flags in {"compare": [], "record": ["--record"]}.items():
        sh_binary(
            name = name,
            srcs = ["//user/probe:probe.sh"],
            args = ["$(rootpath %s)" % part for part in parts] + [native.package_name()] + flags,
            data = parts + [":all.names", ":expected", "//tools/build:command.sh"] +
                   [":%s_initrd" % name for name in names],
            tags = ["manual"],
        )
    for name in tested:
        sh_test(
            name = name + "_test",
            size = "medium",
            srcs = ["//user/probe:probe.sh"],
            args = ["$(rootpath %s)" % part for part in parts] + [
                native.package_name(),
                name,
            ],
            data = parts + [
                ":all.names",
                ":expected",
                ":%s_initrd" % name,
                "//tools/build:command.sh",
            ],
        )
