"""A batch of Kafka messages as the buffers that are copied into the kernel's memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

NO_TIMESTAMP = -1


@dataclass(frozen=True)
class Texts:
    """A column of bytes: text ``i`` is ``data[offsets[i]:offsets[i + 1]]``; ``validity`` is from bit 0 on."""

    array: pa.Array
    data: np.ndarray
    offsets: np.ndarray
    validity: np.ndarray

    def size(self, start: int, stop: int) -> int:
        """Bytes of the texts from ``start`` to ``stop``."""
        return int(self.offsets[stop]) - int(self.offsets[start])


@dataclass(frozen=True)
class Messages:
    """All arrays have a message per element."""

    count: int
    values: Texts
    keys: Texts
    partitions: np.ndarray
    offsets: np.ndarray
    timestamps: np.ndarray


def messages_of(batch: pa.RecordBatch | pa.Table) -> Messages:
    """The columns that the kernel reads; of those that are missing, the defaults.

    Raises:
        ValueError: if there is no column ``value``, a column has another type or nulls where there must be none, or
            values or keys have more than 2 GiB.
    """
    if "value" not in batch.schema.names:
        raise ValueError(f"the batch has no column `value`, but {', '.join(batch.schema.names) or 'none'}")
    count = batch.num_rows
    timestamps = _column(batch, "timestamp")
    return Messages(
        count,
        _texts("value", _column(batch, "value"), count),
        _texts("key", _column(batch, "key"), count),
        _integers("partition", _column(batch, "partition"), pa.int32(), np.zeros(count, np.int32)),
        _integers("offset", _column(batch, "offset"), pa.int64(), np.arange(count, dtype=np.int64)),
        _integers("timestamp", _milliseconds(timestamps), pa.int64(), np.full(count, NO_TIMESTAMP, np.int64)),
    )


def _column(batch: pa.RecordBatch | pa.Table, name: str) -> pa.Array | None:
    if name not in batch.schema.names:
        return None
    column = batch.column(name)
    if not isinstance(column, pa.ChunkedArray):
        return column
    joined = column.combine_chunks()
    if isinstance(joined, pa.ChunkedArray):
        if joined.num_chunks > 1:
            raise ValueError(f"the column `{name}` has more than 2 GiB: read fewer messages at once")
        return joined.chunk(0) if joined.num_chunks else pa.array([], joined.type)
    return joined


def _texts(name: str, column: pa.Array | None, count: int) -> Texts:
    try:
        array = pa.nulls(count, pa.binary()) if column is None else column.cast(pa.binary())
    except pa.ArrowException as error:
        raise ValueError(f"the column `{name}` must be of bytes or text below 2 GiB: {error}") from error
    validity, offsets, data = array.buffers()
    first = array.offset
    whole = np.zeros(1, np.int32) if offsets is None or offsets.size == 0 else np.frombuffer(offsets, np.int32)
    return Texts(
        array,
        np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8),
        whole[first : first + count + 1],
        _bits(validity, first, count),
    )


def _bits(validity: pa.Buffer | None, first: int, count: int) -> np.ndarray:
    if validity is None:
        return np.full((count + 7) // 8, 0xFF, np.uint8)
    found = np.frombuffer(validity, np.uint8)[first // 8 : (first + count + 7) // 8]
    if first % 8 == 0:
        return found
    return np.packbits(np.unpackbits(found, bitorder="little")[first % 8 :][:count], bitorder="little")


def _milliseconds(column: pa.Array | None) -> pa.Array | None:
    if column is None:
        return None
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.timestamp("ms", column.type.tz), safe=False).cast(pa.int64())
    return pc.fill_null(column, NO_TIMESTAMP)


def _integers(name: str, column: pa.Array | None, dtype: pa.DataType, default: np.ndarray) -> np.ndarray:
    if column is None:
        return default
    if column.null_count:
        raise ValueError(f"the column `{name}` must have no nulls, and has {column.null_count}")
    try:
        return column.cast(dtype).to_numpy(zero_copy_only=False)
    except pa.ArrowException as error:
        raise ValueError(f"the column `{name}` must be of {dtype}: {error}") from error
