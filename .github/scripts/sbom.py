#!/usr/bin/env python3
"""Lists what goes into a release, as CycloneDX: sbom.py VERSION prints the list of Cargo.lock's packages that are built for any
of the released systems, with licences and checksums. Tests, benches and the tools that run them are not in it."""

import json
import subprocess
import sys
import tomllib


def metadata():
    """The packages and how they need each other."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def built(resolve):
    """The ids of all packages reached without a development dependency."""
    nodes = {node["id"]: node for node in resolve["nodes"]}
    reached, waiting = set(), [resolve["root"]]
    while waiting:
        package = waiting.pop()
        if package in reached:
            continue
        reached.add(package)
        for dependency in nodes[package]["deps"]:
            if any(kind["kind"] != "dev" for kind in dependency["dep_kinds"]):
                waiting.append(dependency["pkg"])
    return reached


def component(package, checksums):
    """One package as CycloneDX has it."""
    name, version = package["name"], package["version"]
    listed = {
        "type": "library",
        "bom-ref": f"pkg:cargo/{name}@{version}",
        "name": name,
        "version": version,
        "purl": f"pkg:cargo/{name}@{version}",
    }
    if package["license"]:
        listed["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    if checksum := checksums.get((name, version)):
        listed["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    return listed


def main(version):
    """Prints the list."""
    found = metadata()
    root = found["resolve"]["root"]
    with open("Cargo.lock", "rb") as lock:
        locked = tomllib.load(lock)["package"]
    checksums = {(it["name"], it["version"]): it["checksum"] for it in locked if "checksum" in it}
    wanted = built(found["resolve"])
    packages = {it["id"]: it for it in found["packages"]}
    if packages[root]["version"] != version:
        sys.exit(f"error: this is version {packages[root]['version']}, not {version}")
    others = sorted((packages[it] for it in wanted - {root}), key=lambda it: (it["name"], it["version"]))
    program = component(packages[root], checksums) | {"type": "application"}
    bom = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": program},
        "components": [component(it, checksums) for it in others],
    }
    json.dump(bom, sys.stdout, indent=1)
    print()


main(sys.argv[1])
