"""Parquet files of a range of offsets: one of rows, one of quarantined messages."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyarrow import fs

from .kernel import QUARANTINE_SCHEMA, Kernel
from .ranges import Range

ROW_GROUP_ROWS = 122_880
ROW_GROUP_BYTES = 64 << 20
"""A row group closes at as many rows or bytes in memory."""

_SAMPLE_ROWS = 10_000
"""A column with few values among as many rows is written with a dictionary."""

UINT64_AS = pa.decimal128(20, 0)
"""Spark and Iceberg have no unsigned integers."""


@dataclass(frozen=True)
class RangeFiles:
    """What became of a range. A path is None if there was nothing to write."""

    topic: str
    partition: int
    start_offset: int
    next_offset: int
    path: str | None
    rows: int
    bytes: int
    quarantine_path: str | None
    quarantined: int
    quarantine_bytes: int
    tombstones: int


FILES_SCHEMA = pa.schema(
    [
        pa.field(field.name, {"str": pa.utf8(), "str | None": pa.utf8(), "int": pa.int64()}[str(field.type)])
        for field in fields(RangeFiles)
    ]
)
"""Of ``RangeFiles`` as rows."""


def table_schema(bundle_schema: pa.Schema) -> pa.Schema:
    """Of the rows in files and in Spark: as ``Bundle.schema``, with decimals for unsigned integers, all nullable."""
    return pa.schema(
        [pa.field(field.name, UINT64_AS if pa.types.is_uint64(field.type) else field.type) for field in bundle_schema]
    )


def quarantine_schema() -> pa.Schema:
    """Of the quarantine in files and in Spark: as ``QUARANTINE_SCHEMA``, with Spark's times of microseconds."""
    us = pa.timestamp("us", "UTC")
    return pa.schema(
        [pa.field(field.name, us if pa.types.is_timestamp(field.type) else field.type) for field in QUARANTINE_SCHEMA]
    )


def write_range(
    kernel: Kernel, read: Range, batches: Iterable[pa.RecordBatch], folder: str, compression: str = "zstd"
) -> RangeFiles:
    """Reads the messages of a range and writes its files, with names that no other attempt has. They are durable.

    Args:
        folder: a local path, or a URI of a file system that pyarrow knows. It is made if it is missing.
        compression: of Parquet, as pyarrow names them.

    Raises:
        KernelError, OSError: then there are no files of this attempt, or ones that nobody knows of.
    """
    name = f"p{read.partition:04d}-{read.start:020d}-{read.end:020d}-{uuid.uuid4().hex}"
    rows = _Output(folder, f"{name}.parquet", table_schema(kernel.bundle.schema), compression)
    rejected = _Output(folder, f"{name}-quarantine.parquet", quarantine_schema(), compression)
    tombstones = 0
    try:
        for batch in batches:
            parsed = kernel.read(batch)
            rows.add(parsed.rows)
            rejected.add(parsed.quarantine)
            tombstones += parsed.counts["tombstone"]
        rows.close()
        rejected.close()
    except BaseException:
        rows.remove()
        rejected.remove()
        raise
    return RangeFiles(
        *(read.topic, read.partition, read.start, read.end),
        *(rows.path, rows.rows, rows.bytes, rejected.path, rejected.rows, rejected.bytes, tombstones),
    )


def file_system_of(folder: str) -> tuple[fs.FileSystem, str]:
    """The file system of a path or URI, and the path in it."""
    if folder.startswith("file:/") and not folder.startswith("file://"):
        folder = folder[len("file:") :]
    if "://" in folder:
        return fs.FileSystem.from_uri(folder)
    return fs.LocalFileSystem(), os.path.abspath(folder)


class _Output:
    """A Parquet file that is made when the first row comes."""

    def __init__(self, folder: str, name: str, schema: pa.Schema, compression: str) -> None:
        self._folder = folder
        self._name = name
        self._schema = schema
        self._compression = compression
        self._held: list[pa.Table] = []
        self._writer: pq.ParquetWriter | None = None
        self._sink: pa.NativeFile | None = None
        self.path: str | None = None
        self.rows = 0
        self.bytes = 0

    def add(self, table: pa.Table) -> None:
        if table.num_rows == 0:
            return
        self.rows += table.num_rows
        self._held.append(table.cast(self._schema))
        rows, size = (sum(of) for of in zip(*((held.num_rows, held.nbytes) for held in self._held)))
        if rows >= ROW_GROUP_ROWS or size >= ROW_GROUP_BYTES:
            self._write_held()

    def close(self) -> None:
        if self._held:
            self._write_held()
        if self._writer is None or self._sink is None:
            return
        self._writer.close()
        self.bytes = self._sink.tell()
        self._sink.close()
        system, folder = file_system_of(self._folder)
        if isinstance(system, fs.LocalFileSystem):
            sync(os.path.join(folder, self._name))
            sync(folder)

    def remove(self) -> None:
        """After a failure; what cannot be removed is nobody's file."""
        self._held = []
        if self._sink is None:
            return
        system, folder = file_system_of(self._folder)
        try:
            if self._writer is not None:
                self._writer.close()
            self._sink.close()
            system.delete_file(str(PurePosixPath(folder, self._name)))
        except OSError:
            pass

    def _write_held(self) -> None:
        table = pa.concat_tables(self._held)
        self._held = []
        if self._writer is None:
            system, folder = file_system_of(self._folder)
            system.create_dir(folder)
            self.path = f"{self._folder.rstrip('/')}/{self._name}"
            self._sink = system.open_output_stream(str(PurePosixPath(folder, self._name)))
            self._writer = pq.ParquetWriter(
                self._sink,
                self._schema,
                compression=self._compression,
                use_dictionary=_repeating(table),
                write_statistics=True,
            )
        self._writer.write_table(table, row_group_size=ROW_GROUP_ROWS)


def _repeating(table: pa.Table) -> list[str]:
    sample = table.slice(0, _SAMPLE_ROWS)
    few = max(1, sample.num_rows // 10)
    return [
        field.name
        for field in table.schema
        if pa.types.is_string(field.type) and pc.count_distinct(sample[field.name]).as_py() <= few
    ]


def sync(path: str) -> None:
    """Makes a local file or folder durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_once(file: Path, text: str) -> None:
    """Makes a local file, which is durable and whole as soon as it is there.

    Raises:
        FileExistsError: if it is there.
    """
    temporary = file.with_name(f"{file.name}.{uuid.uuid4().hex}")
    try:
        temporary.write_text(text)
        sync(str(temporary))
        # Unlike a rename, it fails if the file is there.
        os.link(temporary, file)
    finally:
        temporary.unlink(missing_ok=True)
    sync(str(file.parent))
