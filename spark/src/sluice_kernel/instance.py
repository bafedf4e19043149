"""One instance of the WebAssembly module: its memory, into which chunks are copied, and out of which columns are."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import wasmtime

from .bundle import Bundle, BundleError
from .messages import Messages, Texts

REJECT = np.dtype([("row", "<u4"), ("status", "<u4"), ("position", "<i4")])


class Trapped(Exception):
    """The kernel ended amid its work: the instance is of no use any more."""


class Instance:
    """Memory for given limits.

    Args:
        limits: other ones than the bundle's, of an instance for one large message.
        learned: whether rows may take the speculative path; the rows are the same.
    """

    def __init__(
        self,
        engine: wasmtime.Engine,
        module: wasmtime.Module,
        bundle: Bundle,
        limits: Mapping[str, int] | None = None,
        learned: bool = True,
    ) -> None:
        described = bundle.description
        self._schema = bundle.schema
        self._columns: list[dict[str, Any]] = described["columns"]
        self._records = described["records"]
        self._header: dict[str, int] = described["header"]
        self._results: dict[str, int] = described["results"]
        self._statuses: list[str] = described["statuses"]
        self.limits: dict[str, int] = {**described["limits"], **(limits or {})}
        self._regions, end = regions_for(bundle, self.limits)
        self._store = wasmtime.Store(engine)
        pages = math.ceil(end / described["memory"]["pageBytes"])
        memory = wasmtime.Memory(self._store, wasmtime.MemoryType(wasmtime.Limits(pages, pages)))
        self._memory = memory
        self._bytes = np.ctypeslib.as_array(memory.data_ptr(self._store), (memory.data_len(self._store),))
        self._words = self._bytes.view("<u4")
        self._bytes[: len(bundle.image)] = np.frombuffer(bundle.image, np.uint8)
        if limits is not None:
            self._write_addresses(described)
        if not learned:
            self._set(self._header["learning"], 0)
        exports = wasmtime.Instance(self._store, module, [memory]).exports(self._store)
        self._begin: Callable[..., Any] = exports["begin"]
        self._read_chunk: Callable[..., Any] = exports["readChunk"]
        version = exports["abiVersion"](self._store) & 0xFFFF_FFFF
        if version != described["abiVersion"]:
            raise BundleError(f"kernel.wasm has ABI version {version}, kernel.json says {described['abiVersion']}")

    @property
    def reads_keys(self) -> bool:
        """Whether the spec has columns of what is in the messages' keys."""
        return "keyOffsets" in self._regions

    @property
    def rows(self) -> int:
        """So far, since ``begin``."""
        return self._word(self._results["rows"])

    def begin(self) -> None:
        """Empties the columns and the counters."""
        self._begin(self._store)

    def has_room_for(self, messages: Messages, start: int, stop: int) -> bool:
        """Whether these messages fit with those that were read since ``begin``."""
        rows = stop - start
        if self.rows + rows > self.limits["batchRows"]:
            return False
        size = messages.values.size(start, stop) + rows * self.limits["wordBytes"]
        if self.reads_keys:
            size += messages.keys.size(start, stop) + rows * self.limits["keyExtraBytes"]
        used = max(self._word(column["record"] + self._records["column"]["bytesUsed"]) for column in self._columns)
        return used + size <= self.limits["columnBytes"]

    def read(self, messages: Messages, start: int, stop: int) -> np.ndarray:
        """Reads messages, which must fit.

        Returns:
            the rejected ones, as REJECT; ``row`` counts from ``start``.

        Raises:
            Trapped: then the instance is of no use.
        """
        self._copy_texts(messages.values, start, stop, "values", "valueOffsets", "valueValidity", "values")
        if self.reads_keys:
            self._copy_texts(messages.keys, start, stop, "messageKeys", "keyOffsets", "keyValidity", "keys")
        self._set(self._header["validityShift"], start & 7)
        self._copy("kafkaOffsets", messages.offsets[start:stop])
        self._copy("timestamps", messages.timestamps[start:stop])
        try:
            self._read_chunk(self._store, stop - start)
        except wasmtime.Trap as trap:
            raise Trapped(str(trap).splitlines()[0]) from trap
        count = self._word(self._results["rejectCount"])
        return self._take(self._regions["rejects"], count * REJECT.itemsize).view(REJECT)

    def counts(self) -> dict[str, int]:
        """Messages of each status that the kernel knows, since ``begin``."""
        first = self._results["statusCounts"]
        return {status: self._word(first + 4 * code) for code, status in enumerate(self._statuses)}

    @property
    def rows_learned(self) -> int:
        """Rows that the speculative path read, since ``begin``."""
        return self._word(self._results["rowsLearned"])

    def collect(self, partitions: np.ndarray) -> pa.RecordBatch:
        """The rows since ``begin``, in memory of their own.

        Args:
            partitions: of the rows; a batch of the kernel is of one partition, and here of any.
        """
        columns = [self._column(index, self.rows) for index in range(len(self._columns))]
        at = self._schema.get_field_index("kafka_partition")
        assert len(partitions) == self.rows, "each row has a partition"
        columns[at] = pa.array(partitions, pa.int32())
        return pa.RecordBatch.from_arrays(columns, schema=self._schema)

    def _column(self, index: int, rows: int) -> pa.Array:
        field = self._schema.field(index)
        at = {part: self._regions.get(f"columns.{index}.{part}") for part in ("offsets", "data", "validity")}
        record, fields = self._columns[index]["record"], self._records["column"]
        nulls = self._word(record + fields["nulls"])
        buffers = [None if nulls == 0 else self._buffer(at["validity"], (rows + 7) // 8)]
        if at["offsets"] is not None:
            buffers.append(self._buffer(at["offsets"], 4 * (rows + 1)))
            size = self._word(record + fields["bytesUsed"])
        else:
            size = (rows * field.type.bit_width + 7) // 8
        buffers.append(self._buffer(at["data"], size))
        return pa.Array.from_buffers(field.type, rows, buffers, nulls)

    def _write_addresses(self, described: dict[str, Any]) -> None:
        for region in described["regions"]["inOrder"]:
            if "addressAt" in region:
                self._set(region["addressAt"], self._regions[region["name"]])
        self._set(self._header["rowCapacity"], self.limits["batchRows"])

    def _copy_texts(
        self, texts: Texts, start: int, stop: int, data: str, offsets: str, validity: str, header: str
    ) -> None:
        base = int(texts.offsets[start])
        self._copy(data, texts.data[base : int(texts.offsets[stop])])
        # Offsets stay as they are: the kernel is told where the text at offset 0 would be.
        self._set(self._header[header], (self._regions[data] - base) & 0xFFFF_FFFF)
        self._copy(offsets, texts.offsets[start : stop + 1])
        self._copy(validity, texts.validity[start // 8 : (stop + 7) // 8])

    def _copy(self, region: str, array: np.ndarray) -> None:
        at = self._regions[region]
        self._bytes[at : at + array.nbytes] = np.ascontiguousarray(array).view(np.uint8)

    def _take(self, at: int, size: int) -> np.ndarray:
        return self._bytes[at : at + size].copy()

    def _buffer(self, at: int | None, size: int) -> pa.Buffer:
        assert at is not None, "the column has this buffer"
        return pa.py_buffer(self._take(at, size))

    def _word(self, at: int) -> int:
        return int(self._words[at >> 2])

    def _set(self, at: int, value: int) -> None:
        self._words[at >> 2] = value


def regions_for(bundle: Bundle, limits: Mapping[str, int]) -> tuple[dict[str, int], int]:
    """The address of each region whose place depends on the limits, and where the last one ends; in bytes."""
    described = bundle.description["regions"]
    spare, alignment = described["spareBytes"], described["alignment"]
    at = described["inOrder"][0]["address"]
    addresses = {}
    for region in described["inOrder"]:
        addresses[region["name"]] = at
        size = sum(per * (1 if limit == "fixed" else limits[limit]) for limit, per in region["size"].items())
        at = math.ceil((at + size + spare) / alignment) * alignment
    return addresses, at
