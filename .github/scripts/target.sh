#!/usr/bin/env bash
# Makes all that is released for one target: target.sh TARGET DIRECTORY builds the binary, has it do the main job, and leaves
# the archive and the wheel in DIRECTORY; for Linux a Debian package and a container image too.
# Needs git, and maturin on PATH; for musl a C compiler for it, dpkg-deb and the system's CA certificates.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=$1 directory=$2
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# The times of all files are the commit's, so that the same commit gives the same packages.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH

.github/scripts/build.sh "$target"
# Cargo's folder for the profile `dev` has another name.
profile=${PROFILE:-dist}
binary=target/$target/${profile/#dev/debug}/crm2capi
[[ $target != *-windows-* ]] || binary+=.exe
"$binary" upload --sandbox --now 2026-11-21T16:00:00Z --timezone America/New_York examples/hubspot.csv
.github/scripts/package.sh "$version" "$target" "$binary" "$directory"
.github/scripts/wheel.sh "$target" "$directory"

case $target in
    x86_64-*-linux-musl) architecture=amd64 ;;
    aarch64-*-linux-musl) architecture=arm64 ;;
    *) exit 0 ;;
esac
if readelf --dynamic "$binary" | grep NEEDED; then
    echo "error: $binary needs a library, so it will not run everywhere" >&2
    exit 1
fi
.github/scripts/deb.sh "$version" "$architecture" "$binary" "$directory"
.github/scripts/image.py "$version" "$architecture" "$binary" /etc/ssl/certs/ca-certificates.crt \
    "$directory/crm2capi-v$version-$architecture.oci.tar"
