#!/usr/bin/env bash
# Runs examples/spark for real: executors in processes of their own, a PostgreSQL ledger, the sandbox, one executor killed.
#
#   tests/spark/check.sh target/release/crm2capi [ROWS TO BUILD] [ROWS TO UPLOAD]
#
# Needs Java 17, Python and PostgreSQL's server; PySpark is installed into a folder of its own. Leaves nothing behind.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
binary=$(realpath "${1:?usage: check.sh BINARY [ROWS TO BUILD] [ROWS TO UPLOAD]}")
build_rows=${2:-200000}
upload_rows=${3:-40000}
work=$(mktemp -d)
# Spark's workers take a moment to end after their driver.
trap 'stop; rm -rf "$work" 2>/dev/null || { sleep 5; rm -rf "$work"; }' EXIT
pids=()
stop() {
    for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
    if [ -f "$work/pg/postmaster.pid" ]; then as_postgres "$pg/pg_ctl" -D "$work/pg" -m immediate stop >/dev/null || true; fi
}
as_postgres() { if [ "$(id -u)" = 0 ]; then (cd / && setpriv --reuid postgres --regid postgres --clear-groups "$@"); else "$@"; fi; }
pg=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1 || true)
for needed in "${pg:-/usr/lib/postgresql}/initdb" java python3 pgrep; do
    command -v "$needed" >/dev/null || { echo "this needs $needed" >&2; exit 2; }
done
chmod 755 "$work"
mkdir "$work/pg" "$work/tmp"
[ "$(id -u)" != 0 ] || chown postgres "$work/pg"
as_postgres "$pg/initdb" -D "$work/pg" -U tester --auth=trust >/dev/null
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
as_postgres "$pg/pg_ctl" -D "$work/pg" -w -o "-c listen_addresses=127.0.0.1 -c port=$port -k $work/pg" -l "$work/pg/log" start >/dev/null
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pyspark pandas pyarrow

export HOME=$work TMPDIR=$work/tmp SPARK_LOCAL_DIRS=$work/tmp PYSPARK_PYTHON=$work/venv/bin/python
export SPARK_HOME; SPARK_HOME=$("$PYSPARK_PYTHON" -c 'import os, pyspark; print(os.path.dirname(pyspark.__file__))')
export CRM2CAPI_PROGRAM=$binary CRM2CAPI_SETTINGS=$work/crm2capi.toml CRM2CAPI_ACCESS_TOKEN=any
export CRM2CAPI_LEDGER=postgres://tester@127.0.0.1:$port/postgres
"$binary" sandbox --listen 127.0.0.1:0 >"$work/url.txt" 2>"$work/sandbox.log" &
pids+=($!)
for _ in $(seq 100); do [ -s "$work/url.txt" ] && break; sleep 0.1; done
CRM2CAPI_GRAPH_URL=$(cat "$work/url.txt")
export CRM2CAPI_GRAPH_URL
printf '[meta]\ndataset_id = "123456789012345"\n[crm]\nname = "Warehouse"\n' >"$CRM2CAPI_SETTINGS"

cd "$work"
for workers in 1 2; do
    echo "with $workers worker(s):"
    "$PYSPARK_PYTHON" "$here/check.py" build "$build_rows" "$workers" 2>spark.log || { tail -50 spark.log; exit 1; }
done
"$PYSPARK_PYTHON" "$here/check.py" upload "$upload_rows" 2 2>spark.log || { tail -50 spark.log; exit 1; }
