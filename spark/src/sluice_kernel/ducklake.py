"""Files of a micro-batch into a DuckLake, by DuckDB on the driver."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa

from .bundle import Bundle
from .files import RangeFiles, quarantine_schema, table_schema
from .sinks import collected, new_positions

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

POSITIONS = "sluice_positions"


class DuckLakeTable:
    """A table of a lake, and beside it ``<table>_quarantine`` and ``sluice_positions``; what is missing is made.

    A commit registers the files, which are DuckLake's from then on, and changes the positions, in one transaction. Of
    two drivers that commit at once one is refused. Files of an attempt that was lost stay until
    ``ducklake_delete_orphaned_files``.

    Args:
        catalog: what follows ``ducklake:`` in ATTACH: a file, or ``postgres:`` and a connection string.
        data_path: of the lake, which driver and executors share: a folder, or a URI that both DuckDB and pyarrow know.
        table: its name; one query fills it.
        bundle: the source's, or its folder.
        config: of DuckDB, as ``extension_directory``.

    Raises:
        duckdb.Error: if there is no such lake, or an extension is missing.
    """

    def __init__(
        self, catalog: str, data_path: str, table: str, bundle: Bundle | str, config: dict[str, str] | None = None
    ) -> None:
        loaded = bundle if isinstance(bundle, Bundle) else Bundle.load(bundle)
        self._table = table
        self._config = config or {}
        self._attach = f"ATTACH {_literal(f'ducklake:{catalog}')} AS lake (DATA_PATH {_literal(data_path)})"
        self.path = f"{data_path.rstrip('/')}/{table}"
        with self._open() as lake:
            lake.execute("BEGIN")
            _create(lake, table, table_schema(loaded.schema))
            _create(lake, f"{table}_quarantine", quarantine_schema())
            columns = '"table" VARCHAR, partition VARCHAR, next_offset BIGINT'
            lake.execute(f"CREATE TABLE IF NOT EXISTS {POSITIONS} ({columns})")
            lake.execute("COMMIT")

    def commit(self, files: DataFrame, batch: int) -> None:
        """See ``Sink``. Spark's number of the micro-batch is the message of the snapshot."""
        self.commit_files(collected(files), batch)

    def commit_files(self, files: Sequence[RangeFiles], batch: int) -> None:
        """Commits what ``write_range`` wrote to ``path``, without Spark."""
        with self._open() as lake:
            lake.execute("BEGIN")
            of_table = f"FROM {POSITIONS} WHERE \"table\" = ?"
            known = dict(lake.execute(f"SELECT partition, next_offset {of_table}", [self._table]).fetchall())
            positions = new_positions(known, files)
            if positions is None:
                # The files are no table's: they are orphans, as those of lost attempts.
                lake.execute("ROLLBACK")
                return
            for file in files:
                _register(lake, self._table, file.path)
                _register(lake, f"{self._table}_quarantine", file.quarantine_path)
            # Also if there are no rows: two transactions that delete the same ones exclude one another.
            lake.execute(f"DELETE {of_table}", [self._table])
            lake.executemany(
                f"INSERT INTO {POSITIONS} VALUES (?, ?, ?)", [[self._table, *item] for item in positions.items()]
            )
            lake.execute("CALL ducklake_set_commit_message('lake', 'sluice', ?)", [f"micro-batch {batch}"])
            lake.execute("COMMIT")

    def _open(self) -> duckdb.DuckDBPyConnection:
        lake = duckdb.connect(config=self._config)
        try:
            if "extension_directory" not in self._config:
                lake.execute("INSTALL ducklake")
            lake.execute("LOAD ducklake")
            lake.execute(self._attach)
            lake.execute("USE lake")
        except BaseException:
            lake.close()
            raise
        return lake


def _create(lake: duckdb.DuckDBPyConnection, name: str, schema: pa.Schema) -> None:
    empty = schema.empty_table()
    lake.register("empty", empty)
    lake.execute(f"CREATE TABLE IF NOT EXISTS {name} AS FROM empty")
    lake.unregister("empty")


def _register(lake: duckdb.DuckDBPyConnection, table: str, path: str | None) -> None:
    if path is not None:
        lake.execute("CALL ducklake_add_data_files('lake', ?, ?)", [table, path])


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
