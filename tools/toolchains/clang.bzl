"""The clang_toolchain macro: a cc_toolchain and the toolchain() that offers it."""

load("@rules_cc//cc/toolchains:cc_toolchain.bzl", "cc_toolchain")
load(":cc_toolchain_config.bzl", "clang_toolchain_config")

def clang_toolchain(name, os, cpu, triple = "", instrumentation = "none", accesses = "accesses_unseen", static = False):
    """Declares a C toolchain made of clang and lld, or of gcc for instrumentation "user".

    Args:
      name: name of the toolchain() target.
      os: a constraint value of @platforms//os.
      cpu: a constraint value of @platforms//cpu.
      triple: clang's --target; empty for the machine's own.
      instrumentation: a constraint value of //tools/platforms:instrumentation.
      accesses: a constraint value of //tools/platforms:accesses.
      static: link programs statically.
    """
    clang_toolchain_config(
        name = name + "_config",
        accesses = accesses,
        cpu = cpu,
        instrumentation = instrumentation,
        os = os,
        static = static,
        triple = triple,
    )

    # What the flags include (cc_toolchain_config.bzl).
    included = ":watched.h" if instrumentation == "thread" else ":empty"
    cc_toolchain(
        name = name + "_cc",
        all_files = included,
        ar_files = ":empty",
        as_files = ":empty",
        compiler_files = included,
        dwp_files = ":empty",
        linker_files = ":empty",
        objcopy_files = ":empty",
        strip_files = ":empty",
        supports_param_files = True,
        toolchain_config = ":" + name + "_config",
    )

    native.toolchain(
        name = name,
        exec_compatible_with = ["@platforms//os:linux"],
        target_compatible_with = [
            "@platforms//cpu:" + cpu,
            "@platforms//os:" + os,
            "//tools/platforms:" + accesses,
            "//tools/platforms:" + instrumentation,
        ],
        toolchain = ":" + name + "_cc",
        toolchain_type = "@bazel_tools//tools/cpp:toolchain_type",
    )
