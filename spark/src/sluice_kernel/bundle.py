"""What ``sluice kernel export`` writes: the kernel, its memory, and the description of both."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

FORMAT = 1


class BundleError(Exception):
    """A folder is no bundle of a format that this package reads, or its files are not of one export."""


@dataclass(frozen=True)
class Bundle:
    """A bundle in memory. It can be pickled, so Spark's executors need no folder."""

    wasm: bytes
    image: bytes
    description_json: bytes

    @staticmethod
    def load(folder: str | os.PathLike[str]) -> Bundle:
        """Reads and checks the three files.

        Raises:
            BundleError: if one is missing, of another export than the others, or of another format.
        """
        try:
            wasm, image, description = (
                Path(folder, name).read_bytes() for name in ("kernel.wasm", "memory.bin", "kernel.json")
            )
        except OSError as error:
            raise BundleError(f"{folder} is no kernel bundle: {error}; `sluice kernel export` writes one") from error
        bundle = Bundle(wasm, image, description)
        try:
            known = bundle.description["format"] == FORMAT
            hashes = bundle.description["sha256"] if known else {}
        except (ValueError, TypeError, KeyError) as error:
            raise BundleError(f"{folder}/kernel.json is no description of a kernel: {error!r}") from error
        if not known:
            found = bundle.description["format"]
            raise BundleError(
                f"{folder} has format {found}, this package reads {FORMAT}: take the package of the Sluice that wrote it"
            )
        for name, data in (("kernel.wasm", wasm), ("memory.bin", image)):
            if hashlib.sha256(data).hexdigest() != hashes.get(name):
                raise BundleError(f"{folder}/{name} is not the one that kernel.json describes: export the bundle again")
        return bundle

    @cached_property
    def description(self) -> dict[str, Any]:
        """``kernel.json``; kernels/ABI.md of Sluice explains it."""
        return json.loads(self.description_json)

    @cached_property
    def id(self) -> str:
        """Hex SHA-256 that two bundles have in common only if they are the same."""
        return hashlib.sha256(self.description_json).hexdigest()

    @cached_property
    def schema(self) -> pa.Schema:
        """Of the rows."""
        columns = self.description["columns"]
        return pa.schema([pa.field(c["name"], _arrow_type(c["arrow"]), c["nullable"]) for c in columns])


def _arrow_type(described: dict[str, Any]) -> pa.DataType:
    match described["name"]:
        case "utf8":
            return pa.utf8()
        case "bool":
            return pa.bool_()
        case "date":
            return pa.date32()
        case "decimal":
            return pa.decimal128(described["precision"], described["scale"])
        case "timestamp":
            return pa.timestamp("us", described["timezone"])
        case "fixedsizebinary":
            return pa.binary(described["byteWidth"])
        case "binary":
            return pa.binary()
        case "floatingpoint":
            return pa.float64()
        case "int":
            widths = {(32, True): pa.int32(), (64, True): pa.int64(), (64, False): pa.uint64()}
            return widths[described["bitWidth"], described["isSigned"]]
        case name:
            raise BundleError(f"a column has the type {name}, which this package does not know")
