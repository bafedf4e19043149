"""Files of a micro-batch into an Iceberg table of any catalog that Spark knows, by Iceberg's own Java API."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import from_arrow_schema

from .batches import check_query, query_of, run, write_parquet
from .bundle import Bundle
from .files import RangeFiles, quarantine_schema, table_schema
from .sinks import SinkError, collected, new_positions
from .spark import quarantined, rows

POSITIONS = "sluice.positions"
"""The property of a snapshot, and of the table, that has the positions after it, as JSON by ``topic/partition``."""

QUERY = "sluice.query"
"""The property of a snapshot, and of the table, that has the id of the query whose micro-batch it is."""

BATCH = "sluice.batch"
"""The property of a snapshot, and of the table, that has the number of its micro-batch."""

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


class IcebergBatches:
    """Tables as those of ``IcebergTable``, for rows of ``mode=rows``: a snapshot per micro-batch. One query fills them.

    Raises:
        SinkError: if a table is partitioned.
    """

    def __init__(self, spark: SparkSession, table: str, bundle: Bundle | str) -> None:
        loaded = bundle if isinstance(bundle, Bundle) else Bundle.load(bundle)
        self._rows = _Table(spark, table, table_schema(loaded.schema))
        self._quarantine = _Table(spark, f"{table}_quarantine", quarantine_schema())

    def commit(self, parsed: DataFrame, batch: int) -> None:
        """See ``BatchSink``."""
        query = query_of(parsed)
        parts = ((self._quarantine, quarantined(parsed)), (self._rows, rows(parsed)))
        missing = [(table, frame) for table, frame in parts if not table.has_batch(query, batch)]
        if not missing:
            run(parsed)
            return
        parsed.persist()
        try:
            for table, frame in missing:
                table.append_frame(frame, query, batch)
        finally:
            parsed.unpersist()


class _Table:
    def __init__(self, spark: SparkSession, name: str, schema: pa.Schema) -> None:
        columns = ", ".join(f"`{field.name}` {field.dataType.simpleString()}" for field in from_arrow_schema(schema))
        spark.sql(f"CREATE TABLE IF NOT EXISTS {name} ({columns}) USING iceberg")
        self._spark = spark
        self._jvm: Any = spark._jvm
        self._name = name
        self._iceberg = self._jvm.org.apache.iceberg
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
        newest = self._newest()
        if QUERY in newest:
            raise SinkError(f"{self._name} has micro-batches of mode=rows: take another table for files")
        found = [(path, size) for path, size in paths if path is not None]
        positions = new_positions(json.loads(newest.get(POSITIONS) or "{}"), written)
        if positions is None:
            for path, _ in found:
                self._table.io().deleteFile(path)
            return
        self._add(found, {POSITIONS: json.dumps(positions), BATCH: str(batch)})

    def has_batch(self, query: str, batch: int) -> bool:
        self._table.refresh()
        newest = self._newest()
        if BATCH not in newest:
            return False
        check_query(self._name, newest.get(QUERY) or "of mode=files", query)
        return batch <= int(newest[BATCH])

    def append_frame(self, frame: DataFrame, query: str, batch: int) -> None:
        """After ``has_batch``, which it relies on: what another driver adds from then on is refused."""
        folder = f"{self.location}/data/{batch}-{uuid.uuid4().hex}"
        write_parquet(frame, folder)
        path = self._jvm.org.apache.hadoop.fs.Path(folder)
        files = path.getFileSystem(self._spark._jsparkSession.sessionState().newHadoopConf()).listStatus(path)
        written = [(file.getPath().toString(), file.getLen()) for file in files]
        self._add(
            [(name, size) for name, size in written if name.endswith(".parquet")], {QUERY: query, BATCH: str(batch)}
        )

    def _add(self, files: Sequence[tuple[str, int]], properties: Mapping[str, str]) -> None:
        snapshot = self._table.currentSnapshot()
        transaction = self._table.newTransaction()
        change = transaction.newOverwrite()
        for path, size in files:
            file = self._data_file(path, size)
            # Spark writes a file without rows if there are none at all.
            if file.recordCount() > 0:
                change.addFile(file)
        # A plain append would be tried again on top of another one: this is refused, and looks at the table anew.
        change.conflictDetectionFilter(self._iceberg.expressions.Expressions.alwaysTrue())
        change.validateNoConflictingData()
        if snapshot is not None:
            change.validateFromSnapshot(snapshot.snapshotId())
        for name, value in properties.items():
            change.set(name, value)
        change.commit()
        kept = transaction.updateProperties()
        for name, value in properties.items():
            kept.set(name, value)
        kept.commit()
        transaction.commitTransaction()

    def _newest(self) -> Mapping[str, str]:
        """The properties of the newest micro-batch: snapshots of compaction have none.

        The table's own are the same, but stay if the table is set back to an older snapshot: they are for one whose
        snapshots of micro-batches have expired.
        """
        snapshot = self._table.currentSnapshot()
        while snapshot is not None:
            if BATCH in snapshot.summary():
                return snapshot.summary()
            parent = snapshot.parentId()
            if parent is None:
                break
            snapshot = self._table.snapshot(parent)
            if snapshot is None:
                return self._table.properties()
        return {}

    def _data_file(self, path: str, size: int) -> Any:
        iceberg, table = self._iceberg, self._table
        config = iceberg.MetricsConfig.forTable(table)
        metrics = iceberg.parquet.ParquetUtil.fileMetrics(table.io().newInputFile(path), config, self._mapping)
        builder = iceberg.DataFiles.builder(table.spec()).withPath(path).withFormat("PARQUET")
        return builder.withFileSizeInBytes(size).withMetrics(metrics).build()
