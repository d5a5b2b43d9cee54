#!/usr/bin/env bash
# Compares `crm2capi normalize` with Python's phonenumbers and Meta's own SDK. Needs the internet once, for pip.
# usage: tests/differential/run.sh [SEED]
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=target/differential
[ -x "$venv/bin/python" ] || python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --requirement tests/differential/requirements.txt
cargo build --locked --quiet
exec "$venv/bin/python" tests/differential/compare.py target/debug/crm2capi "${1:-1}"
