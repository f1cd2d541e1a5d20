"""One clang toolchain configuration for every platform of this project."""

load(
    "@rules_cc//cc:action_names.bzl",
    "ACTION_NAMES",
)
load(
    "@rules_cc//cc:cc_toolchain_config_lib.bzl",
    "env_entry",
    "env_set",
    "feature",
    "feature_set",
    "flag_group",
    "flag_set",
    "tool_path",
)
load("@rules_cc//cc/common:cc_common.bzl", "cc_common")
load(
    "@rules_cc//cc/toolchains:cc_toolchain_config_info.bzl",
    "CcToolchainConfigInfo",
)

_COMPILE = [
    ACTION_NAMES.assemble,
    ACTION_NAMES.c_compile,
    ACTION_NAMES.cpp_compile,
    ACTION_NAMES.cpp_header_parsing,
    ACTION_NAMES.preprocess_assemble,
]
_COMPILE_C = [
    ACTION_NAMES.c_compile,
    ACTION_NAMES.cpp_compile,
    ACTION_NAMES.cpp_header_parsing,
]
_LINK = [
    ACTION_NAMES.cpp_link_dynamic_library,
    ACTION_NAMES.cpp_link_executable,
    ACTION_NAMES.cpp_link_nodeps_dynamic_library,
]

_WARNINGS = [
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wundef",
    "-Wshadow",
    "-Wstrict-prototypes",
    "-Wmissing-prototypes",
]

_DETERMINISTIC = [
    "-no-canonical-prefixes",
    "-Wno-builtin-macro-redefined",
    "-D__DATE__=\"redacted\"",
    "-D__TIME__=\"redacted\"",
    "-D__TIMESTAMP__=\"redacted\"",
    "-ffile-prefix-map=/proc/self/cwd=.",  # what Bazel says the compiler stands in
]

_SANITIZERS = "address,undefined"

# What portable code may know of its build: two plain constants (machine/base.h).
_RELEASE = ["-DBUILD_CHECK_LEVEL=1", "-DBUILD_CALL_SITES=0"]
_CHECKED = ["-DBUILD_CHECK_LEVEL=2", "-DBUILD_CALL_SITES=1"]

_FIND_FAULTS = _CHECKED + [
    "-fno-sanitize-recover=all",
    "-fno-omit-frame-pointer",
    "-g",
    "-DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION",
]

_INSTRUMENTATION = {
    "afl": struct(
        cc = "afl-clang-fast",
        level = "-O2",
        compile = ["-fsanitize=" + _SANITIZERS] + _FIND_FAULTS,
        # Not -fsanitize=fuzzer: Bazel passes the link flags in a response file,
        # which afl-clang-fast does not read, so clang would link libFuzzer.
        link = ["/usr/lib/afl/libAFLDriver.a", "-fsanitize=" + _SANITIZERS],
    ),
    "afl_guards": struct(
        cc = "clang",
        level = "-O2",
        compile = [
            "-fsanitize=" + _SANITIZERS,
            "-fsanitize-coverage=trace-pc-guard",
        ] + _FIND_FAULTS,
        # What afl-clang-fast would link.
        link = [
            "/usr/lib/afl/libAFLDriver.a",
            "/usr/lib/afl/afl-compiler-rt.o",
            "-fsanitize=" + _SANITIZERS,
        ],
    ),
    "checked": struct(
        cc = "clang",
        level = "-O2",
        compile = _CHECKED,
        link = [],
    ),
    "libfuzzer": struct(
        cc = "clang",
        level = "-O3",  # 2 to 4 % more operations a second
        # Operands of comparisons are not watched: the mutators know the format and the sizes that
        # matter, and watching them took half of the time.  Nor is the depth of the stack: each CPU
        # has a stack of its own, wherever it lies, so the figure means nothing.
        compile = [
            "-fsanitize=fuzzer-no-link," + _SANITIZERS,
            "-fno-sanitize-coverage=trace-cmp,stack-depth",
        ] + _FIND_FAULTS,
        link = ["-fsanitize=fuzzer," + _SANITIZERS],
    ),
    "none": struct(
        cc = "clang",
        level = "-O2",
        compile = _RELEASE,
        link = [],
    ),
    "sanitize": struct(
        cc = "clang",
        level = "-O2",
        compile = ["-fsanitize=" + _SANITIZERS] + _FIND_FAULTS,
        link = ["-fsanitize=" + _SANITIZERS],
    ),
    # Code that is not "watched" is not ThreadSanitizer's concern: models, which change in one piece.
    "thread": struct(
        cc = "clang",
        level = "-O2",
        compile = ["-fsanitize=undefined"] + _FIND_FAULTS,
        link = ["-fsanitize=thread,undefined"],
    ),
    # Ordinary programs, as everybody on Debian makes them; static ones, or static-PIE, as each says
    # (tools/build/user.bzl).
    "user": struct(
        cc = "aarch64-linux-gnu-gcc",
        level = "-O2",
        compile = [],
        link = [],
    ),
}

