#!/usr/bin/env python3
"""Measures crm2capi beside Meta's Python and Node SDKs and a bare Rust loop, in turn, in one run, on each mix of leads.

Everything it makes lies under target/bench. The result is Markdown on standard output; README.md says what it means.
"""

import argparse
import dataclasses
import datetime
import hashlib
import itertools
import json
import multiprocessing
import os
import pathlib
import platform
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

BENCHES = pathlib.Path(__file__).resolve().parent
ROOT = BENCHES.parent
TARGET = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).resolve()
WORK = TARGET / "bench"
PYTHON_SDK = "facebook_business==26.0.3"
NODE_SDK = "facebook-nodejs-business-sdk@24.0.1"

SIDE_BY_SIDE = 1_000_000  # rows of the comparison
SDK_ROWS = 20_000
FEW = 10  # rows of the run that shows what starting costs
SCALING = (10_000, 1_000_000, 10_000_000)
# What `make_export.py` makes; the first of them are those that the goals are set for.
MIXES = ("us", "world", "wild", "hashed", "custom", "bench")
# Rows and columns of the export that is read in other forms than CSV too.
FORM_ROWS, FORM_COLUMNS, FORM_MIX = 200_000, 25, "custom"
VALUE = ("--map", "value=Deal Value", "--map", "currency=Currency")
CUSTOM = tuple(word for name in ("score", "plan", "owner", "region", "visits") for word in ("--map", f"custom.{name}={name}"))
MAPPED = {"wild": VALUE, "custom": VALUE + CUSTOM}
# Values that Meta's SDKs end with an error on.
NOT_FOR_SDKS = ("wild",)
# Normalised alike by crm2capi and both SDKs. In the others the SDKs keep punctuation, or a state's full name.
SAME_EVERYWHERE = ("em", "ph", "ge", "db", "ct", "zp", "country")


@dataclasses.dataclass(frozen=True)
class Program:
    """A command that takes an export as its last argument."""

    name: str
    command: tuple
    most_rows: int = SIDE_BY_SIDE
    is_ours: bool = False

    def on(self, mix, rows):
        """The command for the first so many rows of a mix."""
        mapped = MAPPED.get(mix, ()) if self.is_ours else ()
        return [*map(str, self.command), *mapped, str(export(mix, rows))]


@dataclasses.dataclass(frozen=True)
class Run:
    """What one process used: seconds on the wall, seconds of CPU in all its threads, bytes of memory at its peak."""

    wall: float
    cpu: float
    peak: float


def say(text):
    print(text, file=sys.stderr, flush=True)


def export(mix, rows):
    return WORK / f"leads-{mix}-{rows}.csv"


def make_exports(mix, sizes, seed):
    """Generates the longest; the others are its beginnings. Without a seed, a file newer than the generator is kept."""
    generator = BENCHES / "make_export.py"
    changed = max(path.stat().st_mtime for path in (generator, BENCHES / "countries.tsv"))
    longest = max(sizes)
    for rows in sorted(sizes, reverse=True):
        path = export(mix, rows)
        if not seed and path.exists() and path.stat().st_mtime > changed:
            continue
        say(f"making {path}")
        unfinished = path.with_suffix(".part")
        with unfinished.open("wb") as out:
            if rows == longest:
                subprocess.run([sys.executable, generator, mix, str(rows), *seed], stdout=out, check=True)
            else:
                with export(mix, longest).open("rb") as lines:
                    out.writelines(itertools.islice(lines, rows + 1))
        unfinished.rename(path)


def build(arguments):
    """The two binaries, built unless they were named."""
    if not arguments.binary:
        subprocess.run(["cargo", "build", "--profile", "dist", "--locked", "--bin", "crm2capi"], cwd=ROOT, check=True)
    if not arguments.floor:
        subprocess.run(["cargo", "build", "--profile", "dist", "--locked", "--example", "floor"], cwd=ROOT, check=True)
    return arguments.binary or TARGET / "dist/crm2capi", arguments.floor or TARGET / "dist/examples/floor"


def install_sdks():
    python = WORK / "venv/bin/python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", WORK / "venv"], check=True)
    say(f"installing {PYTHON_SDK} and {NODE_SDK}")
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PYTHON_SDK], check=True)
    subprocess.run(
        ["npm", "install", "--prefix", WORK, "--no-save", "--no-audit", "--no-fund", "--silent", NODE_SDK], check=True
    )
    return python


