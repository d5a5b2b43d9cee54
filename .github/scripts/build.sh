#!/usr/bin/env bash
# Builds one release binary: build.sh TARGET leaves target/TARGET/dist/crm2capi (.exe for Windows).
# Set RUSTUP_TOOLCHAIN to the toolchain the release names, and PROFILE to try another profile than `dist`.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=$1
. .github/scripts/flags.sh "$target"
cargo build --profile "${PROFILE:-dist}" --locked --target "$target"
