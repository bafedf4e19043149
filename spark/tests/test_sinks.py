import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sluice_kernel.files import FILES_SCHEMA, RangeFiles, write_range
from sluice_kernel.ranges import Range
from sluice_kernel.sinks import ParquetFolder, SinkError, new_positions


def messages(first: int, last: int) -> pa.RecordBatch:
    """Every tenth is a tombstone, every tenth after it is no JSON."""

    def value(n: int) -> bytes | None:
        if n % 10 == 0:
            return None
        return b"{" if n % 10 == 1 else json.dumps({"change_id": f"c{n}", "order_id": f"o{n}", "amount": n}).encode()

    offsets = range(first, last)
    return pa.RecordBatch.from_pydict({"value": pa.array(map(value, offsets), pa.binary()), "offset": list(offsets)})


@pytest.fixture
def write(kernel, tmp_path):
    sink = ParquetFolder(tmp_path / "orders")

    def write(first: int, last: int, partition: int = 3) -> RangeFiles:
        batches = [messages(at, min(at + 100, last)) for at in range(first, last, 100)]
        return write_range(kernel, Range("t", partition, first, last), batches, sink.path)

    return write


@pytest.fixture
def orders(tmp_path):
    return tmp_path / "orders"


def offsets_in(folder) -> list[int]:
    files = sorted(folder.glob("*.parquet"))
    return sorted(offset for file in files for offset in pq.read_table(file)["kafka_offset"].to_pylist())


def rows_of(*ranges: range) -> list[int]:
    return sorted(n for one in ranges for n in one if n % 10 > 1)


def test_files_have_each_message_once(write, kernel):
    files = write(0, 250)
    assert (files.start_offset, files.next_offset) == (0, 250)
    assert (files.rows, files.quarantined, files.tombstones) == (200, 25, 25)
    rows = pq.read_table(files.path)
    assert rows["kafka_offset"].to_pylist() == rows_of(range(250))
    assert rows.schema.names == kernel.bundle.schema.names
    assert pq.read_table(files.quarantine_path)["value"].to_pylist() == [b"{"] * 25
    assert pa.Table.from_pylist([vars(files)], FILES_SCHEMA).to_pylist() == [vars(files)]


def test_nothing_to_write_is_no_file(write):
    files = write(30, 31)
    assert (files.path, files.quarantine_path, files.tombstones) == (None, None, 1)


def test_what_failed_leaves_nothing(kernel, tmp_path):
    def batches():
        yield messages(0, 200_000)
        raise OSError("lost")

    with pytest.raises(OSError, match="lost"):
        write_range(kernel, Range("t", 0, 0, 1), batches(), str(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_micro_batches_follow_one_another(write, orders):
    sink = ParquetFolder(orders)
    sink.commit_files([write(0, 250), write(0, 40, 4)], 0)
    sink.commit_files([write(250, 300), write(300, 400)], 1)
    assert sink.positions() == {"t/3": 400, "t/4": 40}
    assert offsets_in(orders) == rows_of(range(400), range(40))
    assert len(list((orders / "_quarantine").iterdir())) == 4
    assert list((orders / "_staged").iterdir()) == []


def test_a_micro_batch_that_comes_again_is_in_the_folder_once(write, orders):
    for _ in range(2):
        ParquetFolder(orders).commit_files([write(0, 250)], 0)
    write(0, 250)
    ParquetFolder(orders).commit_files([write(250, 300)], 1)
    assert offsets_in(orders) == rows_of(range(300))
    assert list((orders / "_staged").iterdir()) == []


def test_a_micro_batch_that_comes_again_in_other_pieces_is_in_the_folder_once(write, orders):
    ParquetFolder(orders).commit_files([write(0, 250)], 0)
    ParquetFolder(orders).commit_files([write(0, 100), write(100, 250)], 0)
    assert offsets_in(orders) == rows_of(range(250))


@pytest.mark.parametrize("moved", [0, 1])
def test_a_driver_that_is_lost_after_its_manifest(write, orders, monkeypatch, moved):
    files = [write(0, 250), write(250, 300)]
    move = ParquetFolder._move

    def lost(self, entries):
        move(self, entries[:moved])
        if entries:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(ParquetFolder, "_move", lost)
        ParquetFolder(orders).commit_files(files, 0)
    assert len(list(orders.glob("*.parquet"))) == moved
    ParquetFolder(orders).commit_files([write(0, 250), write(250, 300)], 0)
    assert offsets_in(orders) == rows_of(range(300))


def test_a_second_query_is_told_from_the_first(write, orders):
    sink = ParquetFolder(orders)
    sink.commit_files([write(100, 250)], 0)
    for files in ([write(300, 400)], [write(0, 300)], [write(200, 300)]):
        with pytest.raises(SinkError, match="up to offset 250, and the next messages are from"):
            sink.commit_files(files, 1)
    with pytest.raises(SinkError, match="two queries"):
        sink.commit_files([write(100, 250), write(0, 5, 4)], 1)
    assert offsets_in(orders) == rows_of(range(100, 250))


def test_two_drivers_cannot_write_the_same_manifest(write, orders, monkeypatch):
    sink = ParquetFolder(orders)
    sink.commit_files([write(0, 50)], 0)
    newest = sink._newest()
    sink.commit_files([write(50, 100)], 1)
    monkeypatch.setattr(sink, "_newest", lambda: newest)
    with pytest.raises(SinkError, match="written by another query"):
        sink.commit_files([write(50, 100)], 1)
    assert offsets_in(orders) == rows_of(range(100))


def test_a_folder_that_is_not_shared_is_no_loss(write, orders):
    files = write(0, 50)
    (orders / "_staged" / files.path.rpartition("/")[2]).unlink()
    with pytest.raises(SinkError, match="must be shared by the driver and all executors"):
        ParquetFolder(orders).commit_files([files], 0)
    assert ParquetFolder(orders).positions() == {}


def test_positions_of_several_topics(write):
    files = write(0, 10)
    assert new_positions({"u/3": 99}, [files]) == {"u/3": 99, "t/3": 10}