# What the feature "watched" adds where accesses are seen: a call before each load and store, and
# calls with a prefix in place of memory primitives (machine/host/accesses.c).  The compiler has the
# trace only beside some kind of coverage; in a build without any, that is "functions" with nothing
# to be done at them, which the driver's own option would not do.
_WATCHED_PREFIX = [
    "-mllvm",
    "-asan-memory-access-callback-prefix=host_seen_",
]
_WATCHED_ALWAYS = [
    "-Dmemcmp=host_seen_memcmp",
    "-fno-optimize-sibling-calls",  # who calls an atomic operation last is named, not its caller
]
_WATCHED_COVERAGE = ["-fsanitize-coverage=trace-loads,trace-stores"]
_WATCHED_ALONE = [
    "-Xclang",
    "-fsanitize-coverage-type=1",
    "-Xclang",
    "-fsanitize-coverage-trace-loads",
    "-Xclang",
    "-fsanitize-coverage-trace-stores",
]
_WATCHED = {
    "afl_guards": _WATCHED_PREFIX + _WATCHED_ALWAYS + _WATCHED_COVERAGE,
    "libfuzzer": _WATCHED_PREFIX + _WATCHED_ALWAYS + _WATCHED_COVERAGE,
    "sanitize": _WATCHED_PREFIX + _WATCHED_ALWAYS + _WATCHED_ALONE,
    # ThreadSanitizer is told of turns of CPUs, not of threads that go from one to another: calls
    # and returns do not match there (machine/host/tsan.c).
    "thread": _WATCHED_ALWAYS + _WATCHED_ALONE + [
        "-fsanitize=thread",
        "-mllvm",
        "-tsan-instrument-func-entry-exit=0",
        "-include",
        "tools/toolchains/watched.h",
    ],
}

def _flags(actions, flags, with_features = []):
    return flag_set(
        actions = actions,
        flag_groups = [flag_group(flags = flags)] if flags else [],
        with_features = with_features,
    )

