import pytest

from sluice_kernel.ranges import Range, TopicError, limited, ranges_between


def test_a_micro_batch_ends_where_the_topic_does_or_after_its_limit():
    assert limited({0: 5, 1: 0}, {0: 10, 1: 4}, None) == {0: 10, 1: 4}
    assert limited({0: 5, 1: 0}, {0: 10, 1: 4}, 9) == {0: 10, 1: 4}
    # In proportion: each partition is done at the same time.
    assert limited({0: 0, 1: 0}, {0: 900, 1: 100}, 100) == {0: 90, 1: 10}


def test_no_partition_is_left_behind_by_rounding():
    position = {0: 0, 1: 0}
    for _ in range(3):
        position = limited(position, {0: 1_000_000, 1: 3}, 10)
    assert position[1] == 3


def test_a_partition_that_is_new_begins_at_its_start():
    assert limited({0: 7}, {0: 7, 1: 3}, None) == {0: 7, 1: 3}
    assert ranges_between("t", {0: 7}, {0: 7, 1: 3}, 100) == [Range("t", 1, 0, 3)]


def test_what_is_behind_stays_where_it_is_until_ranges_are_planned():
    assert limited({0: 7}, {0: 3}, None) == {0: 7}
    with pytest.raises(TopicError, match=r"t\[0\] was read up to 7 and now ends at 3"):
        ranges_between("t", {0: 7}, {0: 3}, 100)
    with pytest.raises(TopicError, match="made anew"):
        ranges_between("t", {0: 7, 1: 1}, {0: 7}, 100)


@pytest.mark.parametrize("most", [1, 3, 7, 100])
def test_ranges_cover_all_offsets_once(most):
    start, end = {0: 2, 1: 0, 2: 9}, {0: 25, 1: 1, 2: 9}
    found = ranges_between("t", start, end, most)
    assert max(read.end - read.start for read in found) <= most
    covered = [(read.partition, offset) for read in found for offset in range(read.start, read.end)]
    assert covered == [(p, offset) for p in start for offset in range(start[p], end[p])]
