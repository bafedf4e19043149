"""The kernel in Spark, Kafka to Parquet: by the data source, or on messages of Spark's own Kafka source.

usage (through spark-submit): spark_kernel.py BOOTSTRAP TOPIC OUT HOW BATCH BUNDLE
  HOW  files (workers write the files), rows (the data source's rows), or map (mapInArrow on Spark's Kafka source)
Reads what the topic has in micro-batches of BATCH messages.
"""

import sys
import time

from pyspark.sql import SparkSession

from sluice_kernel.datasource import positions_in
from sluice_kernel.kafka import Topic
from sluice_kernel.sinks import ParquetFolder
from sluice_kernel.spark import parse

from warm import print_warm

POLL_SECONDS = 0.2


def source(spark, bootstrap, topic, how, batch, bundle, folder):
    reader = spark.readStream.format("kafka" if how == "map" else "sluice")
    reader = reader.option("kafka.bootstrap.servers", bootstrap).option("subscribe", topic)
    reader = reader.option("startingOffsets", "earliest").option("maxOffsetsPerTrigger", batch)
    if how == "map":
        return parse(reader.option("kafka.isolation.level", "read_committed").load(), bundle)
    reader = reader.option("bundle", bundle).option("mode", how)
    return (reader.option("path", folder.path) if how == "files" else reader).load()


def main(bootstrap, topic, out, how, batch, bundle):
    spark = SparkSession.builder.appName("orders").config("spark.ui.enabled", "false").getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    ends = Topic(topic, {"bootstrap.servers": bootstrap}).ends()
    folder = ParquetFolder(f"{out}/orders")
    stream = source(spark, bootstrap, topic, how, batch, bundle, folder).writeStream
    if how == "files":
        stream = stream.foreachBatch(folder.commit)
    else:
        # As the job that is replaced: quarantined messages in a column of the same files.
        stream = stream.format("parquet").outputMode("append").option("path", f"{out}/orders")
    query = stream.option("checkpointLocation", f"{out}/checkpoint").start()
    while query.isActive:
        last = query.lastProgress
        if last is not None and positions_in(last) == ends:
            query.stop()
            break
        time.sleep(POLL_SECONDS)
    if query.exception() is not None:
        sys.exit(str(query.exception()))
    # Rows of the data source are files in one mode: messages are what is counted.
    print_warm(
        [p for p in query.recentProgress if p["numInputRows"]],
        lambda p: sum(positions_in(p).values()) - sum(positions_in(p, "startOffset").values()),
    )
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:7])