def _impl(ctx):
    instr = _INSTRUMENTATION[ctx.attr.instrumentation]
    bare = ctx.attr.os == "none"
    target = ["--target=" + ctx.attr.triple] if ctx.attr.triple else []
    cc = instr.cc
    by_gcc = cc.endswith("gcc")

    compile_flags = target + _DETERMINISTIC
    c_flags = ["-std=gnu11"] + _WARNINGS
    link_flags = target + ([] if by_gcc else ["-fuse-ld=lld"]) + ["-Wl,--build-id=none"]

    if bare:
        compile_flags = compile_flags + [
            "-ffreestanding",
            "-fno-omit-frame-pointer",
            "-mno-omit-leaf-frame-pointer",
            "-fno-pic",
            "-mgeneral-regs-only",
            "-mstrict-align",
        ]
        link_flags = link_flags + [
            "-nostdlib",
            "-static",
            "-Wl,-z,max-page-size=4096",
        ]
    elif ctx.attr.static and not by_gcc:
        link_flags = link_flags + ["-static"]

    compile_flags = compile_flags + instr.compile
    if bare and ctx.attr.instrumentation == "checked":
        # Undefined behaviour ends in a BRK, which the kernel reports by kind.  Calls are
        # calls, so that a backtrace has them all.
        compile_flags = compile_flags + [
            "-fno-optimize-sibling-calls",
            "-fsanitize-trap=all",
            "-fsanitize=undefined",
        ]

    watched = []
    if ctx.attr.accesses != "accesses_unseen":
        watched = _WATCHED[ctx.attr.instrumentation]

    features = [
        feature(
            name = "project_flags",
            enabled = True,
            flag_sets = [
                _flags(_COMPILE, compile_flags),
                _flags([ACTION_NAMES.c_compile], c_flags),
                _flags(_COMPILE_C, [instr.level, "-g", "-gdwarf-4"]),
                _flags(_LINK, link_flags + instr.link),
            ],
            env_sets = [
                env_set(
                    actions = _COMPILE + _LINK,
                    env_entries = [env_entry("AFL_QUIET", "1")],
                ),
            ] if ctx.attr.instrumentation == "afl" else [],
        ),
        feature(
            name = "watched",
            flag_sets = [_flags([ACTION_NAMES.c_compile], watched)],
        ),
        # One build: what -c would choose is chosen by the platform instead.
        feature(name = "opt"),
        feature(name = "dbg"),
        feature(name = "fastbuild"),
    ]

    # `bazel coverage`: clang's source-based coverage. Debian has its run-time
    # library only for the machine's own architecture; elsewhere the feature is
    # there without flags, or Bazel would add its own feature of this name.
    has_profile = ctx.attr.cpu == "x86_64" and not bare
    features += [
        feature(name = "coverage"),
        feature(
            name = "llvm_coverage_map_format",
            flag_sets = [_flags(
                _COMPILE_C + _LINK,
                ["-fprofile-instr-generate", "-fcoverage-mapping"],
            )] if has_profile else [],
            requires = [feature_set(features = ["coverage"])],
        ),
    ]
    if not bare and not ctx.attr.static:
        features.append(feature(name = "supports_pic", enabled = True))

    bindir = ctx.attr.bindir
    return cc_common.create_cc_toolchain_config_info(
        ctx = ctx,
        toolchain_identifier = ctx.label.name,
        features = features,
        # Everything clang finds by itself lies below /usr on Debian.
        cxx_builtin_include_directories = ["/usr"],
        host_system_name = "local",
        target_system_name = ctx.attr.triple or "local",
        target_cpu = ctx.attr.cpu,
        target_libc = "none" if bare else "glibc",
        compiler = "gcc" if by_gcc else "clang",
        abi_version = "unknown",
        abi_libc_version = "unknown",
        tool_paths = [
            tool_path(name = "gcc", path = bindir + "/" + cc),
            tool_path(name = "cpp", path = bindir + "/clang-cpp"),
            tool_path(name = "ld", path = bindir + "/ld.lld"),
            tool_path(name = "ar", path = bindir + "/llvm-ar"),
            tool_path(name = "nm", path = bindir + "/llvm-nm"),
            tool_path(name = "objcopy", path = bindir + "/llvm-objcopy"),
            tool_path(name = "objdump", path = bindir + "/llvm-objdump"),
            tool_path(name = "strip", path = bindir + "/llvm-strip"),
            # Bazel's coverage script wants llvm-profdata under this name.
            tool_path(name = "gcov", path = bindir + "/llvm-profdata"),
            tool_path(name = "llvm-cov", path = bindir + "/llvm-cov"),
            tool_path(name = "llvm-profdata", path = bindir + "/llvm-profdata"),
            tool_path(name = "dwp", path = "/bin/false"),
        ],
    )

clang_toolchain_config = rule(
    implementation = _impl,
    attrs = {
        "accesses": attr.string(default = "accesses_unseen"),
        "bindir": attr.string(default = "/usr/bin"),
        "cpu": attr.string(mandatory = True),
        "instrumentation": attr.string(default = "none"),
        "os": attr.string(mandatory = True),
        "static": attr.bool(default = False),
        "triple": attr.string(),
    },
    provides = [CcToolchainConfigInfo],
)
