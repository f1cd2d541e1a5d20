"""cc_fuzz_test: one subject under libFuzzer and AFL++, and the replay of its corpus."""

load("@rules_cc//cc:cc_binary.bzl", "cc_binary")
load("@rules_cc//cc:cc_library.bzl", "cc_library")
load("@rules_shell//shell:sh_binary.bzl", "sh_binary")
load("@rules_shell//shell:sh_test.bzl", "sh_test")
load(":platform.bzl", "TRANSITION_ALLOWLIST", "platform_binary", "program_of", "to_release")

def _corpus_impl(ctx):
    out = ctx.actions.declare_directory(ctx.label.name)
    args = ctx.actions.args()
    args.add("corpus")
    args.add("-o", out.path)
    args.add("--subject", ctx.attr.subject)
    args.add_all(ctx.files.srcs)
    ctx.actions.run(
        executable = program_of(ctx.attr._script),
        arguments = [args],
        inputs = ctx.files.srcs,
        outputs = [out],
        mnemonic = "Corpus",
        progress_message = "Assembling the corpus of %s" % ctx.attr.subject,
    )
    return [DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))]

# Scripts in any form become stored files in one directory, in seeds/ where no oracle is expected
# to fire, in crashing/ where one is.
_corpus = rule(
    implementation = _corpus_impl,
    attrs = dict({
        "srcs": attr.label_list(allow_files = True),
        "subject": attr.string(mandatory = True),
        "_script": attr.label(
            cfg = to_release,
            default = "//fuzz:script_tool",
            executable = True,
        ),
    }, **TRANSITION_ALLOWLIST),
)

def _dict_impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".dict")
    ctx.actions.run_shell(
        inputs = ctx.files.srcs,
        outputs = [out],
        arguments = [out.path] + [f.path for f in ctx.files.srcs],
        command = "out=$1; shift; echo '# AFL++ and libFuzzer dictionary' >\"$out\"; " +
                  "[ $# -eq 0 ] || cat \"$@\" >>\"$out\"",
        mnemonic = "Dictionary",
    )
    return [DefaultInfo(files = depset([out]), runfiles = ctx.runfiles([out]))]

_dict = rule(
    implementation = _dict_impl,
    attrs = {"srcs": attr.label_list(allow_files = True)},
)

def _programs(name, subject, deps, watched, tags, visibility):
    """The engines' programs: NAME_bin and NAME_afl_bin, and AFL++'s mutator."""
    cc_library(
        name = name + "_subject_",
        srcs = ["//fuzz:frame/one_subject.c"],
        local_defines = ["ONE_SUBJECT=%s_subject" % subject],
        visibility = ["//visibility:private"],
        deps = ["//fuzz:script"] + deps,
    )
    cc_binary(
        name = name + "_raw_",
        tags = tags + ["manual"],
        visibility = ["//visibility:private"],
        deps = [
            ":" + name + "_subject_",
            "//fuzz:engine",
        ],
    )
    cc_binary(
        name = name + "_mutator.so",
        linkshared = True,
        linkstatic = True,
        tags = tags,
        visibility = ["//visibility:private"],
        deps = [
            ":" + name + "_subject_",
            "//fuzz:afl_mutator",
        ],
    )
    kind = "linux_x86_64_race_" if watched else "linux_x86_64_"
    for suffix, platform in [
        ("_bin", kind + "libfuzzer"),
        ("_afl_bin", kind + "afl"),
    ]:
        platform_binary(
            name = name + suffix,
            binary = name + "_raw_",
            platform = "//tools/platforms:" + platform,
            tags = tags,
            visibility = visibility,
        )

def _launchers(name, subject, watched, tags, visibility):
    """NAME and NAME_afl, which `bazel run` starts."""
    common = [
        subject,
        "$(rootpath //fuzz:replay)",
        "$(rootpath %s_corpus)" % name,
        "$(rootpath %s_dict)" % name,
        "$(rootpath //fuzz:minimise%s)" % ("_race" if watched else ""),
        "$(rootpath //fuzz:explain_race)" if watched else "none",
    ]
    data = [
        name + "_corpus",
        name + "_dict",
        "//fuzz:minimise" + ("_race" if watched else ""),
        "//fuzz:replay",
        "//tools/build:fuzz_common.sh",
    ] + (["//fuzz:explain_race"] if watched else [])
    sh_binary(
        name = name,
        srcs = ["//tools/build:fuzz_run.sh"],
        args = [name] + common + ["$(rootpath %s_bin)" % name],
        data = data + [name + "_bin"],
        tags = tags,
        visibility = visibility,
    )
    sh_binary(
        name = name + "_afl",
        srcs = ["//tools/build:fuzz_afl.sh"],
        args = [name + "_afl"] + common + [
            "$(rootpath %s_afl_bin)" % name,
            "$(rootpath %s_mutator.so)" % name,
        ],
        data = data + [
            name + "_afl_bin",
            name + "_mutator.so",
        ],
        tags = tags,
        visibility = visibility,
    )

