"""The data source of sluice-kernel on a cluster of processes, of which some are killed.

usage: spark_source.py BOOTSTRAP TOPIC BUNDLE OUT MODE LOSE
  MODE  files, or rows
  LOSE  nothing; executor: one, amid the second micro-batch; driver: this process, before the third is committed
Ends when the topic is read up to where it was at the start, and prints as JSON how many micro-batches it committed,
and how many executors it killed.
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from pyspark.sql import SparkSession

from sluice_kernel.datasource import positions_in
from sluice_kernel.kafka import Topic
from sluice_kernel.sinks import ParquetFolder, collected
from sluice_kernel.spark import quarantined, rows

bootstrap, topic, bundle, out, mode, lose = sys.argv[1:]
POLL_SECONDS = 0.05
LARGEST_SECONDS = 300
ends = Topic(topic, {"bootstrap.servers": bootstrap}).ends()
spark = (
    SparkSession.builder.master("local-cluster[2,1,2048]")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.executorEnv.PYTHONPATH", os.environ["PYTHONPATH"])
    .config("spark.executor.memory", "1g")
    .getOrCreate()
)
spark.sparkContext.setLogLevel("ERROR")
jvm = spark.sparkContext._gateway.proc.pid
sink = ParquetFolder(f"{out}/orders")
committed = []
killed = []


def executors() -> list[int]:
    """Processes below the driver's JVM that are executors."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            command = (entry / "cmdline").read_bytes()
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if b"CoarseGrainedExecutorBackend" in command and parent == jvm:
            found.append(int(entry.name))
    return found


def kill_an_executor() -> None:
    while len(committed) < 1 or not list(Path(sink.path).glob("*.parquet")):
        time.sleep(POLL_SECONDS)
    executor = executors()[0]
    os.kill(executor, signal.SIGKILL)
    killed.append(executor)


def commit_files(frame, batch):
    files = collected(frame)
    if lose == "driver" and batch == 2:
        for process in (*executors(), jvm, os.getpid()):
            os.kill(process, signal.SIGKILL)
    sink.commit_files(files, batch)
    committed.append(batch)


def commit_rows(frame, batch):
    frame.persist()
    rows(frame).write.mode("overwrite").parquet(f"{out}/orders/{batch}")
    quarantined(frame).write.mode("overwrite").parquet(f"{out}/quarantine/{batch}")
    frame.unpersist()
    committed.append(batch)


options = {
    "kafka.bootstrap.servers": bootstrap,
    "subscribe": topic,
    "bundle": bundle,
    "mode": mode,
    "maxOffsetsPerTrigger": "75000",
    "maxOffsetsPerTask": "4000",
}
if mode == "files":
    options["path"] = sink.path
if lose == "executor":
    threading.Thread(target=kill_an_executor, daemon=True).start()
query = (
    spark.readStream.format("sluice")
    .options(**options)
    .load()
    .writeStream.foreachBatch(commit_files if mode == "files" else commit_rows)
    .option("checkpointLocation", f"{out}/checkpoint")
    .start()
)
deadline = time.monotonic() + LARGEST_SECONDS
positions = None
while query.isActive and time.monotonic() < deadline and positions != ends:
    time.sleep(POLL_SECONDS)
    if query.lastProgress is not None:
        positions = positions_in(query.lastProgress)
if query.exception() is not None:
    sys.exit(str(query.exception()))
assert positions == ends, f"the query is at {positions} of {ends} after {len(committed)} micro-batches"
query.stop()
print(json.dumps({"batches": len(committed), "killed": len(killed)}))
spark.stop()
