"""guest_defect: a program that storms the booted kernel, and the test that its verdict sees a defect."""

load("@rules_shell//shell:sh_test.bzl", "sh_test")
load("//tools/build:kernel.bzl", "kernel_image")
load("//tools/build:user.bzl", "user_program")
load(":board.bzl", "kernel_objects")

# What stress/user/user.sh is given.
_PARTS = [
    "//tools/build:qemu.sh",
    "//tools/build:mkcpio.sh",
    "//tools/linux:package.sh",
]

def _defective_kernel(name, copies):
    kernel_objects(name + "_objects_", copies, "//kernel:users")
    kernel_image(
        name = name + "_image",
        testonly = True,
        srcs = ["//kernel:init_program.c"],
        platform = "//tools/platforms:aarch64_none",
        deps = [
            name + "_objects_",
            "//kernel:users",
        ],
    )
    return name + "_image"

def guest_defect(defect, files, program, arguments, verdict, malloc = None, quick = False):
    """Declares DEFECT_PROGRAM: with the defect of DEFECT.patch put back, PROGRAM's stress fails.

    Args:
      defect: the id of a defect() above.
      files: what is compiled of it, as there; no headers.
      program: of stress/user.
      arguments: its keys, and user.sh's flags before them, as one list.
      verdict: what the last words of the failing stress begin with; a regular expression.
      malloc: the program has the defect, in this variant of user/malloc; NULL: the kernel has it.
      quick: part of `test //...`.
    """
    name = "%s_%s" % (defect, program)
    copies = ["patched/%s/%s" % (defect, f) for f in files]
    if malloc:
        kernel = "//kernel"
        stormer = name + "_program"
        user_program(
            name = stormer,
            testonly = True,
            srcs = copies + [
                "//stress/user:%s.c" % program,
                "//stress/user:program.h",
            ],
            deps = [malloc],
        )
    else:
        kernel = _defective_kernel(name, copies)
        stormer = "//stress/user:" + program
    parts = _PARTS + [
        kernel,
        "//stress/user:init",
        stormer,
    ]
    sh_test(
        name = name,
        size = "medium",
        srcs = ["guest.sh"],
        args = [
            "$(rootpath patched/%s/status)" % defect,
            "'%s'" % verdict,
            "$(rootpath //stress/user:user.sh)",
        ] + ["$(rootpath %s)" % part for part in parts] + [program] + arguments,
        data = parts + [
            "guest.sh",
            "patched/%s/status" % defect,
            "//stress/user:user.sh",
            "//tools/build:command.sh",
        ],
        tags = ["guest"] + ([] if quick else ["manual"]),
    )
