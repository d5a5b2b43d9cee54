# Sets the flags of a release build: `. flags.sh TARGET`, in the root of the repository.
# No path of this machine gets into what is built, so that the same commit, toolchain and C compiler give the same bytes
# wherever they are.
# shellcheck shell=bash
flags_here=$PWD flags_cargo=${CARGO_HOME:-$HOME/.cargo}
flags=()
case $1 in
    *-windows-msvc)
        flags_here=$(cygpath --windows "$flags_here") flags_cargo=$(cygpath --windows "$flags_cargo")
        # The C runtime is linked in on Windows too: no redistributable to install.
        flags+=(-C target-feature=+crt-static)
        ;;
    *) export CFLAGS="${CFLAGS:-} -ffile-prefix-map=$flags_here=/crm2capi -ffile-prefix-map=$flags_cargo=/cargo" ;;
esac
flags+=("--remap-path-prefix=$flags_here=/crm2capi" "--remap-path-prefix=$flags_cargo=/cargo")
CARGO_ENCODED_RUSTFLAGS=$(IFS=$'\x1f' && echo "${flags[*]}")
export CARGO_ENCODED_RUSTFLAGS
