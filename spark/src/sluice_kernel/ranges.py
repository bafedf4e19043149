"""Which offsets a micro-batch has: plain functions on positions, by partition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Positions = Mapping[int, int]
"""The offset by partition that is read next."""


class TopicError(Exception):
    """The topic is not there, has no such messages any more, or is another one than before."""


@dataclass(frozen=True)
class Range:
    """Messages of one partition: those at offsets from ``start`` to before ``end``."""

    topic: str
    partition: int
    start: int
    end: int


def limited(start: Positions, ends: Positions, limit: int | None) -> dict[int, int]:
    """Where a micro-batch ends: at the ends, or after ``limit`` offsets, in proportion to what each partition has.

    A partition that is in ``ends`` only is new, and begins at 0.
    """
    left = {partition: max(0, end - start.get(partition, 0)) for partition, end in ends.items()}
    total = sum(left.values())
    if limit is None or total <= limit:
        share = left
    else:
        # Rounded up: a partition with little is not left behind for ever.
        share = {partition: min(count, -(-count * limit // total)) for partition, count in left.items()}
    return {partition: start.get(partition, 0) + share[partition] for partition in sorted(ends)}


def ranges_between(topic: str, start: Positions, end: Positions, most: int) -> list[Range]:
    """The ranges of a micro-batch, one per task: at most ``most`` offsets each, of nearly equal size in a partition.

    Raises:
        TopicError: if a partition ends before it starts, or is gone.
    """
    found = []
    for partition in sorted({*start, *end}):
        first, last = start.get(partition, 0), end.get(partition, -1)
        if last < first:
            raise TopicError(
                f"{topic}[{partition}] was read up to {first} and now ends at {max(last, 0)}: the topic was made anew, "
                "or has lost messages. Begin with a new checkpoint and a new table"
            )
        pieces = -(-(last - first) // most)
        edges = [first + (last - first) * piece // pieces for piece in range(pieces)] + [last]
        found += [Range(topic, partition, *edge) for edge in zip(edges, edges[1:])]
    return found
