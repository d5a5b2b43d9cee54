#!/usr/bin/env python3
"""Measures `crm2capi upload` against a server on this machine that answers after a while, and on rows it knows already.

usage: delivery.py [--binary PATH] [--rows N]

The time a delivery should take is that of its requests: batches / lanes x latency. What is known already costs the reading and a
look into the ledger. What it prints is Markdown.
"""

import argparse
import asyncio
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

from run import MAPPED, ROOT, TARGET, WORK, Run, export, make_exports, table

LATENCY = 0.2
MIX = "us"


class Server:
    """Takes events on a port of its own, each request after `latency` seconds."""

    def __init__(self):
        self.latency, self.requests = 0, 0
        started = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self.serve(started)), daemon=True).start()
        started.wait()

    async def serve(self, started):
        server = await asyncio.start_server(self.talk, "127.0.0.1", 0, limit=1 << 24)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await server.serve_forever()

    async def talk(self, reader, writer):
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
                body = await reader.readexactly(length)
                self.requests += 1
                await asyncio.sleep(self.latency)
                answer = b'{"events_received":%d,"messages":[],"fbtrace_id":"none"}' % body.count(b'"action_source"')
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b" % (len(answer), answer))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


def measure(command):
    """Runs the command; ends the script when the command fails."""
    with tempfile.TemporaryFile() as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, cwd=WORK, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                   env={**os.environ, "CRM2CAPI_ACCESS_TOKEN": "unused"})
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in (0, 1):
            output.seek(0)
            sys.exit(f"error: {command[:2]} ended with {process.returncode}\n{output.read().decode()}")
    return Run(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024))


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--binary", type=pathlib.Path, default=TARGET / "dist/crm2capi", metavar="PATH")
    options.add_argument("--rows", type=int, default=1_000_000, help="rows that the ledger knows (default: %(default)s)")
    arguments = options.parse_args()
    binary = arguments.binary.resolve()
    sent = min(100_000, arguments.rows)
    make_exports(MIX, {sent, arguments.rows}, [])
    server = Server()
    read = ["--quiet", "--crm", "Bench", "--timezone", "UTC", "--now", "2026-11-20T12:00:00Z", *MAPPED.get(MIX, ())]

    def upload(rows, ledger, lanes, batch):
        before = server.requests
        run = measure([
            binary, "upload", *read, "--dataset-id", "1234567890", "--graph-url", f"http://127.0.0.1:{server.port}", "--ledger", ledger,
            "--concurrency", str(lanes), "--batch-size", str(batch), str(export(MIX, rows)),
        ])
        return run, server.requests - before

    with tempfile.TemporaryDirectory() as folder:
        lines = []
        for lanes, batch in ((4, 500), (64, 1000)):
            server.latency = LATENCY
            run, requests = upload(sent, f"{folder}/{lanes}.sqlite3", lanes, batch)
            least = requests / lanes * LATENCY
            lines.append([f"{sent:,} events, {lanes} lanes of {batch:,}", f"{requests:,}", f"{least:.1f}", f"{run.wall:.1f}",
                          f"{run.wall / least:.2f}", f"{run.cpu:.2f}", f"{run.peak / 2**20:.0f}"])
        table(["delivery, answers after 200 ms", "requests", "batches / lanes x latency, s", "seconds", "ratio", "CPU s", "peak MiB"], lines)

        server.latency = 0
        first, _ = upload(arguments.rows, f"{folder}/known.sqlite3", 64, 1000)
        known, requests = upload(arguments.rows, f"{folder}/known.sqlite3", 4, 500)
        validated = measure([binary, "validate", *read, str(export(MIX, arguments.rows))])
        if requests:
            sys.exit(f"error: {requests} requests for what was accepted already")
        shown = [("upload, all of them new", first), ("upload, all of them known", known), ("validate", validated)]
        table([f"{arguments.rows:,} rows", "seconds", "CPU s", "times validate", "peak MiB"],
              [[name, f"{run.wall:.2f}", f"{run.cpu:.2f}", f"{run.wall / validated.wall:.2f}", f"{run.peak / 2**20:.0f}"]
               for name, run in shown])


if __name__ == "__main__":
    main()
