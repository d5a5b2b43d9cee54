#!/usr/bin/env python3
"""Asks the crm2capi given as the only argument whether it knows the command lines of the examples.

Each is run with --help in place of its files: clap then refuses a command or an option there is not, and does nothing.
Reads examples/cron, examples/systemd/*.service, examples/kubernetes-cronjob.yaml and examples/ci/.
"""

import pathlib
import re
import shlex
import subprocess
import sys

import yaml

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"


def cron():
    for line in (EXAMPLES / "cron").read_text().splitlines():
        if not line or line.startswith("#") or re.match(r"[A-Z]+=", line):
            continue
        fields = line.split(maxsplit=6)
        assert len(fields) == 7, f"not five times, a user and a command: {line}"
        assert all(re.fullmatch(r"[\d*,/-]+", time) for time in fields[:5]), f"not a time: {line}"
        assert fields[5] == "crm2capi", f"not the user crm2capi: {line}"
        assert "%" not in line, f"cron takes a percent sign for a line end: {line}"
        yield "cron", shlex.split(fields[6])


def systemd():
    for unit in sorted((EXAMPLES / "systemd").glob("*.service")):
        text = unit.read_text().replace("\\\n", " ")
        for command in re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE):
            yield unit.name, shlex.split(command)


def kubernetes():
    for document in yaml.safe_load_all((EXAMPLES / "kubernetes-cronjob.yaml").read_text()):
        if document["kind"] == "CronJob":
            for container in document["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]:
                yield "kubernetes-cronjob.yaml", ["crm2capi", *container["args"]]


def pipelines():
    for file in sorted((EXAMPLES / "ci").glob("*.yml")):
        for line in file.read_text().splitlines():
            if command := re.match(r"\s*- (crm2capi .*)", line):
                yield file.name, shlex.split(command[1])


def main():
    binary = sys.argv[1]
    count = 0
    for origin, line in [*cron(), *systemd(), *kubernetes(), *pipelines()]:
        assert pathlib.PurePath(line[0]).name == "crm2capi", f"{origin}: not a command of crm2capi: {line}"
        answer = subprocess.run([binary, *line[1:], "--help"], capture_output=True, text=True, check=False)
        assert answer.returncode == 0, f"{origin}: {shlex.join(line)}\n{answer.stderr}"
        count += 1
    assert count == 5, f"{count} command lines found, not 5; has an example changed its shape?"
    print(f"{count} command lines understood")


if __name__ == "__main__":
    main()
