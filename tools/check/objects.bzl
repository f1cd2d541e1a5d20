"""objects_of: the archives that a target links, for one platform, by folder."""

load("@rules_cc//cc/common:cc_info.bzl", "CcInfo")

def _to_platform_impl(_settings, attr):
    return {"//command_line_option:platforms": str(attr.platform)}

_to_platform = transition(
    implementation = _to_platform_impl,
    inputs = [],
    outputs = ["//command_line_option:platforms"],
)

def _objects_of_impl(ctx):
    archives = []
    for dep in ctx.attr.deps:
        for linked in dep[CcInfo].linking_context.linker_inputs.to_list():
            if linked.owner.package.split("/")[0] not in ctx.attr.folders:
                continue
            for library in linked.libraries:
                archive = library.pic_static_library or library.static_library
                if archive and archive not in archives:
                    archives.append(archive)
    if not archives:
        fail("nothing of %s is linked by %s" % (ctx.attr.folders, ctx.label))

    # Under names of their own: two platforms' archives of one library would be one runfile.
    links = []
    for archive in archives:
        name = archive.short_path.replace("/", "_")
        link = ctx.actions.declare_file(ctx.label.name + "/" + name)
        ctx.actions.symlink(output = link, target_file = archive)
        links.append(link)
    return [DefaultInfo(
        files = depset(links),
        runfiles = ctx.runfiles(links),
    )]

objects_of = rule(
    doc = "The archives of all libraries in `folders` that `deps` link, built for `platform`.",
    implementation = _objects_of_impl,
    attrs = {
        "deps": attr.label_list(cfg = _to_platform, mandatory = True, providers = [CcInfo]),
        "folders": attr.string_list(mandatory = True),
        "platform": attr.label(mandatory = True),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
)
