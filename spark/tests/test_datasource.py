"""How the data source plans: what it does with a real topic is tested by test/integrations/spark-source.test.ts."""

import pickle

import pytest

from sluice_kernel import BundleError
from sluice_kernel import datasource as module
from sluice_kernel.datasource import SluiceDataSource
from sluice_kernel.ranges import Range, TopicError


class FakeTopic:
    first = {0: 3, 1: 0}
    last = {0: 103, 1: 50}

    def __init__(self, name, properties):
        pass

    def starts(self):
        return self.first

    def ends(self):
        return self.last


@pytest.fixture
def options(folder, tmp_path):
    return {"kafka.bootstrap.servers": "127.0.0.1:1", "subscribe": "t", "bundle": str(folder)}


@pytest.fixture
def reader(options, monkeypatch):
    monkeypatch.setattr(module, "Topic", FakeTopic)

    def reader(**more):
        source = SluiceDataSource({**options, **more})
        return source.streamReader(source.schema())

    return reader


def ranges(partitions):
    return [partition.range for partition in partitions]


def test_micro_batches_go_from_the_start_to_the_end_of_the_topic(reader):
    one = reader(maxOffsetsPerTrigger="75", maxOffsetsPerTask="30")
    start = one.initialOffset()
    assert start == {"t": {"0": 3, "1": 0}}
    end = one.latestOffset()
    assert end == {"t": {"0": 53, "1": 25}}
    assert ranges(one.partitions(start, end)) == [Range("t", 0, 3, 28), Range("t", 0, 28, 53), Range("t", 1, 0, 25)]
    assert one.latestOffset() == {"t": {"0": 103, "1": 50}}


def test_what_was_not_planned_is_not_passed_over(reader):
    one = reader(maxOffsetsPerTrigger="75")
    one.initialOffset()
    assert one.latestOffset() == one.latestOffset()


def test_after_a_restart_it_goes_on_where_the_checkpoint_is(reader):
    seen = {"t": {"0": 53, "1": 25}}
    one = reader(maxOffsetsPerTrigger="30")
    assert one.partitions(seen, seen) == []
    assert one.latestOffset() == {"t": {"0": 73, "1": 35}}


@pytest.mark.parametrize(
    ("starting", "positions"),
    [("latest", {"0": 103, "1": 50}), ('{"t": {"1": 7}}', {"0": 3, "1": 7}), ("earliest", {"0": 3, "1": 0})],
)
def test_it_starts_where_it_is_told(reader, starting, positions):
    assert reader(startingOffsets=starting).initialOffset() == {"t": positions}


def test_a_topic_that_was_made_anew_is_told(reader):
    one = reader()
    with pytest.raises(TopicError, match=r"no partitions \[2\] any more"):
        one.partitions(*[{"t": {"0": 3, "1": 0, "2": 9}}] * 2)
        one.latestOffset()
    with pytest.raises(TopicError, match="a checkpoint is of one topic"):
        one.partitions({"u": {"0": 0}}, {"u": {"0": 1}})


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"subscribe": ""}, "the option subscribe is missing"),
        ({"mode": "file"}, "mode must be rows or files, not file"),
        ({"mode": "files"}, "the option path goes with mode=files"),
        ({"path": "x"}, "the option path goes with mode=files"),
        ({"maxOffsetsPerTrigger": "0"}, "maxOffsetsPerTrigger must be a whole number from 1 on"),
        ({"topic": "t"}, "there is no option topic"),
        ({"kafka.isolation.level": "read_uncommitted"}, "isolation.level is set by Sluice"),
        ({"startingOffsets": "first"}, "startingOffsets must be earliest, latest or"),
    ],
)
def test_options_that_are_wrong_are_named(reader, more, said):
    with pytest.raises(ValueError, match=said):
        reader(**more).initialOffset()


def test_the_bundle_is_looked_for_on_the_driver(reader, tmp_path):
    with pytest.raises(BundleError, match="no kernel bundle"):
        reader(bundle=str(tmp_path))


def test_a_reader_travels_without_its_client(reader):
    one = reader()
    one.latestOffset()
    assert pickle.loads(pickle.dumps(one))._planned is None
