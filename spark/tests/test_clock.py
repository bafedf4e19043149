"""What checkpoints say; that Spark's are read is tested by test/integrations/spark-job.test.ts."""

import json

import pytest

from sluice_kernel.clock import ClockError, check_times

HOUR = 3_600_000
START = 1_800_000_000_000


def planned(hour: float, watermark: float | None) -> str:
    times = {"batchWatermarkMs": at(watermark), "batchTimestampMs": at(hour), "conf": {}}
    return f'v1\n{json.dumps(times)}\n{{"cdc_orders":{{"0":5}}}}'


def committed(watermark: float) -> str:
    return f'v1\n{json.dumps({"nextBatchWatermarkMs": at(watermark)})}'


def at(hour: float | None) -> int:
    return 0 if hour is None else START + int(hour * HOUR)


OFFSETS = {8: planned(1, 0), 9: planned(2, 0), 10: planned(3, 1)}
"""As a clock that goes has Spark write them, within 1 hour."""

COMMITS = {9: committed(1), 10: committed(2)}


def check(hour: float, offsets=OFFSETS, commits=COMMITS) -> None:
    check_times(offsets, commits, at(hour) / 1000)


def test_a_clock_that_goes_is_good():
    check(4)
    check(2.1)
    check_times({}, {}, at(1) / 1000)
    check_times({0: planned(1, None)}, {}, at(1) / 1000)


@pytest.mark.parametrize("commits", [COMMITS, {}])
def test_a_clock_before_the_watermark_is_refused(commits):
    with pytest.raises(ClockError, match="drop all rows as late. Set the clock right, or wait"):
        check(1, commits=commits)


def test_a_clock_before_the_watermark_of_the_next_micro_batch_is_refused():
    with pytest.raises(ClockError, match=r"at 2027-01-15T09:30:00\+00:00, .* watermark of 2027-01-15T10:00"):
        check(1.5)


def test_rows_that_were_dropped_are_told_when_the_clock_is_right_again():
    for last in ({11: planned(0.5, 2)}, {11: planned(1, 2)}, {11: planned(0.5, 2), 12: planned(4, 2)}):
        with pytest.raises(ClockError, match="rows of micro-batch 11 as late.* Begin with a new checkpoint"):
            check(9, {**OFFSETS, **last})
    check(9, {**OFFSETS, 11: planned(1.1, 2)})
