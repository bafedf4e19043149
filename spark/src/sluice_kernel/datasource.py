"""``spark.readStream.format("sluice")``: offsets are planned on the driver, each Python worker reads its range itself.

Messages never are rows of Spark: a worker consumes them, has the kernel read them, and gives back rows as Arrow
(``mode=rows``), or writes Parquet files and gives back their names (``mode=files``), which a sink then commits.
Positions are in Spark's checkpoint.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
from pyspark.sql.datasource import DataSource, DataSourceStreamReader, InputPartition
from pyspark.sql.pandas.types import from_arrow_schema
from pyspark.sql.streaming.listener import StreamingQueryProgress
from pyspark.sql.types import StructType

from .bundle import Bundle
from .files import FILES_SCHEMA, write_range
from .kafka import Topic, client_properties, read_range
from .ranges import Range, TopicError, limited, ranges_between
from .spark import kernel_of, spark_schema, to_spark

PREFIX = "kafka."
"""Options that begin with it are properties of librdkafka."""

OPTIONS = {
    "subscribe": None,
    "bundle": None,
    "mode": "rows",
    "path": None,
    "compression": "zstd",
    "startingOffsets": "earliest",
    "maxOffsetsPerTrigger": None,
    "maxOffsetsPerTask": "1000000",
}
"""With their defaults; the README says what they mean."""

_KNOWN = {name.lower(): name for name in OPTIONS}


@dataclass(frozen=True)
class Settings:
    """The options, checked."""

    topic: str
    properties: Mapping[str, str]
    bundle: Bundle
    writes_files: bool
    path: str
    compression: str
    starting_offsets: str
    per_trigger: int | None
    per_task: int

    @staticmethod
    def of(options: Mapping[str, str]) -> Settings:
        """Raises ValueError, or BundleError, that names what is wrong."""
        given: dict[str, str | None] = dict(OPTIONS)
        properties = {}
        for option, value in options.items():
            name = option.lower()
            if name.startswith(PREFIX):
                properties[name.removeprefix(PREFIX)] = value
            elif name in _KNOWN:
                given[_KNOWN[name]] = value
            else:
                raise ValueError(f"there is no option {option}, but {', '.join(OPTIONS)} and {PREFIX}*")
        for name, what in (("subscribe", "a topic"), ("bundle", "the folder that `sluice kernel export` wrote")):
            if not given[name]:
                raise ValueError(f"the option {name} is missing: {what}")
        if given["mode"] not in ("rows", "files"):
            raise ValueError(f"mode must be rows or files, not {given['mode']}")
        writes_files = given["mode"] == "files"
        if writes_files != bool(given["path"]):
            raise ValueError("the option path goes with mode=files: where workers write, which is `path` of the sink")
        return Settings(
            topic=str(given["subscribe"]),
            properties=client_properties(properties),
            bundle=Bundle.load(str(given["bundle"])),
            writes_files=writes_files,
            path=str(given["path"] or ""),
            compression=str(given["compression"]),
            starting_offsets=str(given["startingOffsets"]),
            per_trigger=_count("maxOffsetsPerTrigger", given["maxOffsetsPerTrigger"]),
            per_task=_count("maxOffsetsPerTask", given["maxOffsetsPerTask"]) or 1,
        )


def _count(name: str, text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isdecimal() or int(text) == 0:
        raise ValueError(f"{name} must be a whole number from 1 on, not {text}")
    return int(text)


class SluiceDataSource(DataSource):
    """A topic as rows, or as files of rows. See the README for its options."""

    def __init__(self, options: dict[str, str]) -> None:
        super().__init__(options)
        # Where it is made, on the driver: it travels to the workers with the bundle.
        self._settings = Settings.of(options)

    @classmethod
    def name(cls) -> str:
        return "sluice"

    def schema(self) -> StructType:
        return from_arrow_schema(FILES_SCHEMA) if self._settings.writes_files else spark_schema(self._settings.bundle)

    def streamReader(self, schema: StructType) -> DataSourceStreamReader:
        return SluiceReader(self._settings)


@dataclass
class SluicePartition(InputPartition):
    """A range of offsets: the work of one task."""

    range: Range


class SluiceReader(DataSourceStreamReader):
    """Offsets are ``{topic: {partition: offset}}``, as those of Spark's Kafka source are."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._planned: dict[int, int] | None = None

    @cached_property
    def _topic(self) -> Topic:
        return Topic(self._settings.topic, self._settings.properties)

    def __getstate__(self) -> dict[str, Any]:
        # The client of the driver stays there.
        return {"_settings": self._settings, "_planned": None}

    def initialOffset(self) -> dict:
        self._planned = self._starting_positions()
        return self._offset(self._planned)

    def latestOffset(self) -> dict:
        ends = self._topic.ends()
        start = self._planned if self._planned is not None else self._starting_positions()
        gone = sorted(set(start) - set(ends))
        if gone:
            raise TopicError(f"{self._settings.topic} has no partitions {gone} any more: it was made anew")
        # One that is behind its start is found when ranges are planned.
        return self._offset(limited(start, ends, self._settings.per_trigger))

    def partitions(self, start: dict, end: dict) -> Sequence[InputPartition]:
        """Spark also asks at a restart, from the last offsets that it knows to the same: where this reader stands."""
        first, last = self._positions(start), self._positions(end)
        self._planned = last
        if first == last:
            return []
        found = ranges_between(self._settings.topic, first, last, self._settings.per_task)
        return [SluicePartition(read) for read in found]

    def read(self, partition: InputPartition) -> Iterator[pa.RecordBatch]:  # type: ignore[override]
        assert isinstance(partition, SluicePartition)
        settings = self._settings
        kernel = kernel_of(settings.bundle)
        batches = read_range(partition.range, settings.properties)
        if settings.writes_files:
            files = write_range(kernel, partition.range, batches, settings.path, settings.compression)
            yield pa.RecordBatch.from_pylist([asdict(files)], FILES_SCHEMA)
            return
        for batch in batches:
            yield from to_spark(kernel.read(batch))

    def _starting_positions(self) -> dict[int, int]:
        wanted = self._settings.starting_offsets
        if wanted == "earliest":
            return self._topic.starts()
        if wanted == "latest":
            return self._topic.ends()
        try:
            named = self._positions(json.loads(wanted))
        except (ValueError, TypeError, AttributeError) as error:
            raise ValueError(
                f'startingOffsets must be earliest, latest or {{"topic": {{"partition": offset}}}}, not {wanted}'
            ) from error
        return {**self._topic.starts(), **named}

    def _offset(self, positions: Mapping[int, int]) -> dict:
        return {self._settings.topic: {str(partition): positions[partition] for partition in sorted(positions)}}

    def _positions(self, offset: Mapping[str, Mapping[str, int]]) -> dict[int, int]:
        if list(offset) != [self._settings.topic]:
            raise TopicError(
                f"these are positions in {', '.join(offset)}, not {self._settings.topic}: a checkpoint is of one topic"
            )
        return {int(partition): int(position) for partition, position in offset[self._settings.topic].items()}


def positions_in(progress: StreamingQueryProgress, which: str = "endOffset") -> dict[int, int]:
    """Where a micro-batch of a query on one topic ended, or started (``startOffset``), by partition; {} if nowhere."""
    offset = json.loads(progress.json)["sources"][0][which]
    return {int(partition): at for positions in (offset or {}).values() for partition, at in positions.items()}
