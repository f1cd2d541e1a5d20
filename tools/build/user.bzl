"""Programs that run at EL0, on our kernel and on Linux, and the archives that they come in."""

load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load(":platform.bzl", "platform_binary")

_USER = "//tools/platforms:linux_aarch64_user"

def user_program(
        name,
        srcs,
        deps = [],
        pie = False,
        libc = True,
        copts = [],
        linkopts = [],
        testonly = False,
        visibility = None):
    """Declares NAME, an ordinary static AArch64 Linux program: Debian's gcc and glibc.

    It runs under qemu-aarch64, on Linux, and on our kernel. Symbols are
    stripped; the ones for a debugger are in NAME_raw_'s objects.

    Args:
      name: of the program.
      srcs: C or assembly files.
      deps: libraries, built by the same compiler.
      pie: a static-PIE, which the kernel may load anywhere.
      libc: with a C library; else the sources have _start.
      copts: for the compiler.
      linkopts: for the linker.
      testonly: as usual.
      visibility: as usual.
    """
    cc_binary(
        name = name + "_raw_",
        testonly = testonly,
        srcs = srcs,
        copts = copts,
        linkopts = ["-static-pie" if pie else "-static", "-s"] +
                   ([] if libc else ["-nostdlib"]) + linkopts,
        tags = ["manual"],
        visibility = ["//visibility:private"],
        deps = deps,
    )
    platform_binary(
        name = name,
        testonly = testonly,
        binary = name + "_raw_",
        platform = _USER,
        visibility = visibility,
    )

def _initrd_impl(ctx):
    lines = ["dir 755 " + path for path in ctx.attr.dirs]
    lines += ["link %s %s" % (path, to) for path, to in ctx.attr.links.items()]
    inputs = []
    for label, paths in ctx.attr.files.items():
        source = label.files.to_list()
        if len(source) != 1:
            fail("%s is not one file" % label.label)
        inputs += source
        lines += ["file 755 %s %s" % (path, source[0].path) for path in paths.split(" ")]
    for number, (path, text) in enumerate(ctx.attr.texts.items()):
        source = ctx.actions.declare_file("%s_text_%d" % (ctx.label.name, number))
        ctx.actions.write(source, text)
        inputs.append(source)
        lines.append("file 644 %s %s" % (path, source.path))
    listed = ctx.actions.declare_file(ctx.label.name + ".list")
    ctx.actions.write(listed, "\n".join(lines) + "\n")
    out = ctx.actions.declare_file(ctx.label.name + ".cpio")
    ctx.actions.run(
        executable = ctx.executable._script,
        arguments = [out.path, listed.path],
        inputs = inputs + [listed],
        outputs = [out],
        mnemonic = "Initrd",
        progress_message = "Packing %s" % out.short_path,
        use_default_shell_env = True,
    )
    return [DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))]

_initrd = rule(
    implementation = _initrd_impl,
    attrs = dict({
        "dirs": attr.string_list(),
        "files": attr.label_keyed_string_dict(allow_files = True),
        "links": attr.string_dict(),
        "texts": attr.string_dict(),
        "_script": attr.label(
            allow_single_file = True,
            cfg = "exec",
            default = "//tools/build:mkcpio.sh",
            executable = True,
        ),
    }),
)

def initrd(name, files, links = {}, texts = {}, dirs = [], testonly = False, visibility = None):
    """Declares NAME, the archive NAME.cpio (newc), whose bytes its contents alone decide.

    Folders above what is named are there by themselves, and "dev", "proc" and
    "tmp". Paths have no "/" in front. All are root's, of the year 1970.

    Args:
      name: of the archive.
      files: {path: label}, programs: mode 755.
      links: {path: where the symbolic link leads}.
      texts: {path: text}, files of mode 644.
      dirs: folders that are empty.
      testonly: as usual.
      visibility: as usual.
    """
    paths = {}
    for path, label in files.items():
        paths[label] = (paths[label] + " " if label in paths else "") + path
    _initrd(
        name = name,
        testonly = testonly,
        dirs = ["dev", "proc", "tmp"] + dirs,
        files = paths,
        links = links,
        texts = texts,
        visibility = visibility,
    )
