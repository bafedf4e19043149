"""The kernel in Spark, Kafka to Parquet: by the data source, or on messages of Spark's own Kafka source.

usage (through spark-submit): spark_kernel.py BOOTSTRAP TOPIC OUT HOW BATCH BUNDLE
  HOW  files (workers write the files), rows (the data source's rows), or map (mapInArrow on Spark's Kafka source)
Reads what the topic has in micro-batches of BATCH messages. The last line of its output is JSON.
"""

import json
import sys
import time

from pyspark.sql import SparkSession

from sluice_kernel.datasource import positions_in
from sluice_kernel.kafka import Topic
from sluice_kernel.sinks import ParquetFolder
from sluice_kernel.spark import parse, quarantined, rows

POLL_SECONDS = 0.05


def source(spark, bootstrap, topic, how, batch, bundle, folder):
    reader = spark.readStream.format("kafka" if how == "map" else "sluice")
    reader = reader.option("kafka.bootstrap.servers", bootstrap).option("subscribe", topic)
    reader = reader.option("startingOffsets", "earliest").option("maxOffsetsPerTrigger", batch)
    if how == "map":
        return parse(reader.option("kafka.isolation.level", "read_committed").load(), bundle)
    reader = reader.option("bundle", bundle).option("mode", how)
    return (reader.option("path", folder.path) if how == "files" else reader).load()


def row_writer(out):
    def write(parsed, batch):
        parsed.persist()
        rows(parsed).write.mode("append").parquet(f"{out}/orders")
        quarantined(parsed).write.mode("append").parquet(f"{out}/quarantine")
        parsed.unpersist()

    return write


def main(bootstrap, topic, out, how, batch, bundle):
    spark = SparkSession.builder.appName("orders").config("spark.ui.enabled", "false").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    ends = Topic(topic, {"bootstrap.servers": bootstrap}).ends()
    folder = ParquetFolder(f"{out}/orders")
    stream = source(spark, bootstrap, topic, how, batch, bundle, folder).writeStream
    write = folder.commit if how == "files" else row_writer(out)
    query = stream.option("checkpointLocation", f"{out}/checkpoint").foreachBatch(write).start()
    batches = {}
    while query.isActive:
        for progress in query.recentProgress:
            if progress["numInputRows"]:
                batches[progress["batchId"]] = progress
        last = batches.get(max(batches, default=-1))
        if last is not None and positions_in(last) == ends:
            query.stop()
            break
        time.sleep(POLL_SECONDS)
    if query.exception() is not None:
        sys.exit(str(query.exception()))
    warm = [batches[number] for number in sorted(batches)][1:]
    # Rows of the data source are files in one mode: messages are what is counted.
    messages = sum(sum(positions_in(p).values()) - sum(positions_in(p, "startOffset").values()) for p in warm)
    seconds = sum(progress["durationMs"]["triggerExecution"] for progress in warm) / 1e3
    print(json.dumps({"warmRate": messages / max(0.001, seconds)}))
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:7])
