#!/usr/bin/env bash
# Makes a whole release of what can be built on this machine: release.sh DIRECTORY [TARGET…], this machine's static Linux unless
# said. The workflow of releases calls the same two scripts, one on each kind of machine and one at the end.
# Needs: rustup target add TARGET; musl-tools; maturin; and what target.sh says.
set -euo pipefail
cd "$(dirname "$0")"

directory=$1
shift
targets=("$@")
[[ ${#targets[@]} -gt 0 ]] || targets=("$(uname -m)-unknown-linux-musl")
for target in "${targets[@]}"; do
    ./target.sh "$target" "$directory"
done
./finish.sh "$directory"
