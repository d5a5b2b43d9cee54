#!/usr/bin/env bash
# Completes a release: finish.sh DIRECTORY adds the list of what is built into it (CycloneDX), the Homebrew formula for its archives,
# then the checksums of all files.
set -euo pipefail
cd "$(dirname "$0")/../.."

directory=$1
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
python3 .github/scripts/sbom.py "$version" >"$directory/crm2capi-v$version.cdx.json"
.github/scripts/formula.py "$version" "$directory" >"$directory/crm2capi.rb"
cd "$directory"
rm -f SHA256SUMS
sums=$(sha256sum -- *)
echo "$sums" | tee SHA256SUMS
