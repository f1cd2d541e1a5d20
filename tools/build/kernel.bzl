"""kernel_image: the kernel with one program, as an ELF file and a flat arm64 image."""

load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("@rules_cc//cc:find_cc_toolchain.bzl", "find_cc_toolchain", "use_cc_toolchain")
load(":platform.bzl", "platform_files")

_TOOLCHAIN = {
    "_cc_toolchain": attr.label(
        default = "@bazel_tools//tools/cpp:current_cc_toolchain",
    ),
}

def _flat_image_impl(ctx):
    cc = find_cc_toolchain(ctx)
    out = ctx.actions.declare_file(ctx.attr.out)
    ctx.actions.run(
        executable = cc.objcopy_executable,
        arguments = ["-O", "binary", ctx.file.src.path, out.path],
        inputs = depset([ctx.file.src], transitive = [cc.all_files]),
        outputs = [out],
        mnemonic = "Objcopy",
        progress_message = "Making flat image %s" % out.short_path,
    )
    return [DefaultInfo(files = depset([out]))]

# A genrule's $(OBJCOPY) does not follow platforms in Bazel 4, so a rule it is.
_flat_image = rule(
    implementation = _flat_image_impl,
    attrs = dict({
        "out": attr.string(mandatory = True),
        "src": attr.label(allow_single_file = True, mandatory = True),
    }, **_TOOLCHAIN),
    toolchains = use_cc_toolchain(),
)

def _symbol_table_impl(ctx):
    cc = find_cc_toolchain(ctx)
    out = ctx.actions.declare_file(ctx.attr.out)
    ctx.actions.run(
        executable = ctx.executable._script,
        arguments = [cc.nm_executable, ctx.file.src.path if ctx.file.src else "", out.path],
        inputs = depset(ctx.files.src, transitive = [cc.all_files]),
        outputs = [out],
        mnemonic = "SymbolTable",
        progress_message = "Listing functions for %s" % out.short_path,
        use_default_shell_env = True,
    )
    return [DefaultInfo(files = depset([out]))]

_symbol_table = rule(
    doc = "The table of the functions of `src` as assembly; an empty one without it.",
    implementation = _symbol_table_impl,
    attrs = dict({
        "out": attr.string(mandatory = True),
        "src": attr.label(allow_single_file = True),
        "_script": attr.label(
            allow_single_file = True,
            cfg = "exec",
            default = "//tools/build:symbols.sh",
            executable = True,
        ),
    }, **_TOOLCHAIN),
    toolchains = use_cc_toolchain(),
)

_LINKER_SCRIPT = "//machine/aarch64:image.ld"
_BARE = ["@platforms//os:none"]
_HIDDEN = ["//visibility:private"]

def _link(name, table, deps, testonly):
    cc_binary(
        name = name,
        testonly = testonly,
        srcs = [table],
        additional_linker_inputs = [_LINKER_SCRIPT],
        linkopts = ["-Wl,-T,$(execpath %s)" % _LINKER_SCRIPT],
        linkstatic = True,
        target_compatible_with = _BARE,
        visibility = _HIDDEN,
        deps = deps,
    )

def kernel_image(
        name,
        srcs = [],
        deps = [],
        platform = "//tools/platforms:aarch64_none_checked",
        testonly = False,
        visibility = None):
    """Links the kernel with a program that supplies program_main() (kernel/program.h).

    Linked twice: the first link's functions become the table of names of the
    second, in a section behind the text, so no function moves.

    Args:
      name: gives NAME (the flat image NAME.bin) and NAME_elf, always built
        for `platform`.
      srcs: C files of the program.
      deps: libraries of the program.
      platform: images under test are checked; the one that ships is not.
      testonly: as usual.
      visibility: as usual.
    """
    cc_library(
        name = name + "_program_",
        testonly = testonly,
        srcs = srcs,
        target_compatible_with = _BARE,
        visibility = _HIDDEN,
        deps = deps + ["//kernel:kernel_lib"],
    )
    for step, source in (("first", None), ("last", name + "_first.elf")):
        _symbol_table(
            name = name + "_" + step + "_table_",
            testonly = testonly,
            src = source,
            out = name + "_" + step + "_table.S",
            target_compatible_with = _BARE,
            visibility = _HIDDEN,
        )
        _link(
            name = name + ("_first.elf" if step == "first" else ".elf"),
            table = name + "_" + step + "_table_",
            deps = [name + "_program_"],
            testonly = testonly,
        )
    _flat_image(
        name = name + "_flat_",
        testonly = testonly,
        src = name + ".elf",
        out = name + ".bin",
        target_compatible_with = _BARE,
        visibility = _HIDDEN,
    )
    platform_files(
        name = name + "_elf",
        testonly = testonly,
        platform = platform,
        srcs = [name + ".elf"],
        visibility = visibility,
    )
    platform_files(
        name = name,
        testonly = testonly,
        platform = platform,
        srcs = [name + "_flat_"],
        visibility = visibility,
    )
