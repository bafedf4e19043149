import json
import shutil
from datetime import UTC, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from sluice_kernel import QUARANTINE_SCHEMA, Bundle, BundleError, Kernel
from sluice_kernel import kernel as kernel_module
from sluice_kernel.instance import Instance, Trapped

TIME = datetime(2025, 1, 2, 3, 4, 5, 678000, UTC)


def event(n: int, **more) -> bytes:
    return json.dumps({"change_id": f"c{n}", "order_id": f"o{n}", "amount": f"{n}.25", **more}).encode()


def batch(values, **columns) -> pa.RecordBatch:
    return pa.RecordBatch.from_pydict({"value": pa.array(values, pa.binary()), **columns})


def test_each_message_is_a_row_quarantined_or_a_tombstone(kernel):
    read = kernel.read(
        batch(
            [event(1), b'{"change_id":', None, event(2), b"[]", b'{"change_id":"x"}'],
            key=pa.array([None, b"k1", b"k2", b"k3", b"k4", b"k5"], pa.binary()),
            partition=pa.array([7, 8, 9, 10, 11, 12], pa.int32()),
            offset=pa.array([100, 101, 102, 103, 104, 105]),
            timestamp=pa.array([TIME, TIME, None, None, TIME, None], pa.timestamp("us", "UTC")),
        )
    )
    assert read.rows.schema == kernel.bundle.schema
    assert read.rows.select(["order_id", "amount", "kafka_partition", "kafka_offset", "kafka_timestamp"]).to_pylist() == [
        {
            "order_id": "o1",
            "amount": Decimal("1.2500"),
            "kafka_partition": 7,
            "kafka_offset": 100,
            "kafka_timestamp": TIME,
        },
        {
            "order_id": "o2",
            "amount": Decimal("2.2500"),
            "kafka_partition": 10,
            "kafka_offset": 103,
            "kafka_timestamp": None,
        },
    ]
    assert read.quarantine.schema == QUARANTINE_SCHEMA
    assert [tuple(row.values()) for row in read.quarantine.to_pylist()] == [
        (8, 101, TIME, "malformed", 13, None, b"k1", b'{"change_id":'),
        (11, 104, TIME, "not_object", 0, None, b"k4", b"[]"),
        (12, 105, None, "missing_required", None, "order_id", b"k5", b'{"change_id":"x"}'),
    ]
    assert {status: count for status, count in read.counts.items() if count} == {
        "ok": 2,
        "tombstone": 1,
        "malformed": 1,
        "not_object": 1,
        "missing_required": 1,
    }


def test_columns_other_than_the_value_have_defaults(kernel):
    read = kernel.read(batch([event(1), b"x"]))
    [row] = read.rows.select(["kafka_partition", "kafka_offset", "kafka_timestamp"]).to_pylist()
    assert list(row.values()) == [0, 0, None]
    [rejected] = read.quarantine.to_pylist()
    assert [rejected["offset"], rejected["timestamp"], rejected["key"]] == [1, None, None]


@pytest.mark.parametrize("of", [pa.large_binary(), pa.utf8(), pa.large_utf8(), pa.binary_view(), pa.string_view()])
def test_values_may_be_of_any_type_of_bytes_or_text(kernel, of):
    values = pa.array([event(1), None, event(2)], pa.binary()).cast(pa.utf8()).cast(of)
    read = kernel.read(pa.table({"value": values, "timestamp": [5, 6, None]}))
    assert read.rows["order_id"].to_pylist() == ["o1", "o2"]
    assert read.rows["kafka_timestamp"].cast(pa.int64()).to_pylist() == [5000, None]


@pytest.mark.parametrize("start", [1, 7, 8, 13, 64, 99])
def test_a_slice_is_read_as_its_messages_are(kernel, start):
    values = [None if n % 5 == 0 else event(n) for n in range(200)]
    whole = batch(values, key=pa.array([b"k"] * 200, pa.binary()))
    expected = kernel.read(batch(values[start:]))
    read = kernel.read(whole.slice(start))
    assert read.rows.equals(expected.rows)
    assert read.counts == expected.counts
    chunked = pa.Table.from_batches([whole.slice(start, 50), whole.slice(start + 50)])
    assert kernel.read(chunked).rows.equals(expected.rows)


def test_a_message_larger_than_the_input_region_keeps_its_place(kernel):
    large = "é" * (1 << 20)
    read = kernel.read(batch([event(1), event(2, note=large), event(3), event(4, note="x" * (3 << 20)), b"no"]))
    assert read.rows["order_id"].to_pylist() == ["o1", "o2", "o3", "o4"]
    assert [json.loads(extra or "{}").get("note", "")[:1] for extra in read.rows["extra"].to_pylist()] == [
        "",
        "é",
        "",
        "x",
    ]
    assert len(json.loads(read.rows["extra"][1].as_py())["note"]) == len(large)
    assert read.quarantine["offset"].to_pylist() == [4]


