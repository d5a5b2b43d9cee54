#!/usr/bin/env bash
# Builds the wheel, installs it in a fresh virtual environment and does the main job with what was installed.
# wheel.sh [PROFILE]: `release` unless said; releases use `dist`. Needs Python with venv, and PyPI for maturin.
set -euo pipefail
cd "$(dirname "$0")/../.."
profile=${1:-release}
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT

python3 -m venv "$work/tools"
"$work/tools/bin/pip" install --quiet --disable-pip-version-check 'maturin>=1.9,<2'
"$work/tools/bin/maturin" build --quiet --locked --profile "$profile" --out "$work/wheels"

python3 -m venv "$work/fresh"
"$work/fresh/bin/pip" install --quiet --disable-pip-version-check --no-index "$work"/wheels/*.whl
installed=$work/fresh/bin/crm2capi
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
[[ $("$installed" --version) == "crm2capi $version" ]]

# Outside of the repository and without its environment: a wheel brings all it needs.
cp examples/hubspot.csv "$work"
(
    cd "$work"
    env --ignore-environment HOME="$work" "$installed" upload --sandbox --now 2026-11-21T16:00:00Z \
        --timezone America/New_York hubspot.csv >report
    grep -q 'events accepted by the sandbox' report
)
echo "sound: $(cd "$work/wheels" && echo ./*.whl), $(($(wc -c <"$installed") / 1000)) kB installed"
