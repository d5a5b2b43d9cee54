"""Runs examples/spark with real executors, and checks that every event comes once. Called by check.sh.

usage: check.py build ROWS WORKERS | check.py upload ROWS WORKERS
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.request

from pyspark.sql import SparkSession, functions as F

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../examples/spark"))
import crm2capi_spark


def session(workers):
    """Executors in processes of their own, a core each, that are replaced when one dies."""
    module = os.path.dirname(crm2capi_spark.__file__)
    return (
        SparkSession.builder.master(f"local-cluster[{workers},1,1024]")
        .config("spark.executorEnv.PYTHONPATH", module)
        .config("spark.executor.memory", "1g")
        .config("spark.driver.memory", "2g")
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", 16)
        .getOrCreate()
    )


def leads(spark, rows):
    """As many rows: four stages of each lead, a minute apart, all of the last day; one in a thousand has no lead."""
    lead = F.floor(F.col("id") / 4)
    stage = F.element_at(F.array(*map(F.lit, ["Lead", "Contacted", "Qualified", "Won"])), (F.col("id") % 4 + 1).cast("int"))
    start = int(time.time()) - 86_400
    return spark.range(rows).select(
        (lead + 1_000_000_000_000_000).cast("string").alias("lead_id"),
        F.concat(F.lit("person"), lead, F.lit("@example.com")).alias("email"),
        F.concat(F.lit("+4930"), lead + 1_000_000).alias("phone"),
        F.when(F.col("id") % 1_000 != 999, stage).alias("event_name"),
        F.timestamp_seconds(start + (F.col("id") % 4) * 60 + lead % 3_600).alias("event_time"),
    )


def build(spark, rows):
    frame = leads(spark, rows)
    started = time.monotonic()
    events = crm2capi_spark.events(frame, lead="lead_id", time="event_time", options=OPTIONS, program=PROGRAM, partitions=16)
    ids = events.select(F.get_json_object("event", "$.event_id").alias("id"))
    count, distinct = ids.agg(F.count("id"), F.approx_count_distinct("id", 0.01)).first()
    seconds = time.monotonic() - started
    expect("events", count, rows - rows // 1_000)
    print(f"build: {count} events, {count / seconds:,.0f} rows/s, about {distinct} ids")


def upload(spark, rows):
    frame = leads(spark, rows)
    killer = threading.Thread(target=kill_an_executor)
    killer.start()
    results = []
    for _ in range(5):
        results.append(upload_once(frame))
        if all(row.exit_status in (0, 1) for row in results[-1]):
            break
    killer.join()
    bad = [row for row in results[-1] if row.exit_status not in (0, 1)]
    assert not bad, bad[0].said
    expect("events", sum(row.events for row in results[-1]), rows - rows // 1_000)
    expect("refused rows", sum(len(row.refused) for row in results[-1]), rows // 1_000)
    taken = [json.loads(line)["event_id"] for line in urllib.request.urlopen(os.environ["CRM2CAPI_GRAPH_URL"] + "/sandbox/events")]
    expect("events that arrived", len(set(taken)), rows - rows // 1_000)
    print(f"upload: {len(results)} runs, {len(taken)} events arrived, {len(taken) - len(set(taken))} of them twice")
    # Those under way at the kill have no receipt: at most a request a lane and process, and Meta counts an event id once.
    assert len(taken) - len(set(taken)) <= 4 * 500, "more came twice than can have been under way"


def upload_once(frame):
    results = crm2capi_spark.upload(frame, lead="lead_id", time="event_time", options=OPTIONS, program=PROGRAM, partitions=16)
    return results.collect()


def kill_an_executor():
    """Once processes of crm2capi are under way."""
    while len(pids("crm2capi upload")) < 2:
        time.sleep(0.05)
    time.sleep(1)
    victim = pids("CoarseGrainedExecutorBackend")[-1]
    os.kill(victim, signal.SIGKILL)
    print("killed an executor")


def pids(pattern):
    found = subprocess.run(["pgrep", "-f", pattern], capture_output=True, text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def expect(what, found, expected):
    assert found == expected, f"{found} {what}, not {expected}"


PROGRAM = os.environ["CRM2CAPI_PROGRAM"]
# A task has a core.
OPTIONS = ["--config", os.environ["CRM2CAPI_SETTINGS"], "--threads", "1"]
verb, rows, workers = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
{"build": build, "upload": upload}[verb](session(workers), rows)
