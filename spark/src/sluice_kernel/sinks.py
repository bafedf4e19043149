"""What commits the files of a micro-batch: each is in the table once, whatever is lost and tried again.

A sink keeps the positions of the topic with the table, and changes both in one step. A micro-batch that is given again
ends where the table already is: its files are new ones with the same rows, and are dropped.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from .files import RangeFiles, sync, write_once

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

DIGITS = 12

QUERY_FILE = "_query"
"""In a ``BatchFolder``."""


class SinkError(Exception):
    """What is to be committed does not follow what the table has, or another query commits into it."""


class Sink(Protocol):
    """Where the files of ``mode=files`` go. ``commit`` is for ``foreachBatch``."""

    path: str
    """The source's option ``path``: where workers write."""

    def commit(self, files: DataFrame, batch: int) -> None:
        """Commits what ``files`` has: rows of FILES_SCHEMA, all of one micro-batch.

        Raises:
            SinkError: then nothing of it is committed.
        """


def collected(files: DataFrame) -> list[RangeFiles]:
    """Has the workers write, and returns what they wrote."""
    return [RangeFiles(**row.asDict()) for row in files.collect()]


def new_positions(known: Mapping[str, int], files: Sequence[RangeFiles]) -> dict[str, int] | None:
    """The positions after these ranges, by ``topic/partition``; None if they are committed already.

    Raises:
        SinkError: if they neither begin where the table ends nor are in it as a whole.
    """
    after = dict(known)
    done = 0
    for file in sorted(files, key=lambda file: (file.topic, file.partition, file.start_offset)):
        key = f"{file.topic}/{file.partition}"
        if file.next_offset <= known.get(key, -1):
            done += 1
        elif after.get(key, file.start_offset) != file.start_offset:
            raise SinkError(
                f"the table has {key} up to offset {after[key]}, and the next messages are from {file.start_offset}: "
                "they are of another checkpoint. One query fills a table: give it the checkpoint that it had, or start "
                "at the table's positions (startingOffsets)"
            )
        else:
            after[key] = file.next_offset
    if 0 < done < len(files):
        raise SinkError("some messages of the micro-batch are in the table, others are not: two queries fill it")
    return None if done else after


class ParquetFolder:
    """A folder of Parquet files for readers that take all files of it, and a manifest per micro-batch.

    It must be local, or shared by the driver and all executors: a file gets its place by a rename::

        orders/p0003-000000001000-000000001500.parquet     rows: partition 3, offsets 1000 to before 1500
        orders/_quarantine/p0003-….parquet
        orders/_manifest/000000000007.json                 files and positions after the 8th micro-batch
        orders/_staged/…                                   what workers wrote, before it is committed

    The manifest is the commit. Files of a micro-batch that is committed are moved after it, those of one that was
    interrupted there by the next one.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = Path(folder).absolute()
        self._staged = self._folder / "_staged"
        self._manifests = self._folder / "_manifest"
        self.path = str(self._staged)

    def commit(self, files: DataFrame, batch: int) -> None:
        """See ``Sink``. ``batch`` is Spark's number, which the manifest keeps."""
        self.commit_files(collected(files), batch)

    def commit_files(self, files: Sequence[RangeFiles], batch: int) -> None:
        """Commits what ``write_range`` wrote to ``path``, without Spark."""
        if (self._folder / QUERY_FILE).exists():
            raise SinkError(f"{self._folder} has micro-batches of mode=rows: take another folder for files")
        number, newest = self._newest()
        self._move(newest["files"])
        positions = new_positions(newest["positions"], files)
        if positions is not None:
            entries = [entry for file in files for entry in _entries(file)]
            self._check_staged(entries)
            self._write_manifest(number + 1, {"batch": batch, "positions": positions, "files": entries})
            self._move(entries)
        self._remove_left(newest["positions"] if positions is None else positions)

    def positions(self) -> dict[str, int]:
        """The offset that is committed next, by ``topic/partition``."""
        return self._newest()[1]["positions"]

    def _newest(self) -> tuple[int, dict[str, Any]]:
        found = sorted(self._manifests.glob("*.json")) if self._manifests.is_dir() else []
        if not found:
            return -1, {"positions": {}, "files": []}
        return int(found[-1].stem), json.loads(found[-1].read_text())

    def _write_manifest(self, number: int, manifest: dict[str, Any]) -> None:
        self._manifests.mkdir(parents=True, exist_ok=True)
        file = self._manifests / f"{number:0{DIGITS}d}.json"
        try:
            write_once(file, json.dumps(manifest))
        except FileExistsError as error:
            raise SinkError(f"{file} was written by another query just now: one query fills a folder") from error

    def _check_staged(self, entries: Iterable[dict[str, Any]]) -> None:
        missing = [entry["staged"] for entry in entries if not (self._staged / entry["staged"]).exists()]
        if missing:
            raise SinkError(
                f"{self._staged} has not got {missing[0]}, which a worker wrote there: the folder must be shared by "
                "the driver and all executors. Else take a sink whose files are in an object store"
            )

    def _move(self, entries: Iterable[dict[str, Any]]) -> None:
        folders = set()
        for entry in entries:
            staged, placed = self._staged / entry["staged"], self._folder / entry["file"]
            placed.parent.mkdir(exist_ok=True)
            if staged.exists():
                staged.replace(placed)
                folders.add(placed.parent)
        for folder in folders:
            sync(str(folder))

    def _remove_left(self, positions: Mapping[str, int]) -> None:
        """What attempts left behind that were lost, or were not the first."""
        for staged in self._staged.glob("*.parquet"):
            partition, _, end = staged.stem.split("-")[:3]
            if any(end_of <= position for end_of, position in _ends_in(positions, partition, end)):
                staged.unlink(missing_ok=True)


def _ends_in(positions: Mapping[str, int], partition: str, end: str) -> list[tuple[int, int]]:
    number = int(partition.removeprefix("p"))
    return [(int(end), at) for key, at in positions.items() if int(key.rpartition("/")[2]) == number]


def _entries(file: RangeFiles) -> list[dict[str, Any]]:
    name = f"p{file.partition:04d}-{file.start_offset:0{DIGITS}d}-{file.next_offset:0{DIGITS}d}.parquet"
    found = []
    if file.path is not None:
        found.append({"file": name, "staged": Path(file.path).name, "rows": file.rows, "bytes": file.bytes})
    if file.quarantine_path is not None:
        staged = Path(file.quarantine_path).name
        found.append(
            {"file": f"_quarantine/{name}", "staged": staged, "rows": file.quarantined, "bytes": file.quarantine_bytes}
        )
    return found
