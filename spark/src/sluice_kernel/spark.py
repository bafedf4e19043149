"""The kernel in Spark: a DataFrame of Kafka messages, batch or streaming, becomes one of rows."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.types import StructType

from .bundle import Bundle
from .kernel import QUARANTINE_SCHEMA, Kernel, Parsed

REJECTED = "_rejected"
"""The column of ``parse`` that says why a message is no row."""

MESSAGE_COLUMNS = ("key", "value", "partition", "offset", "timestamp")
"""Of Spark's Kafka source, which ``parse`` reads."""

_SPARK_UINT64 = pa.decimal128(20, 0)
"""Spark has no unsigned integers; it reads those of Parquet as this, too."""

_kernels: dict[str, Kernel] = {}
"""One per bundle and Python worker: it keeps what it has learned."""


def parse(df: DataFrame, bundle: Bundle | str | os.PathLike[str]) -> DataFrame:
    """Reads each message of ``df``, in one pass by ``mapInArrow``; the package must be on the executors.

    Args:
        df: with the columns of Spark's Kafka source: ``value``, and if they are there ``key``, ``partition``,
            ``offset`` and ``timestamp``.
        bundle: what ``sluice kernel export`` wrote, or its folder, which only the driver needs.

    Returns:
        a row per message that is no tombstone: the columns of the table spec, which are null if the message is no row,
        and ``_rejected``, which is null if it is: partition, offset, timestamp, status, position, column, key and value
        as in ``QUARANTINE_SCHEMA``. ``rows`` and ``quarantined`` take the one or the other. ``change_seq``, unsigned
        in Arrow, is a decimal. Rows of one batch come before its quarantined messages.

    Raises:
        BundleError: if the folder has no bundle for this package.
        ValueError: if ``df`` has no column ``value``, or the spec has a column ``_rejected``.
    """
    loaded = bundle if isinstance(bundle, Bundle) else Bundle.load(bundle)
    if "value" not in df.columns:
        raise ValueError(f"the DataFrame has no column `value`, but {', '.join(df.columns) or 'none'}")
    if REJECTED in loaded.schema.names:
        raise ValueError(f"the table spec has a column {REJECTED}, which is that of messages that are no rows")

    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        kernel = kernel_of(loaded)
        for batch in batches:
            yield from to_spark(kernel.read(batch))

    columns = [name for name in MESSAGE_COLUMNS if name in df.columns]
    return df.select(*columns).mapInArrow(read, spark_schema(loaded))


def kernel_of(bundle: Bundle) -> Kernel:
    """The kernel of this Python worker, which is made when it is first needed."""
    if bundle.id not in _kernels:
        _kernels[bundle.id] = Kernel(bundle)
    return _kernels[bundle.id]


def rows(parsed: DataFrame) -> DataFrame:
    """The messages that are rows, of what ``parse`` returned."""
    return parsed.where(F.col(REJECTED).isNull()).drop(REJECTED)


def quarantined(parsed: DataFrame) -> DataFrame:
    """The messages that are none, of what ``parse`` returned: the columns of ``QUARANTINE_SCHEMA``."""
    return parsed.where(F.col(REJECTED).isNotNull()).select(f"{REJECTED}.*")


def spark_schema(bundle: Bundle) -> StructType:
    """Of what ``parse`` returns."""
    return from_arrow_schema(_arrow_schema(bundle.schema))


def to_spark(parsed: Parsed) -> Iterator[pa.RecordBatch]:
    """Rows, then quarantined messages, as record batches of the schema of ``parse``."""
    schema = _arrow_schema(parsed.rows.schema)
    rejected = schema.field(REJECTED).type
    for batch in parsed.rows.to_batches():
        columns = [_for_spark(column) for column in batch.columns]
        yield pa.RecordBatch.from_arrays([*columns, pa.nulls(batch.num_rows, rejected)], schema=schema)
    for batch in parsed.quarantine.to_batches():
        columns = [pa.nulls(batch.num_rows, field.type) for field in schema if field.name != REJECTED]
        reasons = pa.StructArray.from_arrays(
            [column.cast(field.type) for column, field in zip(batch.columns, rejected, strict=True)],
            fields=list(rejected),
        )
        yield pa.RecordBatch.from_arrays([*columns, reasons], schema=schema)


def _arrow_schema(rows: pa.Schema) -> pa.Schema:
    fields = [
        pa.field(field.name, _SPARK_UINT64 if pa.types.is_uint64(field.type) else field.type, True) for field in rows
    ]
    # Spark's timestamps are of microseconds.
    reasons = [
        pa.field(field.name, pa.timestamp("us", "UTC") if pa.types.is_timestamp(field.type) else field.type, True)
        for field in QUARANTINE_SCHEMA
    ]
    return pa.schema([*fields, pa.field(REJECTED, pa.struct(reasons), True)])


def _for_spark(column: pa.Array) -> pa.Array:
    return column.cast(_SPARK_UINT64) if pa.types.is_uint64(column.type) else column
