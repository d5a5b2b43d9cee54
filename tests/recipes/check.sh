#!/usr/bin/env bash
# Runs what examples/recipes/README.md shows, with real programs against the sandbox: PostgreSQL's psql, DuckDB, curl.
#
#   tests/recipes/check.sh target/debug/crm2capi
#
# A program that is missing is installed where that can be done (Debian's packages as root, DuckDB from PyPI in a folder of
# its own), or else its recipe is left out and said so. Leaves nothing behind.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
binary=$(realpath "${1:?usage: check.sh BINARY}")
readme=$here/../../examples/recipes/README.md
work=$(mktemp -d)
trap 'stop; rm -rf "$work"' EXIT
pids=()
stop() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    if [ -f "$work/pg/postmaster.pid" ]; then as_postgres "$pg/pg_ctl" -D "$work/pg" -m immediate stop >/dev/null || true; fi
}
mkdir "$work/bin" "$work/desk"
chmod 755 "$work"
ln -s "$binary" "$work/bin/crm2capi"
export PATH="$work/bin:$PATH" HOME="$work" XDG_STATE_HOME="$work/state" CRM2CAPI_ACCESS_TOKEN=any
cd "$work/desk"

# The recipe below a heading, as a person would copy it.
recipe() {
    awk -v heading="## $1" '$0 == heading { inside = 1 } inside && /^```$/ { exit } code { print } inside && /^```sh$/ { code = 1 }' "$readme"
}

# Runs a recipe and asks the sandbox how many events of it there are.
expect() {
    local name=$1 count=$2 found
    if ! bash -euo pipefail -c "$(recipe "$name")" >out.txt 2>&1; then cat out.txt; echo "FAILED: $name"; exit 1; fi
    found=$(curl -s "$CRM2CAPI_GRAPH_URL/sandbox/events" | wc -l)
    if [ "$found" != "$count" ]; then cat out.txt; echo "FAILED: $name: $found events in the sandbox, not $count"; exit 1; fi
    echo "ok: $name"
}

crm2capi sandbox --listen 127.0.0.1:0 >url.txt 2>sandbox.log &
pids+=($!)
for _ in $(seq 100); do [ -s url.txt ] && break; sleep 0.1; done
CRM2CAPI_GRAPH_URL=$(cat url.txt)
export CRM2CAPI_GRAPH_URL
printf '[meta]\ndataset_id = "123456789012345"\n[crm]\nname = "Warehouse"\n' >crm2capi.toml

# Two leads; three changes of the last days, one from before.
now=$(date -u +%s)
at() { date -u -d "@$((now - $1 * 3600))" +%Y-%m-%dT%H:%M:%SZ; }
rows() { # with an offset in hours, so that each recipe has events of its own
    printf '1234567890123451,ann@example.com,+12125550101,New,%s\n' "$(at $((20 + $1)))"
    printf '1234567890123451,ann@example.com,+12125550101,Won,%s\n' "$(at $((10 + $1)))"
    printf '1234567890123452,bob@example.com,+12125550102,New,%s\n' "$(at $((15 + $1)))"
    printf '1234567890123452,bob@example.com,+12125550102,Old,%s\n' "$(at $((400 + $1)))"
}

pg=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1 || true)
if [ -z "$pg" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql; } >/dev/null 2>&1 || true
    pg=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1 || true)
fi
as_postgres() { if [ "$(id -u)" = 0 ]; then (cd / && setpriv --reuid postgres --regid postgres --clear-groups "$@"); else "$@"; fi; }
if [ -n "$pg" ]; then
    mkdir "$work/pg"
    [ "$(id -u)" != 0 ] || chown postgres "$work/pg"
    as_postgres "$pg/initdb" -D "$work/pg" -U tester --auth=trust >/dev/null
    as_postgres "$pg/pg_ctl" -D "$work/pg" -w -o "-c listen_addresses= -k $work/pg" -l "$work/pg/log" start >/dev/null
    export PGHOST=$work/pg PGUSER=tester PGDATABASE=postgres
    export PATH="$pg:$PATH"
    rows 0 >stages.csv
    psql --quiet --no-psqlrc -c "CREATE TABLE stage_changes (lead_id text, email text, phone text, stage text, changed_at timestamptz)" \
        -c "\copy stage_changes FROM stages.csv WITH (FORMAT csv)"
    expect "PostgreSQL" 3
    base=3
else
    echo "left out: PostgreSQL is not there and cannot be installed" >&2
    base=0
fi

if ! command -v duckdb >/dev/null && command -v python3 >/dev/null; then
    if python3 -m venv "$work/venv" && "$work/venv/bin/pip" install --quiet duckdb >/dev/null 2>&1; then
        # Their Python package has the engine and no shell: this one knows -c alone.
        printf '#!%s\nimport duckdb, sys\nassert sys.argv[1] == "-c"\nduckdb.sql(sys.argv[2])\n' "$work/venv/bin/python" >"$work/bin/duckdb"
        chmod +x "$work/bin/duckdb"
    fi
fi
if command -v duckdb >/dev/null; then
    mkdir leads
    rows 1 >stages.csv
    duckdb -c "COPY (SELECT column0::VARCHAR AS lead_id, column1 AS email, column2::VARCHAR AS phone, column3 AS stage, column4::TIMESTAMPTZ AS changed_at
        FROM read_csv('stages.csv', header = false, all_varchar = true)) TO 'leads/part.parquet' (FORMAT parquet)"
    base=$((base + 3))
    expect "Parquet, and whatever else DuckDB reads" "$base"
else
    echo "left out: DuckDB is not there and cannot be installed" >&2
fi

{ echo lead_id,email,phone,event_name,event_time; rows 2; } >sheet.csv
python3 -m http.server --bind 127.0.0.1 --directory . 0 >http.txt 2>&1 &
pids+=($!)
for _ in $(seq 100); do port=$(sed -n 's/.*port \([0-9]*\).*/\1/p' http.txt); [ -n "$port" ] && break; sleep 0.1; done
export SHEET_URL=http://127.0.0.1:$port/sheet.csv
base=$((base + 3))
expect "A sheet that is published as CSV" "$base"
export SHEET_URL=http://127.0.0.1:$port/none.csv
if bash -euo pipefail -c "$(recipe "A sheet that is published as CSV")" >out.txt 2>&1; then echo "FAILED: a download that failed went unnoticed"; exit 1; fi

header=lead_id,email,phone,event_name,event_time
rows 3 | crm2capi upload --config crm2capi.toml --header "$header" - >out.txt 2>&1 || { cat out.txt; exit 1; }
rows 4 | awk -F, '{ printf "{\"lead_id\":\"%s\",\"email\":\"%s\",\"event_name\":\"%s\",\"event_time\":\"%s\"}\n", $1, $2, $4, $5 }' |
    crm2capi upload --config crm2capi.toml - >out.txt 2>&1 || { cat out.txt; exit 1; }
base=$((base + 6))
found=$(curl -s "$CRM2CAPI_GRAPH_URL/sandbox/events" | wc -l)
[ "$found" = "$base" ] || { cat out.txt; echo "FAILED: $found events in the sandbox, not $base"; exit 1; }
echo "ok: Rows without a header, and streams"
