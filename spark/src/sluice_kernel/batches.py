"""Rows of ``mode=rows`` without duplicates, and the folder that they go to: each micro-batch is in it once."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from .files import sync, write_once
from .sinks import DIGITS, QUERY_FILE, SinkError
from .spark import REJECTED, quarantined, rows

STATE_CONF: Mapping[str, str] = {
    # What is known of a day's changes is more than a JVM's memory has.
    "spark.sql.streaming.stateStore.providerClass": (
        "org.apache.spark.sql.execution.streaming.state.RocksDBStateStoreProvider"
    ),
    # A micro-batch without messages would only forget what is old: the next one with some does so, too.
    "spark.sql.streaming.noDataMicroBatches.enabled": "false",
}
"""Of the session in which ``without_duplicates`` runs. ``spark.sql.shuffle.partitions`` is the number of its state
stores, which a checkpoint keeps: as many as there are cores, not Spark's 200."""

_READ_AT = "_read_at"
_PLACE = "_place"


class BatchSink(Protocol):
    """Where the rows of ``mode=rows`` go. ``commit`` is for ``foreachBatch``."""

    def commit(self, parsed: DataFrame, batch: int) -> None:
        """Commits a micro-batch, unless it is committed: what ``parse`` returns, without duplicates or with them.

        Raises:
            SinkError: if another query fills the table. Then nothing of it is committed.
        """


def without_duplicates(parsed: DataFrame, within: str, by: str = "change_id") -> DataFrame:
    """Drops rows whose ``by`` the query read before, if that was less than ``within`` ago: so long Spark knows of it.

    The watermark is the time at which Spark began the micro-batch. Rows are late to one of Kafka's times, or of what
    messages say, as soon as a partition is behind the others, and late rows Spark drops unseen.

    Args:
        parsed: a stream of ``mode=rows``, or of ``parse``. Its quarantined messages stay, and rows without ``by``.
        within: a time as Spark writes it, ``1 hour``.

    Raises:
        ValueError: if there is no column ``by``.
    """
    if by not in parsed.columns:
        raise ValueError(f"the table spec has no column {by}: say which one has the id of a change")
    place = F.struct(
        F.coalesce("kafka_partition", f"{REJECTED}.partition").alias("partition"),
        F.coalesce("kafka_offset", f"{REJECTED}.offset").alias("offset"),
    )
    read = parsed.withColumn(_READ_AT, F.current_timestamp()).withWatermark(_READ_AT, within)
    placed = read.withColumn(_PLACE, F.when(F.col(by).isNull(), place))
    return placed.dropDuplicatesWithinWatermark([by, _PLACE]).drop(_READ_AT, _PLACE)


class BatchFolder:
    """A folder with a folder per micro-batch, for readers that take all files of it.

    It must be local, or shared by the driver and all executors: a micro-batch gets its place by a rename::

        orders/000000000007/part-….parquet                 rows of the 8th micro-batch
        orders/_quarantine/000000000007/part-….parquet
        orders/_query                                      the id of the query whose micro-batches these are
        orders/_staged/…                                   what Spark wrote, before it is committed
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder).absolute()

    def commit(self, parsed: DataFrame, batch: int) -> None:
        """See ``BatchSink``."""
        self._check_query(query_of(parsed))
        name = f"{batch:0{DIGITS}d}"
        placed = self._folder / name
        if placed.exists():
            run(parsed)
            return
        staged = self._folder / "_staged" / f"{name}-{uuid.uuid4().hex}"
        parsed.persist()
        try:
            self._write(quarantined(parsed), staged / "quarantine")
            self._write(rows(parsed), staged / "rows")
        finally:
            parsed.unpersist()
        # What was interrupted here has the same messages, and no rows yet: these are the commit.
        rejected = self._folder / "_quarantine" / name
        shutil.rmtree(rejected, ignore_errors=True)
        self._move(staged / "quarantine", rejected)
        self._move(staged / "rows", placed)
        shutil.rmtree(self._folder / "_staged")

    def _check_query(self, query: str) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        if (self._folder / "_manifest").exists():
            raise SinkError(f"{self._folder} has files of mode=files: take another folder for micro-batches")
        known = self._folder / QUERY_FILE
        if not known.exists():
            with suppress(FileExistsError):
                write_once(known, query)
        check_query(str(self._folder), known.read_text(), query)

    def _write(self, frame: DataFrame, folder: Path) -> None:
        write_parquet(frame, str(folder))
        files = list(folder.glob("*.parquet"))
        if not files:
            raise SinkError(
                f"{folder} has no file of those that workers wrote: the folder must be shared by the driver and all "
                "executors. Else take a sink whose files are in an object store"
            )
        for file in (*files, folder):
            sync(str(file))

    def _move(self, staged: Path, placed: Path) -> None:
        placed.parent.mkdir(exist_ok=True)
        try:
            staged.rename(placed)
        except OSError as error:
            raise SinkError(f"{placed} was written by another driver just now: one query fills a folder") from error
        sync(str(placed.parent))


def write_parquet(frame: DataFrame, folder: str) -> None:
    """Writes Parquet with times as all readers have them, and not as Spark's first versions did."""
    frame.sparkSession.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
    frame.write.mode("overwrite").parquet(folder)


def run(parsed: DataFrame) -> None:
    """Reads what is committed already: the state that the next micro-batch begins with is written by it."""
    parsed.write.format("noop").mode("overwrite").save()


def query_of(frame: DataFrame) -> str:
    """The id of the query, which its checkpoint keeps, that ``foreachBatch`` is called by."""
    query: Any = frame.sparkSession.sparkContext.getLocalProperty("sql.streaming.queryId")
    if query is None:
        raise SinkError("commit is for foreachBatch of a streaming query")
    return str(query)


def check_query(table: str, known: str, query: str) -> None:
    """Raises SinkError if the micro-batches of the table are those of another query."""
    if known != query:
        raise SinkError(
            f"{table} has micro-batches of another checkpoint: that query was {known}, this one is {query}. One query "
            "fills a table: give it the checkpoint that it had, or a new table"
        )
