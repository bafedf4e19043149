"""Kafka → kernel → rows → Parquet or Iceberg, as a job of Spark Structured Streaming: spark/README.md.

With SOURCE_MODE=rows, rows pass through Spark: a watermark on the time of the message, and of changes with the same id
within it the first. With SOURCE_MODE=files, workers write the files, every change is in them, and rows never are in Spark.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.streaming import StreamingQuery

from sluice_kernel import Bundle
from sluice_kernel.datasource import positions_in
from sluice_kernel.kafka import Topic, client_properties
from sluice_kernel.sinks import ParquetFolder, Sink
from sluice_kernel.spark import REJECTED, quarantined, rows

POLL_SECONDS = 0.2
PROPERTY_PREFIX = "KAFKA_CONFIG_"


@dataclass(frozen=True)
class Settings:
    """From environment variables; those that `sluice run` has mean the same."""

    topic: str
    properties: Mapping[str, str]
    start_from: str
    commit_rows: int
    data_dir: str
    compression: str
    bundle: str
    mode: str
    sink: str
    iceberg_table: str
    dedupe_within: str

    @staticmethod
    def of(env: Mapping[str, str]) -> Settings:
        properties = {
            name.removeprefix(PROPERTY_PREFIX).lower().replace("_", "."): value
            for name, value in env.items()
            if name.startswith(PROPERTY_PREFIX)
        }
        properties["bootstrap.servers"] = env.get("KAFKA_BROKERS", "127.0.0.1:9092")
        if "KERNEL_BUNDLE" not in env:
            raise ValueError("KERNEL_BUNDLE is missing: the folder that `sluice kernel export` wrote")
        return Settings(
            topic=env.get("KAFKA_TOPIC", "cdc_orders"),
            properties=client_properties(properties),
            start_from=_one_of(env, "START_FROM", ("earliest", "latest")),
            commit_rows=int(env.get("COMMIT_ROWS", "330000")),
            data_dir=env.get("DATA_DIR", "./data"),
            compression=_one_of(env, "PARQUET_COMPRESSION", ("zstd", "snappy", "lz4", "none")),
            bundle=env["KERNEL_BUNDLE"],
            mode=_one_of(env, "SOURCE_MODE", ("rows", "files")),
            sink=_one_of(env, "TABLE_FORMAT", ("parquet", "iceberg")),
            iceberg_table=env.get("ICEBERG_TABLE", "lake.sluice.orders"),
            dedupe_within=env.get("DEDUPE_WITHIN", "1 day"),
        )


def _one_of(env: Mapping[str, str], name: str, values: tuple[str, ...]) -> str:
    value = env.get(name, values[0])
    if value not in values:
        raise ValueError(f"{name} must be one of {', '.join(values)}, not {value}")
    return value


def start(spark: SparkSession, settings: Settings) -> StreamingQuery:
    """Starts the query; its checkpoint is in DATA_DIR."""
    bundle = Bundle.load(settings.bundle)
    options = {f"kafka.{name}": value for name, value in settings.properties.items()} | {
        "subscribe": settings.topic,
        "bundle": settings.bundle,
        "mode": settings.mode,
        "startingOffsets": settings.start_from,
        "maxOffsetsPerTrigger": str(settings.commit_rows),
    }
    if settings.mode == "files":
        sink = _file_sink(spark, settings, bundle)
        options |= {"path": sink.path, "compression": settings.compression}
        stream, write = spark.readStream.format("sluice").options(**options).load(), sink.commit
    else:
        stream = unique(spark.readStream.format("sluice").options(**options).load(), bundle, settings.dedupe_within)
        write = _row_writer(spark, settings)
    return stream.writeStream.foreachBatch(write).option("checkpointLocation", _checkpoint(settings)).start()


def _checkpoint(settings: Settings) -> str:
    return f"{settings.data_dir}/checkpoint"


def unique(parsed: DataFrame, bundle: Bundle, within: str) -> DataFrame:
    """The first of the changes that have the same id, and all that is quarantined."""
    ids = [column["name"] for column in bundle.description["spec"]["columns"] if column.get("role") == "change_id"]
    if not ids:
        return parsed
    place = F.concat_ws(":", f"{REJECTED}.partition", f"{REJECTED}.offset")
    # Times of events may be of any age, and rows behind the watermark are dropped: those of messages follow the topic.
    time_of_message = F.coalesce("kafka_timestamp", f"{REJECTED}.timestamp", F.current_timestamp())
    return (
        parsed.withColumn("_id", F.coalesce(F.concat(F.lit("c"), ids[0]), F.concat(F.lit("q"), place)))
        .withColumn("_time", time_of_message)
        .withWatermark("_time", within)
        .dropDuplicatesWithinWatermark(["_id"])
        .drop("_id", "_time")
    )


def _file_sink(spark: SparkSession, settings: Settings, bundle: Bundle) -> Sink:
    if settings.sink == "parquet":
        return ParquetFolder(f"{settings.data_dir}/orders")
    from sluice_kernel.iceberg import IcebergTable

    return IcebergTable(spark, settings.iceberg_table, bundle)


def _row_writer(spark: SparkSession, settings: Settings):
    """Writes a micro-batch so that the same one again changes nothing."""

    def to_parquet(frame: DataFrame, name: str, batch: int) -> None:
        folder = f"{settings.data_dir}/{name}/batch={batch}"
        frame.write.mode("overwrite").option("compression", settings.compression).parquet(folder)

    def to_iceberg(frame: DataFrame, name: str, batch: int) -> None:
        table = settings.iceberg_table + name.removeprefix("orders")
        # The checkpoint's id: with a new one, numbers of micro-batches begin anew.
        mark = f"{json.loads(spark.read.text(f'{_checkpoint(settings)}/metadata').head()[0])['id']}/{batch}"
        if not spark.catalog.tableExists(table):
            frame.limit(0).writeTo(table).using("iceberg").create()
        marked = spark.table(f"{table}.snapshots").where(F.col("summary")["sluice.batch"] == mark)
        if marked.isEmpty():
            frame.writeTo(table).option("snapshot-property.sluice.batch", mark).append()

    to = to_parquet if settings.sink == "parquet" else to_iceberg

    def write(parsed: DataFrame, batch: int) -> None:
        parsed.persist()
        try:
            to(quarantined(parsed), "orders_quarantine", batch)
            to(rows(parsed), "orders", batch)
        finally:
            parsed.unpersist()

    return write


def wait(query: StreamingQuery, ends: Mapping[int, int] | None) -> int:
    """Waits until the query fails, or has read up to ``ends``. Returns how many rows came late and were dropped."""
    dropped, seen = 0, -1
    while query.isActive:
        last = query.lastProgress
        for progress in query.recentProgress:
            if progress["batchId"] <= seen or not progress["numInputRows"]:
                continue
            seen = progress["batchId"]
            late = sum(state["numRowsDroppedByWatermark"] for state in progress["stateOperators"])
            dropped += late
            if late:
                print(
                    f"micro-batch {seen}: {late} messages were older than the watermark and are in no table; raise "
                    "DEDUPE_WITHIN and read them again with a new DATA_DIR",
                    file=sys.stderr,
                )
        if ends is not None and last is not None and reached(positions_in(last), ends):
            query.stop()
            break
        time.sleep(POLL_SECONDS)
    if query.exception() is not None:
        raise query.exception()
    return dropped


def reached(positions: Mapping[int, int], ends: Mapping[int, int]) -> bool:
    """Whether all is read that the topic had: by now it may have more."""
    return all(positions.get(partition, 0) >= end for partition, end in ends.items())


def main() -> int:
    settings = Settings.of(os.environ)
    ends = Topic(settings.topic, settings.properties).ends() if "--until-end" in sys.argv[1:] else None
    spark = SparkSession.builder.appName(f"sluice-{settings.topic}").getOrCreate()
    spark.sparkContext.setLogLevel("WARN")
    try:
        dropped = wait(start(spark, settings), ends)
    finally:
        spark.stop()
    # Nothing is lost unseen.
    return 3 if dropped else 0


if __name__ == "__main__":
    sys.exit(main())
