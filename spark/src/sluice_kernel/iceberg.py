"""Files of a micro-batch into an Iceberg table of any catalog that Spark knows, by Iceberg's own Java API."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from .bundle import Bundle
from .files import RangeFiles, quarantine_schema, table_schema
from .sinks import SinkError, collected, new_positions

POSITIONS = "sluice.positions"
"""The property of a snapshot that has the positions after it, as JSON by ``topic/partition``."""

NAME_MAPPING = "schema.name-mapping.default"


class IcebergTable:
    """A table, and beside it ``<table>_quarantine``; both are made if they are missing. One query fills them.

    Rows and positions are one snapshot, which is refused if another one with rows came between. Files of an attempt
    that was lost stay in the table's folder until Iceberg's ``remove_orphan_files``.

    Args:
        table: catalog, namespace and name, as in Spark's SQL.
        bundle: the source's, or its folder.

    Raises:
        SinkError: if the table is partitioned: a file has rows of all kinds.
    """

    def __init__(self, spark: SparkSession, table: str, bundle: Bundle | str) -> None:
        loaded = bundle if isinstance(bundle, Bundle) else Bundle.load(bundle)
        self._rows = _Table(spark, table, table_schema(loaded.schema))
        self._quarantine = _Table(spark, f"{table}_quarantine", quarantine_schema())
        self.path = f"{self._rows.location}/data"

    def commit(self, files: DataFrame, batch: int) -> None:
        """See ``Sink``. Each table has its own positions: what was lost between them comes again for one only."""
        written = collected(files)
        rejected = [(file.quarantine_path, file.quarantine_bytes) for file in written]
        self._quarantine.append(written, rejected, batch)
        self._rows.append(written, [(file.path, file.bytes) for file in written], batch)


class _Table:
    def __init__(self, spark: SparkSession, name: str, schema: pa.Schema) -> None:
        columns = ", ".join(f"`{field.name}` {field.dataType.simpleString()}" for field in from_arrow_schema(schema))
        spark.sql(f"CREATE TABLE IF NOT EXISTS {name} ({columns}) USING iceberg")
        jvm: Any = spark._jvm
        self._name = name
        self._iceberg = jvm.org.apache.iceberg
        self._table = self._iceberg.spark.Spark3Util.loadIcebergTable(spark._jsparkSession, name)
        if self._table.spec().isPartitioned():
            raise SinkError(f"{name} is partitioned, and files of workers are of all partitions: take one that is not")
        self._mapping = self._iceberg.mapping.MappingUtil.create(self._table.schema())
        if not self._table.properties().containsKey(NAME_MAPPING):
            # Files that others wrote have no field ids: columns are found by name.
            text = self._iceberg.mapping.NameMappingParser.toJson(self._mapping)
            self._table.updateProperties().set(NAME_MAPPING, text).commit()

    @property
    def location(self) -> str:
        return self._table.location()

    def append(self, written: Sequence[RangeFiles], paths: Sequence[tuple[str | None, int]], batch: int) -> None:
        self._table.refresh()
        snapshot = self._table.currentSnapshot()
        positions = new_positions(self._positions(snapshot), written)
        if positions is None:
            for path, _ in paths:
                if path is not None:
                    self._table.io().deleteFile(path)
            return
        change = self._table.newOverwrite()
        for path, size in paths:
            if path is not None:
                change.addFile(self._data_file(path, size))
        # A plain append would be tried again on top of another one: this is refused, and looks at the positions anew.
        change.conflictDetectionFilter(self._iceberg.expressions.Expressions.alwaysTrue())
        change.validateNoConflictingData()
        if snapshot is not None:
            change.validateFromSnapshot(snapshot.snapshotId())
        change.set(POSITIONS, json.dumps(positions)).set("sluice.batch", str(batch)).commit()

    def _positions(self, snapshot: Any) -> dict[str, int]:
        """Of the newest snapshot that has some: those of compaction have none."""
        while snapshot is not None:
            found = snapshot.summary().get(POSITIONS)
            if found is not None:
                return json.loads(found)
            parent = snapshot.parentId()
            snapshot = None if parent is None else self._table.snapshot(parent)
        return {}

    def _data_file(self, path: str, size: int) -> Any:
        iceberg, table = self._iceberg, self._table
        config = iceberg.MetricsConfig.forTable(table)
        metrics = iceberg.parquet.ParquetUtil.fileMetrics(table.io().newInputFile(path), config, self._mapping)
        builder = iceberg.DataFiles.builder(table.spec()).withPath(path).withFormat("PARQUET")
        return builder.withFileSizeInBytes(size).withMetrics(metrics).build()