def measure(command):
    """Runs the command with its output thrown away; ends the script when the command fails."""
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=WORK, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1):
            errors.seek(0)
            sys.exit(f"error: {shlex.join(command)} ended with {process.returncode}\n{errors.read().decode()}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit)


def output_of(command, accepted=(0, 1)):
    """The lines the command prints. A build of rows of which some are bad ends with 1, and is sound."""
    with subprocess.Popen(command, cwd=WORK, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        yield from process.stdout
    if process.returncode not in accepted:
        sys.exit(f"error: {shlex.join(command)} ended with {process.returncode}")


def sdk_events(program, mix, rows):
    """The events of the requests: JSON, or a form whose field holds JSON that holds JSON, as the Python SDK sends it."""
    for body in output_of(program.on(mix, rows)):
        if body.startswith(b"{"):
            yield from json.loads(body)["data"]
        else:
            yield from map(json.loads, json.loads(urllib.parse.parse_qs(body.decode())["data"][0]))


def check(programs, mix, rows):
    """Every program does the work it is measured for: an event a row where all rows are sound, crm2capi's bytes the same
    for any number of threads, and the values of the SDKs those of crm2capi."""
    build, one_thread, validate, floor, *sdks = programs
    say(f"checking that all do the same work on {mix}")
    is_sound = mix not in NOT_FOR_SDKS
    digests = []
    for program in (build, one_thread, floor):
        digest, lines = hashlib.sha256(), 0
        for line in output_of(program.on(mix, rows)):
            digest.update(line)
            lines += 1
        if lines != rows and is_sound:
            sys.exit(f"error: {program.name} made {lines} events of {rows} rows")
        digests.append(digest.digest())
    if digests[0] != digests[1]:
        sys.exit("error: build writes other bytes with one thread than with all")

    if not is_sound:
        return
    report = json.loads(b"".join(output_of(validate.on(mix, rows))))
    if (report["rows"], report["would_send"]) != (rows, rows):
        sys.exit(f"error: validate would send {report['would_send']} of {report['rows']} rows")

    for sdk in sdks:
        sample = min(rows, sdk.most_rows)
        ours = map(json.loads, output_of(build.on(mix, sample)))
        for row, (mine, theirs) in enumerate(itertools.zip_longest(ours, sdk_events(sdk, mix, sample)), 2):
            if not mine or not theirs:
                sys.exit(f"error: {sdk.name} made another number of events than build of {sample} rows")
            both = [key for key in SAME_EVERYWHERE if key in mine["user_data"] and key in theirs["user_data"]]
            keys = [key for key in both if mine["user_data"][key] != theirs["user_data"][key]]
            if keys or any(mine[key] != theirs[key] for key in ("event_name", "event_time")):
                sys.exit(f"error: {sdk.name} and build differ in row {row} {keys}")


def median(runs):
    """Each of the three quantities by itself: no single run has to be the middle one of all."""
    return Run(*(statistics.median(getattr(run, field.name) for run in runs) for field in dataclasses.fields(Run)))


def per_row(runs, program, rows):
    """Seconds of wall and of CPU a row, without what it costs to start."""
    whole, few = median(runs[program, rows]), median(runs[program, FEW])
    return (whole.wall - few.wall) / (rows - FEW), (whole.cpu - few.cpu) / (rows - FEW)


def table(header, lines):
    """Markdown, padded so that it can be read as it is; the first column is text."""
    widths = [max(len(line[column]) for line in [header, *lines]) for column in range(len(header))]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    for line in [header, rule, *lines]:
        first, *rest = (cell.ljust(width) if column == 0 else cell.rjust(width)
                        for column, (cell, width) in enumerate(zip(line, widths)))
        print("| " + " | ".join([first, *rest]) + " |")
    print()


def version(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True).stdout.strip()


def processor():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def report_head(versions, rounds, load):
    """Prints where and how it was measured."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    today = datetime.datetime.now(datetime.timezone.utc).date()
    print(f"{today}, {cores} cores ({processor()}, {platform.machine()}), {platform.system()}, "
          f"load {load:.1f} at the start; medians of {rounds} rounds; {', '.join(versions)}\n")
    print(f"```sh\n{shlex.join(['python3', *sys.argv])}\n```\n")


def report_mix(mix, programs, runs, rows, least):
    """Prints what the runs on a mix came to. `least` is the smallest peak that can be told from the script's own."""
    build, one_thread, validate, floor, *sdks = programs

    def mib(peak):
        return f"< {least / 2**20:.0f}" if peak <= least else f"{peak / 2**20:.0f}"

    print(f"### {mix}\n")
    lines = []
    for program in programs:
        count = min(rows, program.most_rows)
        wall, cpu = per_row(runs, program, count)
        whole, few = median(runs[program, count]), median(runs[program, FEW])
        lines.append([program.name, f"{count:,}", f"{whole.wall:.2f}", f"{few.wall * 1000:.0f}", f"{1 / wall:,.0f}",
                      f"{cpu * 1e6:.2f}", mib(whole.peak)])
    table(["program", "rows", "seconds", "start-up ms", "rows/s", "CPU µs/row", "peak MiB"], lines)

    comparisons = [("build over the floor", floor, build, "1.5"), ("build over one thread", one_thread, build, "1.7"),
                   ("validate over build", build, validate, "1")]
    comparisons += [(f"build over the {sdk.name}", sdk, build, goal) for sdk, goal in zip(sdks, ("100", "35"))]
    lines = []
    for name, slow, fast, goal in comparisons:
        (slow_wall, slow_cpu), (fast_wall, fast_cpu) = (
            per_row(runs, program, min(rows, program.most_rows)) for program in (slow, fast))
        lines.append([name, f"{slow_wall / fast_wall:.2f}", f"{slow_cpu / fast_cpu:.2f}", goal])
        pairs = [slow.wall / fast.wall for slow, fast in zip(runs[slow, min(rows, slow.most_rows)], runs[fast, min(rows, fast.most_rows)])]
        lines[-1].append(f"{min(pairs):.2f} to {max(pairs):.2f}" if slow.most_rows == fast.most_rows else "")
    table(["times as fast, per row", "by the wall", "by CPU", "goal by the wall", "wall, round by round"], lines)

    lines = []
    for size in sorted(size for program, size in runs if program == build and size != FEW):
        wall, cpu = per_row(runs, build, size)
        whole = median(runs[build, size])
        lines.append([f"build, {size:,} rows", f"{whole.wall:.2f}", f"{wall * 1e6:.2f}", f"{cpu * 1e6:.2f}",
                      mib(whole.peak)])
    table(["scaling", "seconds", "wall µs/row", "CPU µs/row", "peak MiB"], lines)


def report_small(programs, runs, version_walls):
    """Prints what the smallest runs take, and the size of the binary."""
    build, _, validate, *_ = programs
    binary = pathlib.Path(build.command[0])
    few = f"`validate` of {FEW} rows"
    table(["small things", "", "goal"], [
        ["`--version`", f"{statistics.median(version_walls) * 1000:.0f} ms", "10 ms"],
        [few, f"{median(runs[validate, FEW]).wall * 1000:.0f} ms", "30 ms"],
        ["the binary, stripped", f"{binary.stat().st_size / 1e6:.1f} MB", "15 MB"],
    ])


def report_forms(build, arguments):
    """Prints what the same rows cost as CSV, NDJSON and XLSX."""
    make_exports(FORM_MIX, {FORM_ROWS}, arguments.seed)
    say("making NDJSON and XLSX")
    stem = WORK / "forms"
    subprocess.run([sys.executable, BENCHES / "forms.py", export(FORM_MIX, FORM_ROWS), str(FORM_COLUMNS), stem], check=True)
    command = [*map(str, build.command), *MAPPED[FORM_MIX]]
    runs = {form: [] for form in ("csv", "ndjson", "xlsx")}
    for number in range(arguments.rounds):
        say(f"forms: round {number + 1} of {arguments.rounds}")
        for form, of_form in runs.items():
            of_form.append(measure([*command, f"{stem}.{form}"]))
    goals = {"csv": "", "ndjson": "0.5 of the rows/s", "xlsx": "250 MB"}
    lines = []
    for form, of_form in runs.items():
        whole = median(of_form)
        shares = [csv.wall / this.wall for csv, this in zip(runs["csv"], of_form)]
        lines.append([form, f"{whole.wall:.2f}", f"{FORM_ROWS / whole.wall:,.0f}", f"{statistics.median(shares):.2f}",
                      f"{whole.cpu / FORM_ROWS * 1e6:.2f}", f"{whole.peak / 1e6:.0f}", goals[form]])
    print("### The same rows in other forms\n")
    table([f"{FORM_ROWS:,} rows of {FORM_COLUMNS} columns", "seconds", "rows/s", "of the CSV's", "CPU µs/row", "peak MB", "goal"], lines)


def measured(programs, mix, arguments):
    """The runs on a mix, in rounds."""
    rows = min(arguments.rows, SIDE_BY_SIDE)
    cases = [(program, size) for program in programs for size in (min(rows, program.most_rows), FEW)]
    # The mixes differ in what a row costs, not in how that grows.
    if mix == arguments.mix[0]:
        cases += [(programs[0], size) for size in sorted({*SCALING, arguments.rows} - {rows}) if size <= arguments.rows]
    make_exports(mix, {size for _, size in cases}, arguments.seed)

    # In a process of its own: the kernel counts the memory of whoever starts a command towards the command's peak.
    checking = multiprocessing.get_context("fork").Process(target=check, args=(programs, mix, rows))
    checking.start()
    checking.join()
    if checking.exitcode != 0:
        sys.exit(1)

    runs = {case: [] for case in cases}
    for number in range(arguments.rounds):
        say(f"{mix}: round {number + 1} of {arguments.rounds}")
        for program, size in cases:
            runs[program, size].append(measure(program.on(mix, size)))
    return runs


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rows", type=int, default=SIDE_BY_SIDE,
                         help="rows of the longest export; above a million, build alone reads it (default: %(default)s)")
    options.add_argument("--mix", action="append", choices=MIXES, help="measure on this mix; repeatable (default: all)")
    options.add_argument("--seed", type=lambda text: [str(int(text))], default=[], metavar="N", help="make other leads of each mix")
    options.add_argument("--rounds", type=int, default=5, help="how often each is run (default: %(default)s)")
    options.add_argument("--skip-sdks", action="store_true", help="leave Meta's SDKs out: needs no network and no Node")
    options.add_argument("--binary", type=pathlib.Path, metavar="PATH", help="measure this crm2capi; else it is built")
    options.add_argument("--floor", type=pathlib.Path, metavar="PATH", help="measure this floor; else it is built")
    arguments = options.parse_args()
    arguments.mix = arguments.mix or list(MIXES)
    if arguments.rows < SCALING[0] or arguments.rounds < 1:
        options.error(f"--rows starts at {SCALING[0]}, --rounds at 1")
    load = os.getloadavg()[0]

    WORK.mkdir(parents=True, exist_ok=True)
    crm2capi, bare = (path.resolve() for path in build(arguments))
    settings = ["--quiet", "--crm", "Bench", "--timezone", "UTC", "--now", "2026-11-20T12:00:00Z"]
    programs = [
        Program("`crm2capi build`", (crm2capi, "build", *settings), is_ours=True),
        Program("`crm2capi build --threads 1`", (crm2capi, "build", "--threads", "1", *settings), is_ours=True),
        Program("`crm2capi validate`", (crm2capi, "validate", "--format", "json", *settings), is_ours=True),
        Program("floor, one thread", (bare,)),
    ]
    versions = [version(crm2capi, "--version")]
    if not arguments.skip_sdks:
        python = install_sdks()
        programs += [
            Program("Python SDK", (python, BENCHES / "sdk_python.py"), SDK_ROWS),
            Program("Node SDK", ("node", BENCHES / "sdk_node.mjs"), SDK_ROWS),
        ]
        versions += [f"{PYTHON_SDK} on {version(python, '--version')}",
                     f"{NODE_SDK} on Node {version('node', '--version')}"]

    sdks_on = {mix: [] if mix in NOT_FOR_SDKS else programs[4:] for mix in arguments.mix}
    report_head(versions, arguments.rounds, load)
    for mix in arguments.mix:
        shown = [*programs[:4], *sdks_on[mix]]
        runs = measured(shown, mix, arguments)
        least = max(measure(["true"]).peak for _ in range(arguments.rounds))
        report_mix(mix, shown, runs, min(arguments.rows, SIDE_BY_SIDE), least)
    report_forms(programs[0], arguments)
    version_walls = [measure([crm2capi, "--version"]).wall for _ in range(arguments.rounds)]
    report_small(programs, runs, version_walls)


if __name__ == "__main__":
    main()
