"""board_defect: the kernel with one known defect put back in, booted, and the test that it is found."""

load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("@rules_shell//shell:sh_test.bzl", "sh_test")
load("//tools/build:kernel.bzl", "kernel_image")
load(":defect.bzl", "patched_files")

_BOARD = "board"
_HIDDEN = ["//visibility:private"]

def kernel_objects(name, copies, library):
    """What is compiled anew, as a library that comes before the `library` of the kernel that has it."""
    cc_library(
        name = name,
        testonly = True,
        srcs = copies,
        tags = ["manual"],
        target_compatible_with = ["@platforms//os:none"],
        visibility = _HIDDEN,
        deps = [library],
        alwayslink = True,
    )

def board_defect(name, files, program, quick = False):
    """Declares NAME, a test that an image's checks find the defect of NAME.patch.

    Args:
      name: the defect's id.
      files: what is compiled: all that the patch changes; no headers.
      program: label of the library with the image's program.
      quick: NAME is part of `test //...`.
    """
    copies = patched_files(name, files)
    kernel_objects(name + "_objects_", copies, "//kernel:kernel_lib")
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
