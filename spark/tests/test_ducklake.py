import os

import duckdb
import pytest

from sluice_kernel.ducklake import DuckLakeTable
from sluice_kernel.files import write_range
from sluice_kernel.ranges import Range
from sluice_kernel.sinks import SinkError
from test_sinks import messages, rows_of


@pytest.fixture
def lake(tmp_path, folder):
    extensions = os.environ["DUCKDB_EXTENSION_DIRECTORY"]
    config = {"extension_directory": extensions}
    catalog, files = str(tmp_path / "catalog.ducklake"), str(tmp_path / "lake")
    return lambda: DuckLakeTable(catalog, files, "orders", str(folder), config)


@pytest.fixture
def write(kernel, tmp_path):
    def write(first, last):
        read = Range("t", 0, first, last)
        return write_range(kernel, read, [messages(first, last)], str(tmp_path / "lake/orders"))

    return write


def offsets_in(lake, column="kafka_offset", table="orders"):
    with lake._open() as connection:
        return [n for (n,) in connection.execute(f"SELECT {column} FROM {table} ORDER BY 1").fetchall()]


def test_a_micro_batch_is_in_the_lake_once(lake, write):
    lake().commit_files([write(0, 40), write(40, 100)], 0)
    lake().commit_files([write(0, 40), write(40, 100)], 0)
    lake().commit_files([write(100, 200)], 1)
    assert offsets_in(lake()) == rows_of(range(200))
    assert offsets_in(lake(), '"offset"', "orders_quarantine") == list(range(1, 200, 10))


def test_rows_are_those_of_the_kernel(lake, write, kernel):
    lake().commit_files([write(0, 100)], 0)
    wanted = kernel.read(messages(0, 100)).rows
    with lake()._open() as connection:
        found = connection.execute("SELECT * FROM orders ORDER BY kafka_offset").to_arrow_table()
    for name in wanted.schema.names:
        assert found[name].cast(wanted[name].type).equals(wanted[name]), name


def test_what_fails_is_not_there(lake, write):
    one = lake()
    one.commit_files([write(0, 40)], 0)
    with pytest.raises(SinkError, match="up to offset 40"):
        one.commit_files([write(50, 60)], 1)
    broken = write(40, 60)
    with open(broken.quarantine_path, "wb"):
        pass
    with pytest.raises(duckdb.Error):
        one.commit_files([broken], 1)
    assert offsets_in(one) == rows_of(range(40))
    one.commit_files([write(40, 60)], 1)
    assert offsets_in(one) == rows_of(range(60))
