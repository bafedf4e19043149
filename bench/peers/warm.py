"""What Spark did when it was warm, for bench/peers.ts: all micro-batches but the first one."""

import json
from datetime import datetime


def print_warm(batches, rows_of):
    """batches: Spark's progress of each, in order; rows_of: how many messages one had."""
    warm = batches[1:]
    if warm:
        figures = {
            "rows": sum(rows_of(progress) for progress in warm),
            "seconds": sum(progress["durationMs"]["triggerExecution"] for progress in warm) / 1e3,
            "sinceMs": datetime.fromisoformat(warm[0]["timestamp"]).timestamp() * 1e3,
        }
        print(json.dumps({"warm": figures}))
