#!/usr/bin/env bash
# Builds one release binary: build.sh TARGET leaves target/TARGET/dist/crm2capi (.exe for Windows).
# The same commit, toolchain and C compiler give the same bytes wherever they are: no path of this machine is in them.
# Set RUSTUP_TOOLCHAIN to the toolchain the release names.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=$1
here=$PWD cargo_home=${CARGO_HOME:-$HOME/.cargo}
flags=()
case $target in
    *-windows-*)
        here=$(cygpath --windows "$here") cargo_home=$(cygpath --windows "$cargo_home")
        # The C runtime is linked in on Windows too: no redistributable to install.
        flags+=(-C target-feature=+crt-static)
        ;;
    *) export CFLAGS="${CFLAGS:-} -ffile-prefix-map=$here=/crm2capi -ffile-prefix-map=$cargo_home=/cargo" ;;
esac
flags+=("--remap-path-prefix=$here=/crm2capi" "--remap-path-prefix=$cargo_home=/cargo")
CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${flags[*]}")
export CARGO_ENCODED_RUSTFLAGS

cargo build --profile "${PROFILE:-dist}" --locked --target "$target"
