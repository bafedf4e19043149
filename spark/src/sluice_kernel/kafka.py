"""A topic as one reads it who must not see what was not committed: where it ends, and messages of a range as Arrow."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, Message, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

from .ranges import Range, TopicError

MESSAGE_SCHEMA = pa.schema(
    [
        pa.field("key", pa.binary()),
        pa.field("value", pa.binary()),
        pa.field("partition", pa.int32(), False),
        pa.field("offset", pa.int64(), False),
        pa.field("timestamp", pa.int64(), False),
    ]
)
"""What ``Kernel.read`` takes; ``timestamp`` is milliseconds since the epoch, -1 if there is none."""

BATCH_ROWS = 32_768
BATCH_BYTES = 32 << 20
"""A record batch has as many messages or bytes of values, and at most one call of the client more."""

STALL_SECONDS = 120.0
"""A range that brings nothing for so long fails: its messages are gone, or no broker answers."""

_REQUEST_SECONDS = 60.0
_FIRST_CALL_ROWS = 500
_CALL_ROWS = 10_000

_FIXED = {
    "metadata.broker.list",
    "group.id",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "auto.offset.reset",
    "isolation.level",
    "enable.partition.eof",
}

_DEFAULTS: dict[str, str | int | bool] = {
    "client.id": "sluice",
    # What is fetched beyond a range is thrown away: little is kept ahead.
    "queued.min.messages": 100_000,
    "queued.max.messages.kbytes": 4 << 10,
    "fetch.wait.max.ms": 100,
    "fetch.queue.backoff.ms": 10,
    "socket.nagle.disable": True,
}

_consumers: dict[str, Consumer] = {}
"""One per cluster and process: a new one connects anew."""


def client_properties(given: Mapping[str, str]) -> dict[str, str]:
    """Properties of librdkafka as a user gave them, checked.

    Raises:
        ValueError: if there are no bootstrap servers, or a property is one that exactly-once reading depends on.
    """
    if "bootstrap.servers" not in given:
        raise ValueError("kafka.bootstrap.servers is missing: host:port, or several joined by commas")
    fixed = sorted(_FIXED.intersection(given))
    if fixed:
        raise ValueError(f"{', '.join(fixed)} is set by Sluice: exactly-once reading depends on it")
    return dict(given)


class Topic:
    """A topic of a cluster.

    Args:
        properties: of librdkafka, as ``client_properties`` returns them.
    """

    def __init__(self, name: str, properties: Mapping[str, str]) -> None:
        self.name = name
        self._admin = AdminClient(dict(properties))

    def starts(self) -> dict[int, int]:
        """The first offset of each partition that is still there."""
        return self._offsets(OffsetSpec.earliest())

    def ends(self) -> dict[int, int]:
        """The offset after the last one of each partition that may be read: transactions that are open begin there."""
        return self._offsets(OffsetSpec.latest())

    def _offsets(self, spec: OffsetSpec) -> dict[int, int]:
        try:
            found = self._admin.list_topics(self.name, timeout=_REQUEST_SECONDS).topics[self.name]
            if found.error is not None:
                raise TopicError(f"the topic {self.name} cannot be read: {found.error}")
            wanted = {TopicPartition(self.name, partition): spec for partition in sorted(found.partitions)}
            offsets = self._admin.list_offsets(
                wanted, isolation_level=IsolationLevel.READ_COMMITTED, request_timeout=_REQUEST_SECONDS
            )
            return {asked.partition: offsets[asked].result().offset for asked in wanted}
        except KafkaException as error:
            raise TopicError(f"the offsets of the topic {self.name} cannot be had: {error}") from error


def read_range(read: Range, properties: Mapping[str, str]) -> Iterator[pa.RecordBatch]:
    """Committed messages of a range, in order, as batches of MESSAGE_SCHEMA. A process keeps one consumer per cluster.

    Raises:
        TopicError: if messages of the range are gone, or nothing came for STALL_SECONDS.
    """
    consumer = _consumer(properties)
    try:
        consumer.assign([TopicPartition(read.topic, read.partition, read.start)])
        for messages in _batches(consumer, read):
            with _collector_paused():
                batch = _record_batch(messages, read.partition)
            yield batch
        consumer.unassign()
    except BaseException:
        _consumers.pop(_key(properties), None)
        consumer.close()
        raise


def _batches(consumer: Consumer, read: Range) -> Iterator[list[Message]]:
    held: list[Message] = []
    size = 0
    at, heard = read.start, time.monotonic()
    rows = _FIRST_CALL_ROWS
    while at < read.end:
        with _collector_paused():
            found = consumer.consume(min(rows, read.end - at), 1.0)
        if not found:
            _check_stall(read, at, heard)
            continue
        heard = time.monotonic()
        at, messages = _without_events(read, found)
        # Of a message: the length of its value.
        size += sum(map(len, messages))
        held += messages
        # Calls return as many messages as are thought to be half a batch's bytes.
        rows = min(_CALL_ROWS, max(1, BATCH_BYTES // 2 * len(held) // max(1, size)) if held else rows)
        if len(held) >= BATCH_ROWS or size >= BATCH_BYTES:
            yield held
            held, size = [], 0
    if held:
        yield held


@contextmanager
def _collector_paused() -> Iterator[None]:
    """Messages are in no cycles. Else Python looks for some each 700 messages, which takes a third of reading them."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def _without_events(read: Range, found: list[Message]) -> tuple[int, list[Message]]:
    """Where reading is now, and the messages of the range: there may be later ones, and the end of the partition."""
    last = found[-1]
    for message in filter(Message.error, found):
        error = message.error()
        if error.code() != KafkaError._PARTITION_EOF:
            _raise(read, error)
    at = last.offset() if last.error() else last.offset() + 1
    if at > read.end or any(map(Message.error, found)):
        found = [message for message in found if not message.error() and message.offset() < read.end]
    return at, found


