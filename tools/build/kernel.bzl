"""kernel_image: an ELF file and a flat image for the bare machine."""

load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load("@rules_cc//cc:find_cc_toolchain.bzl", "find_cc_toolchain", "use_cc_toolchain")
load(":platform.bzl", "platform_files")

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
    attrs = {
        "out": attr.string(mandatory = True),
        "src": attr.label(allow_single_file = True, mandatory = True),
        "_cc_toolchain": attr.label(
            default = "@bazel_tools//tools/cpp:current_cc_toolchain",
        ),
    },
    toolchains = use_cc_toolchain(),
)

def kernel_image(name, linker_script, platform = "//tools/platforms:aarch64_none", visibility = None, **kwargs):
    """Links a kernel and makes its flat image.

    Args:
      name: gives NAME (the flat image NAME.bin) and NAME_elf, always built
        for `platform`.
      linker_script: the linker script.
      platform: the bare-metal platform.
      visibility: as usual.
      **kwargs: for the cc_binary.
    """
    bare = ["@platforms//os:none"]
    cc_binary(
        name = name + ".elf",
        additional_linker_inputs = [linker_script],
        linkopts = ["-Wl,-T,$(execpath %s)" % linker_script],
        linkstatic = True,
        target_compatible_with = bare,
        visibility = ["//visibility:private"],
        **kwargs
    )
    _flat_image(
        name = name + "_flat_",
        src = name + ".elf",
        out = name + ".bin",
        target_compatible_with = bare,
        visibility = ["//visibility:private"],
    )
    platform_files(
        name = name + "_elf",
        platform = platform,
        srcs = [name + ".elf"],
        visibility = visibility,
    )
    platform_files(
        name = name,
        platform = platform,
        srcs = [name + "_flat_"],
        visibility = visibility,
    )
