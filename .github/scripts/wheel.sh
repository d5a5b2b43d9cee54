#!/usr/bin/env bash
# Packs the wheel of one target: wheel.sh TARGET DIRECTORY leaves DIRECTORY/crm2capi-VERSION-py3-none-….whl, which carries
# the binary that build.sh built. Needs maturin 1.9 or newer on PATH. PROFILE is as in build.sh.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=$1 directory=$2
# With the flags of build.sh, Cargo finds everything built and maturin only packs.
. .github/scripts/flags.sh "$target"
# The wheel of a static binary runs on any Linux, with glibc or without: it says both.
compatibility=()
case $target in
    *-linux-musl) compatibility=(--compatibility manylinux2014 musllinux_1_1) ;;
esac
maturin build --quiet --locked --profile "${PROFILE:-dist}" --target "$target" --out "$directory" \
    ${compatibility[@]+"${compatibility[@]}"}