def test_what_no_memory_can_hold_is_quarantined(kernel, monkeypatch):
    monkeypatch.setitem(kernel.bundle.description["memory"], "maxBytes", 16 << 20)
    read = kernel.read(batch([event(1), event(2, note="x" * (4 << 20)), event(3)]))
    assert read.rows["order_id"].to_pylist() == ["o1", "o3"]
    assert read.quarantine["status"].to_pylist() == ["too_large"]
    assert read.counts["too_large"] == 1


def test_rows_beyond_a_batch_are_several_batches(kernel):
    values = [event(n) if n % 3 else b"{" for n in range(150_000)]
    partitions = np.arange(150_000, dtype=np.int32) % 11
    read = kernel.read(batch(values, partition=pa.array(partitions)))
    assert len(read.rows["order_id"].chunks) > 1
    expected = [n for n in range(150_000) if n % 3]
    assert read.rows["kafka_offset"].to_pylist() == expected
    assert read.rows["kafka_partition"].to_pylist() == [n % 11 for n in expected]
    assert read.counts["malformed"] == 50_000


def test_it_learns_and_need_not(folder):
    messages = batch([event(n) for n in range(5000)])
    kernels = Kernel(folder), Kernel(folder, learned=False)
    learned, plain = [[kernel.read(messages) for _ in range(2)][1] for kernel in kernels]
    assert learned.rows.equals(plain.rows)
    assert [learned.rows_learned > 4000, plain.rows_learned] == [True, 0]


def test_no_messages_are_no_rows(kernel):
    read = kernel.read(batch([]))
    assert [read.rows.num_rows, read.quarantine.num_rows, sum(read.counts.values())] == [0, 0, 0]


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"key": pa.array([b"k"])}, "no column `value`, but key"),
        ({"value": pa.array([1])}, "the column `value` must be of bytes or text"),
        ({"value": pa.array([b"{}"]), "offset": pa.array([None], pa.int64())}, "`offset` must have no nulls, and has 1"),
        ({"value": pa.array([b"{}"]), "partition": pa.array(["a"])}, "the column `partition` must be of int32"),
    ],
)
def test_it_refuses_columns_that_it_cannot_read(kernel, columns, said):
    with pytest.raises(ValueError, match=said):
        kernel.read(pa.table(columns))


class TestTraps:
    """The kernel is known to trap on no message: this one traps on chunks with certain texts."""

    @pytest.fixture
    def trapping(self, monkeypatch):
        read = Instance.read

        def reads(self, messages, start, stop):
            data = messages.values.data[messages.values.offsets[start] : messages.values.offsets[stop]].tobytes()
            if b"trap:alone" in data or (b"trap:left" in data and b"trap:right" in data):
                raise Trapped("unreachable")
            return read(self, messages, start, stop)

        monkeypatch.setattr(Instance, "read", reads)

    def test_costs_the_messages_alone(self, kernel, trapping):
        values = [event(n, note="trap:alone") if n in (0, 77, 78, 299) else event(n) for n in range(300)]
        read = kernel.read(batch([*values, b"{"]))
        assert read.rows["kafka_offset"].to_pylist() == [n for n in range(300) if n not in (0, 77, 78, 299)]
        assert read.quarantine["status"].to_pylist() == ["kernel_trap"] * 4 + ["malformed"]
        assert read.quarantine["offset"].to_pylist() == [0, 77, 78, 299, 300]
        assert read.counts["kernel_trap"] == 4

    def test_fails_on_more_than_single_messages_and_goes_on_with_the_next(self, kernel, trapping):
        with pytest.raises(kernel_module.KernelError, match="more than 100 messages"):
            kernel.read(batch([event(n, note="trap:alone") for n in range(150)]))
        with pytest.raises(kernel_module.KernelError, match="on no message of it alone"):
            kernel.read(batch([event(1, note="trap:left"), event(2, note="trap:right")]))
        assert kernel.read(batch([event(1)])).rows.num_rows == 1


class TestBundles:
    @pytest.fixture
    def copy(self, folder, tmp_path):
        return shutil.copytree(folder, tmp_path / "copy")

    def test_no_folder(self, tmp_path):
        with pytest.raises(BundleError, match="`sluice kernel export` writes one"):
            Bundle.load(tmp_path)

    def test_files_of_two_exports(self, copy):
        (copy / "memory.bin").write_bytes(b"other")
        with pytest.raises(BundleError, match=r"memory\.bin is not the one that kernel\.json describes"):
            Kernel(copy)

    def test_another_format(self, copy):
        described = json.loads((copy / "kernel.json").read_text())
        (copy / "kernel.json").write_text(json.dumps({**described, "format": 2}))
        with pytest.raises(BundleError, match="has format 2, this package reads 1"):
            Kernel(copy)

    def test_no_description(self, copy):
        (copy / "kernel.json").write_text("[]")
        with pytest.raises(BundleError, match="is no description of a kernel"):
            Kernel(copy)

    def test_another_abi(self, copy):
        described = json.loads((copy / "kernel.json").read_text())
        (copy / "kernel.json").write_text(json.dumps({**described, "abiVersion": 1}))
        with pytest.raises(BundleError, match=r"kernel\.json says 1"):
            Kernel(copy)