def _hunt_test(name, subject, runs, flags, program, size, tags, visibility):
    sh_test(
        name = name,
        size = size,
        srcs = ["//tools/build:exec.sh"],
        args = [
            "$(rootpath %s)" % program,
            "--hunt",
            subject,
            "--runs",
            str(runs),
            "--twice",
            "64",
        ] + flags,
        data = [program],
        tags = tags,
        visibility = visibility,
    )

def cc_fuzz_test(
        name,
        subject,
        deps,
        corpus = None,
        dicts = [],
        hunt_runs = 3000,
        watched = False,
        tags = [],
        size = "small",
        visibility = None):
    """Declares what there is to do with one subject of fuzzing.

      NAME          bazel run: fuzzes with libFuzzer until stopped; -- FILE... replays files
      NAME_run      the same, by rules_fuzzing's name for it
      NAME_afl      bazel run: fuzzes with AFL++
      NAME_test     bazel test: replays the corpus under ASan and UBSan and under qemu-aarch64,
                    and compares the digests; together they must reach every
                    "sometimes" state
      NAME_hunt_test  bazel test: a fixed number of generated scripts, which must be clean and
                    must reach every "sometimes" state of the subject
      NAME_race_test   where `watched`: a quarter as many, with loads and stores seen
      NAME_tsan_test   where `watched`: half of those, before ThreadSanitizer
      NAME_bin      the libFuzzer program; NAME_afl_bin: AFL++'s
      NAME_corpus   a directory of stored files, assembled from the tree's
      NAME_dict     the dictionary

    `bazel build //...` builds all of them.

    Args:
      name: the name; by custom SUBJECT_fuzz.
      subject: the subject's name; its library defines `struct subject SUBJECT_subject`.
      deps: the subject's library.
      corpus: files in any of the three forms; default //corpus:SUBJECT.
      dicts: dictionaries in AFL's format.
      hunt_runs: how many scripts NAME_hunt_test runs; 0: there is no such test.
      watched: whether the engines' programs see loads and stores, for races.
      tags: for the programs and the test.
      size: of the test; like `tags` of the test's timeout nothing else knows of it.
      visibility: as usual.
    """
    _programs(name, subject, deps, watched, tags, visibility)
    _corpus(
        name = name + "_corpus",
        srcs = ["//corpus:" + subject] if corpus == None else corpus,
        subject = subject,
        tags = tags,
        visibility = visibility,
    )
    _dict(name = name + "_dict", srcs = dicts, tags = tags, visibility = visibility)
    _launchers(name, subject, watched, tags, visibility)
    native.alias(name = name + "_run", actual = name, visibility = visibility)
    sh_test(
        name = name + "_test",
        size = size,
        srcs = ["//tools/build:fuzz_test.sh"],
        args = [
            "$(rootpath //fuzz:replay)",
            "$(rootpath //fuzz:replay_aarch64)",
            "$(rootpath %s_corpus)" % name,
            subject,
        ],
        data = [
            name + "_corpus",
            "//fuzz:replay",
            "//fuzz:replay_aarch64",
        ],
        tags = tags + ["fuzz-test"],
        visibility = visibility,
    )
    if hunt_runs == 0:
        return
    _hunt_test(name + "_hunt_test", subject, hunt_runs, ["--sometimes"], "//fuzz:replay", size, tags, visibility)
    if watched:
        _hunt_test(name + "_race_test", subject, hunt_runs // 4, [], "//fuzz:replay_race", size, tags, visibility)
        _hunt_test(name + "_tsan_test", subject, hunt_runs // 8, [], "//fuzz:replay_tsan", size, tags, visibility)
