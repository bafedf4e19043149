"""Kafka → kernel → Parquet or Iceberg, as a job of Spark Structured Streaming: spark/README.md.

Workers write the files; every change is in them, those that come again as well. With DEDUPLICATE_WITHIN Spark writes
them, without those that come again within that time.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import SparkSession
from pyspark.sql.streaming import StreamingQuery
from pyspark.sql.streaming.listener import StreamingQueryProgress

from sluice_kernel import Bundle
from sluice_kernel.batches import STATE_CONF, BatchFolder, BatchSink, without_duplicates
from sluice_kernel.clock import ClockError, check_clock
from sluice_kernel.datasource import positions_in
from sluice_kernel.kafka import Topic, client_properties
from sluice_kernel.sinks import ParquetFolder, Sink

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
    sink: str
    iceberg_table: str
    deduplicate_within: str | None
    deduplicate_by: str

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
            sink=_one_of(env, "TABLE_FORMAT", ("parquet", "iceberg")),
            iceberg_table=env.get("ICEBERG_TABLE", "lake.sluice.orders"),
            deduplicate_within=env.get("DEDUPLICATE_WITHIN"),
            deduplicate_by=env.get("DEDUPLICATE_BY", "change_id"),
        )


def _one_of(env: Mapping[str, str], name: str, values: tuple[str, ...]) -> str:
    value = env.get(name, values[0])
    if value not in values:
        raise ValueError(f"{name} must be one of {', '.join(values)}, not {value}")
    return value


def start(spark: SparkSession, settings: Settings) -> StreamingQuery:
    """Starts the query; its checkpoint is in DATA_DIR."""
    options = {f"kafka.{name}": value for name, value in settings.properties.items()} | {
        "subscribe": settings.topic,
        "bundle": settings.bundle,
        "startingOffsets": settings.start_from,
        "maxOffsetsPerTrigger": str(settings.commit_rows),
    }
    bundle = Bundle.load(settings.bundle)
    source = spark.readStream.format("sluice")
    checkpoint = f"{settings.data_dir}/checkpoint"
    sink: Sink | BatchSink
    if settings.deduplicate_within is None:
        sink = _file_sink(spark, settings, bundle)
        options |= {"mode": "files", "path": sink.path, "compression": settings.compression}
        stream = source.options(**options).load()
    else:
        sink = _batch_sink(spark, settings, bundle)
        _configure_state(spark, settings.compression)
        check_clock(spark, checkpoint)
        parsed = source.options(**options, mode="rows").load()
        stream = without_duplicates(parsed, settings.deduplicate_within, settings.deduplicate_by)
    return stream.writeStream.foreachBatch(sink.commit).option("checkpointLocation", checkpoint).start()


def _file_sink(spark: SparkSession, settings: Settings, bundle: Bundle) -> Sink:
    if settings.sink == "parquet":
        return ParquetFolder(f"{settings.data_dir}/orders")
    from sluice_kernel.iceberg import IcebergTable

    return IcebergTable(spark, settings.iceberg_table, bundle)


def _batch_sink(spark: SparkSession, settings: Settings, bundle: Bundle) -> BatchSink:
    if settings.sink == "parquet":
        return BatchFolder(f"{settings.data_dir}/orders")
    from sluice_kernel.iceberg import IcebergBatches

    return IcebergBatches(spark, settings.iceberg_table, bundle)


def _configure_state(spark: SparkSession, compression: str) -> None:
    """What `spark-submit --conf` does not say."""
    given = spark.sparkContext.getConf()
    codec = {"lz4": "lz4_raw"}.get(compression, compression)
    wanted = {
        **STATE_CONF,
        "spark.sql.shuffle.partitions": str(spark.sparkContext.defaultParallelism),
        "spark.sql.parquet.compression.codec": codec,
    }
    for name, value in wanted.items():
        if not given.contains(name):
            spark.conf.set(name, value)


def wait(query: StreamingQuery, ends: Mapping[int, int] | None) -> None:
    """Waits until the query fails, or has read up to ``ends``."""
    while query.isActive:
        last = query.lastProgress
        if last is not None:
            _check_kept(last)
        if ends is not None and last is not None and reached(positions_in(last), ends):
            query.stop()
            break
        time.sleep(POLL_SECONDS)
    if query.exception() is not None:
        raise query.exception()


def _check_kept(progress: StreamingQueryProgress) -> None:
    """While it runs. After a restart ``check_clock`` finds it in the checkpoint."""
    dropped = sum(state.numRowsDroppedByWatermark for state in progress.stateOperators)
    if dropped > 0:
        raise ClockError(
            f"Spark dropped {dropped} rows of micro-batch {progress.batchId} as late: the driver's clock went back by "
            "more than DEDUPLICATE_WITHIN. Begin with a new DATA_DIR and a new table"
        )


def reached(positions: Mapping[int, int], ends: Mapping[int, int]) -> bool:
    """Whether all is read that the topic had: by now it may have more."""
    return all(positions.get(partition, 0) >= end for partition, end in ends.items())


def main() -> None:
    settings = Settings.of(os.environ)
    ends = Topic(settings.topic, settings.properties).ends() if "--until-end" in sys.argv[1:] else None
    spark = SparkSession.builder.appName(f"sluice-{settings.topic}").getOrCreate()
    spark.sparkContext.setLogLevel("WARN")
    try:
        wait(start(spark, settings), ends)
    finally:
        spark.stop()


if __name__ == "__main__":
    main()
