"""Messages in, rows and quarantined messages out."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import wasmtime

from .bundle import Bundle
from .instance import Instance, Trapped, regions_for
from .messages import NO_TIMESTAMP, Messages, messages_of

QUARANTINE_SCHEMA = pa.schema(
    [
        pa.field("partition", pa.int32(), False),
        pa.field("offset", pa.int64(), False),
        pa.field("timestamp", pa.timestamp("ms", "UTC")),
        pa.field("status", pa.utf8(), False),
        pa.field("position", pa.int32()),
        pa.field("column", pa.utf8()),
        pa.field("key", pa.binary()),
        pa.field("value", pa.binary()),
    ]
)
"""Of quarantined messages: ``status`` is malformed, not_object, missing_required, too_large, kernel_trap or expectation:NAME;
``position`` the byte of the value where it stops being acceptable, null if no byte is to blame; ``column`` of missing_required the
first column without a value, of an expectation its column; ``key`` and ``value`` the original bytes."""

MAX_TRAPPING = 100
"""As many messages of one batch are told apart if the kernel traps on them."""

Span = tuple[int, int]
"""The messages from the first to before the second."""


class KernelError(Exception):
    """The kernel trapped on no single message, or on too many. It is a bug: nothing was read."""


@dataclass(frozen=True)
class Parsed:
    """What became of a batch of messages: each is a row, quarantined, or a tombstone."""

    rows: pa.Table
    """In the order of the messages; schema ``Bundle.schema``. One record batch as a rule."""
    quarantine: pa.Table
    """In the order of the messages; schema QUARANTINE_SCHEMA."""
    counts: dict[str, int]
    """Messages by status, ``ok`` and ``tombstone`` included: their sum is that of the messages."""
    rows_learned: int
    """Rows that the speculative path read: no measure of anything but speed."""


@dataclass
class _Results:
    counts: dict[str, int]
    batches: list[pa.RecordBatch] = field(default_factory=list)
    rejects: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = field(default_factory=list)
    """Index of the message, code of the status, position."""
    rows_learned: int = 0
    partitions: list[np.ndarray] = field(default_factory=list)
    """Of the rows that are in the instance."""


class Kernel:
    """Reads messages into columns, on the thread that calls it. It learns from what it reads: keep it.

    Args:
        bundle: what ``sluice kernel export`` wrote, or its folder.
        learned: whether rows may take the speculative path; the rows are the same without it.

    Raises:
        BundleError: if the folder has no bundle for this package.
    """

    def __init__(self, bundle: Bundle | str | os.PathLike[str], *, learned: bool = True) -> None:
        self.bundle = bundle if isinstance(bundle, Bundle) else Bundle.load(bundle)
        described = self.bundle.description
        self._learned = learned
        self._engine = wasmtime.Engine()
        self._module = wasmtime.Module(self._engine, self.bundle.wasm)
        self._tombstones_are_rows: bool = described["tombstonesAreRows"]
        self._statuses: list[str] = described["statuses"] + described["statusesOfHost"]
        self._spec_columns: list[str] = described["specColumns"]
        self._checks: list[dict[str, str]] = described.get("checks", [])
        self._instance = self._new_instance()

    def read(self, messages: pa.RecordBatch | pa.Table) -> Parsed:
        """Reads messages. One that cannot be read is in ``quarantine`` and raises nothing.

        Args:
            messages: ``value``, bytes or text, null of a tombstone; ``key`` the same, default null; ``partition``,
                default 0; ``offset``, default the place in the batch; ``timestamp``, of Arrow's type or milliseconds
                since the epoch, null or -1 if there is none, which is the default. Other columns are not read.

        Raises:
            ValueError: if a column is missing or of another type, or values or keys have more than 2 GiB.
            KernelError: if the kernel fails on more than single messages.
        """
        all_messages = messages_of(messages)
        whole = [(0, all_messages.count)]
        try:
            results = self._read_spans(all_messages, whole)
        except Trapped as trap:
            results = self._read_without_traps(all_messages, whole, trap)
        rows = pa.Table.from_batches(results.batches, self.bundle.schema)
        return Parsed(rows, self._quarantine(all_messages, results), results.counts, results.rows_learned)

    def _read_spans(self, messages: Messages, spans: list[Span]) -> _Results:
        results = _Results({status: 0 for status in self._statuses})
        self._instance.begin()
        for first, end in spans:
            while first < end:
                stop = self._end_of_run(messages, first, end)
                if stop > first:
                    self._read_run(results, messages, first, stop)
                else:
                    stop = first + 1
                    self._read_large(results, messages, first)
                first = stop
        self._collect(results, self._instance)
        return results

    def _end_of_run(self, messages: Messages, first: int, end: int) -> int:
        """The end of the messages from ``first`` on that fit the input regions; ``first`` if not even one does."""
        limits = self._instance.limits
        end = min(end, first + limits["chunkRows"])
        texts = [(messages.values, limits["chunkBytes"])]
        if self._instance.reads_keys:
            texts.append((messages.keys, limits["keyBytes"]))
        for text, size in texts:
            offsets = text.offsets[first : end + 1]
            end = first + int(np.searchsorted(offsets, int(offsets[0]) + size, "right")) - 1
        return end

    def _read_run(self, results: _Results, messages: Messages, first: int, stop: int) -> None:
        if not self._instance.has_room_for(messages, first, stop):
            self._collect(results, self._instance)
            self._instance.begin()
        self._read_with(self._instance, results, messages, first, stop)

    def _read_large(self, results: _Results, messages: Messages, first: int) -> None:
        """Reads a message that is larger than the input regions, in memory of its own."""
        described = self.bundle.description
        value_bytes = messages.values.size(first, first + 1)
        key_bytes = messages.keys.size(first, first + 1) if self._instance.reads_keys else 0
        limits = dict(described["limitsOfLarge"])
        for limit, size in (("chunkBytes", value_bytes), ("keyBytes", key_bytes), ("columnBytes", value_bytes + key_bytes)):
            limits[limit] += size
        if regions_for(self.bundle, limits)[1] > described["memory"]["maxBytes"]:
            self._reject(results, [first], "too_large")
            return
        # What was read before comes first.
        self._collect(results, self._instance)
        self._instance.begin()
        large = self._new_instance(limits)
        large.begin()
        self._read_with(large, results, messages, first, first + 1)
        self._collect(results, large)

    def _read_with(self, instance: Instance, results: _Results, messages: Messages, first: int, stop: int) -> None:
        rejects = instance.read(messages, first, stop)
        rows = rejects["row"].astype(np.int64)
        results.rejects.append((first + rows, rejects["status"], rejects["position"]))
        became_row = np.ones(stop - first, bool)
        if not self._tombstones_are_rows:
            bits = np.unpackbits(messages.values.validity[first // 8 : (stop + 7) // 8], bitorder="little")
            became_row = bits[first % 8 :][: stop - first].astype(bool)
        became_row[rows] = False
        results.partitions.append(messages.partitions[first:stop][became_row])

    def _collect(self, results: _Results, instance: Instance) -> None:
        for status, count in instance.counts().items():
            results.counts[status] += count
        results.rows_learned += instance.rows_learned
        if instance.rows > 0:
            results.batches.append(instance.collect(np.concatenate(results.partitions)))
        results.partitions = []

    def _reject(self, results: _Results, indexes: list[int], status: str) -> None:
        count = len(indexes)
        code = np.full(count, self._statuses.index(status), np.uint32)
        results.rejects.append((np.array(indexes, np.int64), code, np.full(count, -1, np.int32)))
        results.counts[status] += count

    def _quarantine(self, messages: Messages, results: _Results) -> pa.Table:
        if not results.rejects:
            return QUARANTINE_SCHEMA.empty_table()
        index, status, position = (np.concatenate(parts) for parts in zip(*results.rejects, strict=True))
        order = np.argsort(index, kind="stable")
        index, status, position = index[order], status[order], position[order]
        is_check = status == self._statuses.index("expectation")
        is_column = (status == self._statuses.index("missing_required")) | is_check
        named = self._spec_columns + [check["column"] for check in self._checks]
        place = np.where(is_check, position + len(self._spec_columns), position)
        columns = pa.array(named).take(pa.array(np.where(is_column, place, 0), mask=~is_column))
        reasons = self._statuses + [f"expectation:{check['name']}" for check in self._checks]
        reason = np.where(is_check, position + len(self._statuses), status)
        timestamps = messages.timestamps[index]
        return pa.Table.from_arrays(
            [
                pa.array(messages.partitions[index]),
                pa.array(messages.offsets[index]),
                pa.array(timestamps, mask=timestamps == NO_TIMESTAMP).cast(pa.timestamp("ms", "UTC")),
                pa.array(reasons).take(pa.array(reason)),
                pa.array(position, mask=is_column | (position < 0)),
                columns,
                messages.keys.array.take(pa.array(index)),
                messages.values.array.take(pa.array(index)),
            ],
            schema=QUARANTINE_SCHEMA,
        )

    def _read_without_traps(self, messages: Messages, spans: list[Span], trap: Trapped) -> _Results:
        """Reads again what trapped, each time on a new instance: one that trapped may have left anything."""
        self._instance = self._new_instance()
        trapping: list[int] = []
        left = [spans]
        while left and len(trapping) <= MAX_TRAPPING:
            part = left.pop()
            if self._attempt(messages, part) is not None:
                continue
            if _count(part) == 1:
                trapping.append(part[0][0])
            else:
                # The second half comes first: the other one is taken from the end.
                left += reversed(_halves(part))
        if len(trapping) > MAX_TRAPPING:
            raise KernelError(f"the kernel trapped on more than {MAX_TRAPPING} messages of a batch: {trap}") from trap
        edges = [spans[0][0], *(edge for index in trapping for edge in (index, index + 1)), spans[-1][1]]
        results = self._attempt(messages, list(zip(edges[::2], edges[1::2], strict=True)))
        if results is None:
            raise KernelError(f"the kernel trapped on a batch, but on no message of it alone: {trap}") from trap
        self._reject(results, trapping, "kernel_trap")
        return results

    def _attempt(self, messages: Messages, spans: list[Span]) -> _Results | None:
        try:
            return self._read_spans(messages, spans)
        except Trapped:
            self._instance = self._new_instance()
            return None

    def _new_instance(self, limits: dict[str, int] | None = None) -> Instance:
        return Instance(self._engine, self._module, self.bundle, limits, self._learned)


def _count(spans: list[Span]) -> int:
    return sum(end - first for first, end in spans)


def _halves(spans: list[Span]) -> list[list[Span]]:
    """Spans are never more than one here: what trapped is left out only at the end."""
    [(first, end)] = spans
    middle = (first + end) // 2
    return [[(first, middle)], [(middle, end)]]
