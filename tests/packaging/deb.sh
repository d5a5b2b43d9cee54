#!/usr/bin/env bash
# Packs BINARY as a Debian package, unpacks it into an empty root, and does the main job with what is there.
# deb.sh BINARY. Needs dpkg-deb.
set -euo pipefail
cd "$(dirname "$0")/../.."
binary=$1
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
architecture=$(dpkg --print-architecture)
name=crm2capi_${version}_$architecture.deb
.github/scripts/deb.sh "$version" "$architecture" "$binary" "$work/first"
.github/scripts/deb.sh "$version" "$architecture" "$binary" "$work/second"
cmp "$work/first/$name" "$work/second/$name"

dpkg-deb --extract "$work/first/$name" "$work/root"
for file in bin/crm2capi share/man/man1/crm2capi.1.gz share/doc/crm2capi/copyright share/doc/crm2capi/examples/cron \
    share/bash-completion/completions/crm2capi; do
    [[ -f $work/root/usr/$file ]] || { echo "error: no /usr/$file in $name"; exit 1; }
done
installed=$work/root/usr/bin/crm2capi
[[ $("$installed" --version) == "crm2capi $version" ]]
cp examples/hubspot.csv "$work"
env --ignore-environment HOME="$work" "$installed" upload --sandbox --now 2026-11-21T16:00:00Z \
    --timezone America/New_York "$work/hubspot.csv" >"$work/report"
grep -q 'events accepted by the sandbox' "$work/report"
echo "sound: $name, the same twice"
