"""night_table: rows of what a night consists of (table.h), with what their commands need."""

def _night_table_impl(ctx):
    out = ctx.actions.declare_file(ctx.label.name + ".rows")
    rows = [ctx.expand_location(row, ctx.attr.data) for row in ctx.attr.rows]
    ctx.actions.write(out, "".join([row + "\n" for row in rows]))
    runfiles = ctx.runfiles([out] + ctx.files.data)
    for d in ctx.attr.data:
        runfiles = runfiles.merge(d[DefaultInfo].default_runfiles)
    return [DefaultInfo(files = depset([out]), runfiles = runfiles)]

night_table = rule(
    doc = "A file of rows; $(rootpath LABEL) in them is where a program of `data` lies.",
    implementation = _night_table_impl,
    attrs = {
        "data": attr.label_list(allow_files = True),
        "rows": attr.string_list(),
    },
)

def _item(name, kind, expects, first, patience, least, most, command, again):
    return "\t".join([
        "item",
        name,
        kind,
        expects,
        "first" if first else "later",
        "1",
        str(patience),
        str(least),
        str(most),
        " ".join(command),
        again,
    ])

def _subject_rows(subject, watched):
    fuzz = "//fuzz:%s_fuzz" % subject
    race = "_race" if watched else ""
    expects = "finding" if subject.startswith("canary") else "clean"
    again = "tools/bazel run //tools:replay -- --subject %s {script}" % subject
    return [
        _item("fuzz." + subject, "engine", expects, True, 120, 0, 0, [
            "$(rootpath //stress/nightly:engine.sh)",
            "{seconds}",
            "{run}",
            "{corpus}",
            "$(rootpath %s_corpus)/seeds" % fuzz,
            "$(rootpath %s_bin)" % fuzz,
            "-seed={seed}",
            "-artifact_prefix={run}/found/",
            "-dict=$(rootpath %s_dict)" % fuzz,
            "-max_len=16384",
            "-timeout=25",
            "-rss_limit_mb=2560",
            "-print_final_stats=1",
            "-print_funcs=0",
        ], again),
        _item("hunt." + subject, "hunt", expects, False, 120, 0, 0, [
            "$(rootpath //fuzz:replay%s)" % race,
            "--hunt",
            subject,
            "--seed",
            "{seed}",
            "--seconds",
            "{seconds}",
            "--runs",
            "1000000000",
            "--twice",
            "64",
            "--timeout",
            "100",
            "--out",
            "{run}/found",
        ], again),
        "\t".join(["small", subject, " ".join([
            "$(rootpath //fuzz:minimise%s)" % race,
            "--subject",
            subject,
            "--budget",
            "2000",
            "-o",
            "{small}",
            "{script}",
        ])]),
    ]

def fuzz_table(name, subjects, watched):
    """For each subject: the engine on its corpus, a hunt, and how a finding is made small.

    Args:
      name: of the table.
      subjects: their names, as cc_fuzz_test has them.
      watched: those whose CPUs take turns.
    """
    rows, data = [], [
        "//fuzz:minimise",
        "//fuzz:minimise_race",
        "//fuzz:replay",
        "//fuzz:replay_race",
        "//stress/nightly:engine.sh",
    ]
    for subject in subjects:
        rows += _subject_rows(subject, subject in watched)
        data += ["//fuzz:%s_fuzz%s" % (subject, part) for part in ["_bin", "_corpus", "_dict"]]

    # All engines before all hunts, so that a short night sees every subject before any twice.
    kinds = ["small\t", "item\tfuzz.canary", "item\thunt.canary", "item\tfuzz.", "item\thunt."]
    sorted_rows = []
    for kind in kinds:
        sorted_rows += [r for r in rows if r.startswith(kind) and r not in sorted_rows]
    night_table(
        name = name,
        rows = sorted_rows,
        data = data,
        visibility = ["//visibility:public"],
    )

def play_table(name, subjects, data):
    """For each subject: its scripts, drawn and played by programs, with one CPU and with four.

    Args:
      name: of the table.
      subjects: of which user/replay plays scripts; canary, where one answer is wrong.
      data: what the command needs.
    """
    rows = []
    for cpus in ["1", "4"]:
        for subject in subjects:
            if subject == "canary" and cpus != "1":
                continue
            command = "tools/bazel run //user/replay -- --cpus %s --on ours%s " % (
                cpus,
                ",linux" if cpus == "1" else "",
            )
            rows.append(_item(
                "play.%s.%s" % (subject, cpus),
                "play",
                "finding" if subject == "canary" else "clean",
                cpus == "1",
                400,
                20,
                20 if subject == "canary" else 2000,
                [
                    "$(rootpath play.sh)",
                    subject,
                    cpus,
                    "{seed}",
                    "{size}",
                    "{patience}",
                    "{run}",
                    "$(rootpath //user/replay:replay_parts)",
                    "$(rootpath //fuzz:script_tool)",
                ],
                "%s{script} || %s--generate %s --seed {seed} --count {size}" % (
                    command,
                    command,
                    subject,
                ),
            ))
    night_table(
        name = name,
        rows = rows,
        data = data,
        visibility = ["//visibility:public"],
    )

def program(command, target, flags, least, most):
    """A row of a stress_table.

    Args:
      command: the launcher, with what its BUILD target gives it.
      target: what a person runs.
      flags: for either; in them is {cpus}, {seed}, {size}, and {free}, which is --parallel or nothing.
      least: the size of a first run.
      most: the largest size.
    """
    return struct(command = command, flags = flags, least = least, most = most, target = target)

def stress_table(name, programs, data):
    """For each program six items: with 1, 2 and 4 CPUs, in turns by -icount and running freely.

    With each number of CPUs one of the two is among what every night has to reach, the other comes
    later; which is the one changes from row to row.

    Args:
      name: of the table.
      programs: name -> program().
      data: what the commands need.
    """
    rows = []
    for c, cpus in enumerate(["1", "2", "4"]):
        for f, free in enumerate(["", "--parallel"]):
            for i, (subject, p) in enumerate(programs.items()):
                flags = p.flags.replace("{cpus}", cpus).replace("{free} ", free + " " if free else "")
                rows.append(_item(
                    "stress.%s.%s%s" % (subject, cpus, "-free" if free else ""),
                    "stress",
                    "clean",
                    (c + f + i) % 2 == 0,
                    400,
                    p.least,
                    p.most,
                    [p.command, flags],
                    "tools/bazel run %s -- %s" % (
                        p.target,
                        flags.replace("--timeout {patience} ", "").replace("--out {run}/kept ", ""),
                    ),
                ))
    night_table(
        name = name,
        rows = rows,
        data = data,
        visibility = ["//visibility:public"],
    )
