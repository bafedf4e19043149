"""Whether the driver's clock went back: then rows of ``without_duplicates`` are late, and Spark drops them unseen."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession

_ANEW = "Begin with a new checkpoint and a new table"


class ClockError(Exception):
    """The driver's clock went back by more than ``within`` of ``without_duplicates``."""


def check_clock(spark: SparkSession, checkpoint: str) -> None:
    """Before ``start`` of a query with ``without_duplicates``.

    Raises:
        ClockError: if Spark would drop all rows of the next micro-batch, or dropped those of one that the checkpoint
            still knows: Spark keeps the last hundred.
    """
    check_times(_logged(spark, f"{checkpoint}/offsets"), _logged(spark, f"{checkpoint}/commits"), time.time())


def check_times(offsets: Mapping[int, str], commits: Mapping[int, str], now: float) -> None:
    """See ``check_clock``.

    Args:
        offsets: the files of this folder of the checkpoint, by number of the micro-batch; ``commits`` the same.
        now: seconds since the epoch.
    """
    planned = {batch: _second_line(text) for batch, text in offsets.items()}
    for batch, times in sorted(planned.items()):
        # Spark holds rows to the watermark of the micro-batch before.
        before = planned.get(batch - 1)
        if before is not None and times["batchTimestampMs"] <= before["batchWatermarkMs"]:
            raise ClockError(
                f"Spark drops the rows of micro-batch {batch} as late: the driver's clock went back from after "
                f"{_time(before['batchWatermarkMs'])} to {_time(times['batchTimestampMs'])}. {_ANEW}"
            )
    known = [times["batchWatermarkMs"] for times in planned.values()]
    known += [_second_line(text)["nextBatchWatermarkMs"] for text in commits.values()]
    watermark = max(known, default=0)
    if now * 1000 <= watermark:
        raise ClockError(
            f"the driver's clock is at {_time(int(now * 1000))}, and the checkpoint has a watermark of "
            f"{_time(watermark)}: Spark would drop all rows as late. Set the clock right, or wait until then"
        )


def _logged(spark: SparkSession, folder: str) -> dict[int, str]:
    try:
        files = spark.read.text(folder, wholetext=True).select("_metadata.file_name", "value").collect()
    except AnalysisException as error:
        if error.getCondition() != "PATH_NOT_FOUND":
            raise
        return {}
    return {int(name): text for name, text in files if name.isdecimal()}


def _second_line(text: str) -> dict[str, int]:
    """Of a file of Spark's log; the first has its version."""
    return json.loads(text.split("\n")[1])


def _time(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds")
