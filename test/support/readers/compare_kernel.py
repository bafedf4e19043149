"""Reads messages with sluice-kernel, and compares with what Node's host read: test/support/python-kernel.ts."""

import base64
import json
import sys
from pathlib import Path

import pyarrow as pa

from sluice_kernel import Kernel

[folder] = sys.argv[1:]


def rejected_of(quarantine: pa.Table) -> list[list]:
    table = quarantine.set_column(2, "timestamp", quarantine["timestamp"].cast(pa.int64()))
    text = lambda data: None if data is None else base64.b64encode(data).decode()  # noqa: E731
    return [[*row.values()][:6] + [text(row["key"]), text(row["value"])] for row in table.to_pylist()]


def first_difference(found: pa.Table, wanted: pa.Table) -> str | None:
    if not found.schema.equals(wanted.schema):
        return f"schema {found.schema} instead of {wanted.schema}"
    if found.num_rows != wanted.num_rows:
        return f"{found.num_rows} rows instead of {wanted.num_rows}"
    for name in found.schema.names:
        if not found[name].equals(wanted[name]):
            pairs = zip(found[name].to_pylist(), wanted[name].to_pylist(), strict=True)
            row, (is_, should) = next((row, pair) for row, pair in enumerate(pairs) if pair[0] != pair[1])
            return f"{name} of row {row} is {is_!r} instead of {should!r}"
    return None


def compare(case: Path, total: dict) -> str | None:
    kernel = Kernel(case / "bundle")
    partitions = json.loads((case / "partitions.json").read_text())
    rejected = []
    for index, batch in enumerate(pa.ipc.open_stream(case / "messages.arrows")):
        partition = pa.array([partitions[index]] * batch.num_rows, pa.int32())
        read = kernel.read(pa.RecordBatch.from_arrays(
            [*batch.columns, partition], [*batch.schema.names, "partition"]))
        rejected += rejected_of(read.quarantine)
        total["rows"] += read.rows.num_rows
        total["learned"] += read.rows_learned
        assert sum(read.counts.values()) == batch.num_rows, "each message is counted"
        difference = first_difference(read.rows, pa.ipc.open_stream(case / f"rows-{index}.arrows").read_all())
        if difference is not None:
            return f"batch {index}: {difference}"
    total["quarantined"] += len(rejected)
    wanted = json.loads((case / "rejected.json").read_text())
    if rejected == wanted:
        return None
    pairs = [(is_, should) for is_, should in zip(rejected, wanted) if is_ != should]
    return f"{len(rejected)} quarantined instead of {len(wanted)}; first: {pairs[:1]}"


total = {"rows": 0, "quarantined": 0, "learned": 0}
differences = {case.name: compare(case, total) for case in sorted(Path(folder).iterdir())}
print(json.dumps({**total, "differences": [f"{name}: {found}" for name, found in differences.items() if found]}))
