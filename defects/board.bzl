"""board_defect: the kernel with one known defect put back in, booted, and the test that it is found."""

load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("@rules_shell//shell:sh_test.bzl", "sh_test")
load("//tools/build:kernel.bzl", "kernel_image")
load(":defect.bzl", "patched_files")

_BOARD = "board"
_HIDDEN = ["//visibility:private"]

def board_defect(name, files, program, quick = False):
    """Declares NAME, a test that an image's checks find the defect of NAME.patch.

    Args:
      name: the defect's id.
      files: what is compiled: all that the patch changes; no headers.
      program: label of the library with the image's program.
      quick: NAME is part of `test //...`.
    """
    copies = patched_files(name, files)
    cc_library(
        name = name + "_objects_",
        testonly = True,
        srcs = copies,
        tags = ["manual"],
        target_compatible_with = ["@platforms//os:none"],
        visibility = _HIDDEN,
        deps = ["//kernel:kernel_lib"],
        alwayslink = True,
    )
    kernel_image(
        name = name + "_image",
        testonly = True,
        deps = [
            name + "_objects_",
            program,
        ],
    )
    sh_test(
        name = name,
        size = "small",
        srcs = ["board.sh"],
        args = [
            "$(rootpath %s.patch)" % name,
            "$(rootpath patched/%s/status)" % name,
            "$(rootpath //tools/build:qemu.sh)",
            "$(rootpath %s_image)" % name,
        ],
        data = [
            name + ".patch",
            name + "_image",
            "head.sh",
            "patched/%s/status" % name,
            "//tools/build:qemu.sh",
        ],
        tags = [_BOARD] + ([] if quick else ["manual"]),
    )
