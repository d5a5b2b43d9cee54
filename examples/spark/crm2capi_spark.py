"""Hands a Spark DataFrame of lead stages to crm2capi, one process a partition.

`upload` sends the events, with the ledger in PostgreSQL that all workers share; `events` builds them for a sender of your
own. Each worker needs the program and a settings file at the same path. See README.md beside this file.
"""

import itertools
import json
import pathlib
import subprocess
import tempfile
import threading

import pandas as pd
from pyspark import TaskContext
from pyspark.sql import DataFrame, functions as F, types as T

RESULT = T.StructType(
    [
        T.StructField("partition", T.IntegerType()),
        T.StructField("exit_status", T.IntegerType()),
        T.StructField("rows", T.LongType()),
        T.StructField("rows_invalid", T.LongType()),
        T.StructField("events", T.LongType()),
        T.StructField("accepted", T.LongType()),
        T.StructField("rejected", T.LongType()),
        T.StructField("skipped_old", T.LongType()),
        T.StructField("skipped_delivered", T.LongType()),
        T.StructField("in_flight_elsewhere", T.LongType()),
        T.StructField("undelivered", T.LongType()),
        T.StructField("uncertain", T.LongType()),
        # The run's whole report, as the book describes it, and what it said on standard error.
        T.StructField("report", T.StringType()),
        T.StructField("said", T.StringType()),
        # The refused rows with the columns crm2capi_problem, crm2capi_help and crm2capi_row: people's data, as it came.
        T.StructField("refused", T.ArrayType(T.StringType())),
    ]
)
# Refused rows that a partition brings back.
REFUSED_KEPT = 1_000
# Bytes of events that are handed on at a time.
PIECE = 1 << 22
COUNTS = [field.name for field in RESULT.fields if isinstance(field.dataType, T.LongType)]


def upload(rows: DataFrame, *, lead: str, time: str, options=(), program="crm2capi", partitions=None) -> DataFrame:
    """Uploads `rows` and returns a row for each partition: its exit status, counts, report and refused rows.

    `lead` names the column that says whose row it is, `time` that of the stage's time: all rows of a lead go through one
    process, in order. `options` are those of `crm2capi upload`, such as ["--config", "/etc/crm2capi.toml"].

    It runs once, now. Whatever ends with status 4 is finished by the same call again: the ledger knows what was accepted.
    """
    parts = _lines(rows, lead, time, partitions)

    def run(batches):
        for first in batches:
            result = _run(itertools.chain([first], batches), [program, "upload", *options])
            yield pd.DataFrame([result], columns=RESULT.names)

    results = parts.mapInPandas(run, RESULT).collect()
    return rows.sparkSession.createDataFrame(results, RESULT)


def events(rows: DataFrame, *, lead: str, time: str, options=(), program="crm2capi", partitions=None) -> DataFrame:
    """Builds the events of `rows`: a column `event` of JSON, everything about people hashed, for a sender of your own.

    The arguments are those of `upload`, `options` those of `crm2capi build`. Refused rows are left out; a process that could
    not do its work fails its task with what it said.
    """

    def run(batches):
        for first in batches:
            yield from _stream(itertools.chain([first], batches), [program, "build", "--quiet", *options])

    return _lines(rows, lead, time, partitions).mapInPandas(run, "event string")


def _lines(rows, lead, time, partitions):
    """A column of JSON records, a lead's all in one partition and in order. Times of type TIMESTAMP carry their offset."""
    columns = []
    for field in rows.schema.fields:
        column = F.col(f"`{field.name}`")
        if isinstance(field.dataType, T.TimestampType):
            column = F.date_format(column, "yyyy-MM-dd'T'HH:mm:ssXXX")
        elif isinstance(field.dataType, T.TimestampNTZType):
            column = F.date_format(column, "yyyy-MM-dd'T'HH:mm:ss")
        elif isinstance(field.dataType, T.AtomicType):
            # Ids of 17 digits outgrow a JSON number.
            column = column.cast("string")
        columns.append(column.alias(field.name))
    count = partitions or rows.sparkSession.sparkContext.defaultParallelism
    placed = rows.repartition(count, F.col(f"`{lead}`")).sortWithinPartitions(F.col(f"`{lead}`"), F.col(f"`{time}`"))
    return placed.select(F.to_json(F.struct(*columns)).alias("line"))


def _start(command, said):
    # A record a line: one that is cut off when its worker ends is no JSON, and never another event.
    command = [*command, "--input-format", "ndjson", "-"]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=said)


def _feed(batches, process):
    """Writes the lines of a partition, until they or the process end."""
    try:
        for batch in batches:
            process.stdin.write(("\n".join(batch["line"]) + "\n").encode())
        process.stdin.close()
    except BrokenPipeError:
        # It ended before its input did; its exit status and its report say why.
        pass


def _run(batches, command):
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as said:
        refused = pathlib.Path(folder, "refused.ndjson")
        process = _start([*command, "--format", "json", "--rejects", str(refused)], said)
        try:
            _feed(batches, process)
            report = process.stdout.read().decode()
            status = process.wait()
        finally:
            if process.poll() is None:
                # The task was cancelled: what is under way is settled, and the rest waits for the next run.
                process.terminate()
        counts = json.loads(report) if report else {}
        return (
            TaskContext.get().partitionId(),
            status,
            *(counts.get(name, 0) for name in COUNTS),
            report,
            _text(said),
            _first_lines(refused) if refused.exists() else [],
        )


def _stream(batches, command):
    with tempfile.TemporaryFile() as said:
        process = _start(command, said)
        threading.Thread(target=_feed, args=(batches, process), daemon=True).start()
        try:
            while lines := process.stdout.readlines(PIECE):
                yield pd.DataFrame({"event": [line.decode().rstrip("\n") for line in lines]})
            # 1 says that rows were refused, and which; the others are built.
            if process.wait() not in (0, 1):
                raise RuntimeError(_text(said))
        finally:
            if process.poll() is None:
                process.kill()


def _text(file):
    file.seek(0)
    return file.read().decode(errors="replace")


def _first_lines(path):
    with open(path, encoding="utf-8") as lines:
        return [line.rstrip("\n") for line in itertools.islice(lines, REFUSED_KEPT)]
