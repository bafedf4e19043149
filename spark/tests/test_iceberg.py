"""How the newest micro-batch of a table is found; tables of Iceberg's are in test/integrations/spark-job.test.ts."""

import pytest

from sluice_kernel.iceberg import BATCH, POSITIONS, _Table
from sluice_kernel.sinks import SinkError


class Snapshot:
    def __init__(self, parent: int | None, **summary: str) -> None:
        self._parent = parent
        self._summary = {f"sluice.{name}": value for name, value in summary.items()}

    def parentId(self):
        return self._parent

    def summary(self):
        return self._summary


class Table:
    """The last snapshot is the current one."""

    def __init__(self, snapshots: dict[int, Snapshot], properties: dict[str, str]) -> None:
        self._snapshots = snapshots
        self._properties = properties
        self.asked: list[int] = []

    def refresh(self):
        pass

    def currentSnapshot(self):
        return list(self._snapshots.values())[-1] if self._snapshots else None

    def snapshot(self, number):
        self.asked.append(number)
        return self._snapshots.get(number)

    def properties(self):
        return self._properties


FILES = Snapshot(None, batch="0", positions="{}")


def of(snapshots: dict[int, Snapshot], **properties: str) -> _Table:
    table = object.__new__(_Table)
    table._name = "orders"
    table._table = Table(snapshots, {f"sluice.{name}": value for name, value in properties.items()})
    return table


def test_it_goes_no_further_than_to_the_newest_micro_batch():
    table = of({1: FILES, 2: Snapshot(1, batch="1", positions='{"t/0": 5}'), 3: Snapshot(2)})
    assert table._newest() == {BATCH: "1", POSITIONS: '{"t/0": 5}'}
    assert table._table.asked == [2]


def test_a_micro_batch_whose_snapshot_expired_is_known():
    table = of({7: Snapshot(6)}, batch="3", query="q")
    assert (table.has_batch("q", 3), table.has_batch("q", 4)) == (True, False)
    with pytest.raises(SinkError, match="another checkpoint: that query was q, this one is r"):
        table.has_batch("r", 4)


def test_a_table_that_was_set_back_has_what_its_snapshots_say():
    assert of({1: FILES, 2: Snapshot(1)}, batch="3")._newest() == FILES.summary()
    assert of({1: Snapshot(None)}, batch="3")._newest() == {}
    assert of({}, batch="3")._newest() == {}


@pytest.mark.parametrize("snapshots", [{1: Snapshot(None, batch="3", query="q")}, {7: Snapshot(6)}])
def test_a_table_of_micro_batches_is_none_for_files(snapshots):
    with pytest.raises(SinkError, match="micro-batches of mode=rows: take another table for files"):
        of(snapshots, batch="3", query="q").append([], [], 4)


def test_a_table_of_files_is_none_for_micro_batches():
    with pytest.raises(SinkError, match="that query was of mode=files"):
        of({1: FILES}).has_batch("q", 1)