def _raise(read: Range, error: KafkaError) -> None:
    if error.code() == KafkaError._AUTO_OFFSET_RESET:
        raise TopicError(
            f"{read.topic}[{read.partition}] has no messages from {read.start} on any more: they were deleted before "
            f"they were read, or the topic was made anew. Begin with a new checkpoint, or restore them ({error})"
        )
    raise TopicError(f"{read.topic}[{read.partition}] cannot be read: {error}")


def _check_stall(read: Range, at: int, heard: float) -> None:
    if time.monotonic() - heard > STALL_SECONDS:
        raise TopicError(
            f"{read.topic}[{read.partition}] brought nothing after offset {at} for {STALL_SECONDS:.0f} s, and should "
            f"up to {read.end}: see that the brokers can be reached"
        )


def _record_batch(messages: list[Message], partition: int) -> pa.RecordBatch:
    count = len(messages)
    times = [time if kind else -1 for kind, time in map(Message.timestamp, messages)]
    columns = [
        pa.array(list(map(Message.key, messages)), pa.binary()),
        pa.array(list(map(Message.value, messages)), pa.binary()),
        pa.array(np.full(count, partition, np.int32)),
        pa.array(np.fromiter(map(Message.offset, messages), np.int64, count)),
        pa.array(np.array(times, np.int64)),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=MESSAGE_SCHEMA)


def _consumer(properties: Mapping[str, str]) -> Consumer:
    key = _key(properties)
    if key not in _consumers:
        _consumers[key] = Consumer(
            {
                **_DEFAULTS,
                **properties,
                "group.id": "sluice",
                "enable.auto.commit": False,
                "enable.auto.offset.store": False,
                "auto.offset.reset": "error",
                "enable.partition.eof": True,
                "isolation.level": "read_committed",
            }
        )
    return _consumers[key]


def _key(properties: Mapping[str, str]) -> str:
    return json.dumps(properties, sort_keys=True)
