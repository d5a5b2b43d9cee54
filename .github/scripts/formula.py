#!/usr/bin/env python3
"""Fills in the Homebrew formula: formula.py VERSION DIRECTORY prints the template beside this file with the archives of DIRECTORY that
are for macOS or Linux, each by its address and its checksum. An archive that is not there is left out."""

import hashlib
import pathlib
import sys
import tomllib

# Homebrew's words for a system and a processor, and the target that is built for them.
SYSTEMS = {
    "macos": {"arm": "aarch64-apple-darwin", "intel": "x86_64-apple-darwin"},
    "linux": {"arm": "aarch64-unknown-linux-musl", "intel": "x86_64-unknown-linux-musl"},
}


def archive(repository, version, target, directory):
    """The lines of one archive, or none."""
    file = pathlib.Path(directory, f"crm2capi-v{version}-{target}.tar.gz")
    if not file.exists():
        return []
    checksum = hashlib.sha256(file.read_bytes()).hexdigest()
    return [f'url "{repository}/releases/download/v{version}/{file.name}"', f'sha256 "{checksum}"']


def block(opening, lines):
    """Lines between an opening and its end, or none where there are none."""
    return [f"{opening} do", *(f"  {line}" for line in lines), "end"] if lines else []


def main(version, directory):
    """Prints the formula."""
    here = pathlib.Path(__file__).resolve().parent
    manifest = tomllib.loads((here / "../../Cargo.toml").read_text(encoding="utf-8"))
    repository = manifest["package"]["repository"]
    archives = []
    for system, processors in SYSTEMS.items():
        found = [block(f"on_{name}", archive(repository, version, target, directory)) for name, target in processors.items()]
        archives += block(f"on_{system}", [line for lines in found for line in lines])
    if not archives:
        sys.exit(f"error: {directory} has no archive of version {version} for macOS or Linux")
    template = (here / "formula.rb").read_text(encoding="utf-8")
    # The first line is about the template.
    text = template.split("\n", 1)[1].replace("@VERSION@", version)
    print(text.replace("@ARCHIVES@", "\n  ".join(archives)), end="")


main(*sys.argv[1:])
