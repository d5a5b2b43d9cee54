#!/usr/bin/env bash
# Builds the release of the current commit twice, in two clones at different places, and compares every file byte by byte.
# reproducible.sh [TARGET]. Needs what release.sh needs. PROFILE=release tells in minutes what `dist`, which releases use, tells in more.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=${1:-$(uname -m)-unknown-linux-musl}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for place in here a/place/further/down; do
    git clone --quiet --no-hardlinks . "$work/$place"
    # Each builds into an empty folder of its own.
    (cd "$work/$place" && env -u CARGO_TARGET_DIR .github/scripts/release.sh "$work/$place/dist" "$target")
done
diff "$work/here/dist/SHA256SUMS" "$work/a/place/further/down/dist/SHA256SUMS"
for file in "$work"/here/dist/*; do
    cmp "$file" "$work/a/place/further/down/dist/${file##*/}"
done
echo "the same twice: $(wc -l <"$work/here/dist/SHA256SUMS") files of $(git rev-parse --short HEAD)"
