"""`parse` of sluice-kernel in Spark, batch and streaming, on a case of test/support/python-kernel.ts."""

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from sluice_kernel.spark import parse, quarantined, rows

case, folder = map(Path, sys.argv[1:])
messages = pa.ipc.open_stream(case / "messages.arrows").read_all()
[partition] = json.loads((case / "partitions.json").read_text())
messages = messages.set_column(1, "timestamp", messages["timestamp"].cast(pa.timestamp("us", "UTC")))
messages = messages.append_column("partition", pa.array([partition] * messages.num_rows, pa.int32()))
folder.mkdir()
half = messages.num_rows // 2
pq.write_table(messages.slice(0, half), folder / "1.parquet")
pq.write_table(messages.slice(half), folder / "2.parquet")

spark = (
    SparkSession.builder.master("local[2]")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.bindAddress", "127.0.0.1")
    # Of neither the process nor the data: times must not depend on it.
    .config("spark.sql.session.timeZone", "America/New_York")
    .config("spark.sql.execution.arrow.maxRecordsPerBatch", "700")
    .getOrCreate()
)
source = spark.read.parquet(str(folder))


def differences(parsed) -> list[str]:
    wanted = pa.ipc.open_stream(case / "rows-0.arrows").read_all()
    found = rows(parsed).toArrow().sort_by("kafka_offset")
    lost = [str(row) for row in quarantined(parsed).orderBy("offset").toArrow().to_pylist()]
    differing = [] if found.num_rows == wanted.num_rows else [f"{found.num_rows} rows instead of {wanted.num_rows}"]
    if differing:
        return differing
    for name in wanted.schema.names:
        if not found[name].cast(wanted[name].type).equals(wanted[name]):
            differing.append(name)
    if len(lost) != len(json.loads((case / "rejected.json").read_text())):
        differing.append(f"{len(lost)} quarantined")
    return differing


parsed = parse(source, case / "bundle")
stream = parse(spark.readStream.schema(source.schema).parquet(str(folder)), case / "bundle")
query = stream.writeStream.format("memory").queryName("streamed").trigger(availableNow=True).start()
query.awaitTermination()
print(json.dumps({"batch": differences(parsed), "streaming": differences(spark.table("streamed")), "rows": rows(parsed).count()}))
