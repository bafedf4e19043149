"""Without Spark: what it is asked for is a frame that writes a file of rows, or of quarantined messages."""

import resource

import pytest

from sluice_kernel import batches
from sluice_kernel.batches import BatchFolder, without_duplicates
from sluice_kernel.sinks import ParquetFolder, SinkError


class Frame:
    columns = ("change_id",)

    def __init__(self, query: str = "q") -> None:
        self.query = query
        self.runs = 0

    def persist(self) -> None:
        self.runs += 1

    def unpersist(self) -> None:
        pass


@pytest.fixture
def orders(tmp_path, monkeypatch):
    def write(frame, folder):
        batches.Path(folder).mkdir(parents=True)
        batches.Path(folder, "part-0.parquet").write_text(frame)

    def run(frame):
        frame.runs += 1

    monkeypatch.setattr(batches, "query_of", lambda frame: frame.query)
    monkeypatch.setattr(batches, "rows", lambda frame: "rows")
    monkeypatch.setattr(batches, "quarantined", lambda frame: "quarantined")
    monkeypatch.setattr(batches, "write_parquet", write)
    monkeypatch.setattr(batches, "run", run)
    return tmp_path / "orders"


def files_in(folder) -> dict[str, str]:
    return {str(file.relative_to(folder)): file.read_text() for file in sorted(folder.rglob("*.parquet"))}


COMMITTED = {
    "000000000000/part-0.parquet": "rows",
    "_quarantine/000000000000/part-0.parquet": "quarantined",
}


def test_a_micro_batch_that_comes_again_is_read_and_not_written(orders):
    again = Frame()
    BatchFolder(orders).commit(Frame(), 0)
    BatchFolder(orders).commit(again, 0)
    assert (files_in(orders), again.runs) == (COMMITTED, 1)


@pytest.mark.parametrize("moved", [0, 1])
def test_a_driver_that_is_lost_amid_a_commit(orders, monkeypatch, moved):
    move = BatchFolder._move
    left = [moved]

    def lost(self, staged, placed):
        if left[0] == 0:
            raise KeyboardInterrupt
        left[0] -= 1
        move(self, staged, placed)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(BatchFolder, "_move", lost)
        BatchFolder(orders).commit(Frame(), 0)
    assert not (orders / "000000000000").exists()
    BatchFolder(orders).commit(Frame(), 0)
    assert files_in(orders) == COMMITTED
    assert not (orders / "_staged").exists()


def test_another_query_is_refused(orders):
    BatchFolder(orders).commit(Frame(), 0)
    with pytest.raises(SinkError, match="another checkpoint: that query was q, this one is r"):
        BatchFolder(orders).commit(Frame("r"), 1)
    with pytest.raises(SinkError, match="take another folder for files"):
        ParquetFolder(orders).commit_files([], 0)


def test_a_driver_that_is_lost_while_it_makes_the_id_of_its_query(orders):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            BatchFolder(orders).commit(Frame(), 0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    BatchFolder(orders).commit(Frame(), 0)
    assert files_in(orders) == COMMITTED
    assert (orders / "_query").read_text() == "q"


def test_a_folder_of_files_is_refused(orders):
    (orders / "_manifest").mkdir(parents=True)
    with pytest.raises(SinkError, match="take another folder for micro-batches"):
        BatchFolder(orders).commit(Frame(), 0)


def test_two_drivers_cannot_commit_the_same_micro_batch(orders, monkeypatch):
    write = batches.write_parquet

    def overtaken(frame, folder):
        write(frame, folder)
        write(frame, orders / "000000000000") if frame == "rows" else None

    monkeypatch.setattr(batches, "write_parquet", overtaken)
    with pytest.raises(SinkError, match="written by another driver just now"):
        BatchFolder(orders).commit(Frame(), 0)


def test_a_folder_that_is_not_shared_is_no_loss(orders, monkeypatch):
    monkeypatch.setattr(batches, "write_parquet", lambda frame, folder: None)
    with pytest.raises(SinkError, match="must be shared by the driver and all executors"):
        BatchFolder(orders).commit(Frame(), 0)
    assert files_in(orders) == {}


def test_a_column_that_is_not_there_is_named():
    with pytest.raises(ValueError, match="the table spec has no column id"):
        without_duplicates(Frame(), "1 hour", "id")
