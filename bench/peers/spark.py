"""The PySpark Structured Streaming job that Sluice replaces: Kafka to Parquet, then an upsert of each file into DuckDB.

usage (through spark-submit): spark.py BOOTSTRAP TOPIC OUT AMOUNT SINK BATCH
  AMOUNT  udf (a Python function per row), udf-arrow, or native (SQL expressions)
  SINK    duck-parquet (Parquet, then DuckDB) or parquet
Reads what the topic has (availableNow) in micro-batches of BATCH messages.
"""

import json
import os
import re
import sys

import duckdb
from pyspark.sql import SparkSession, functions as F
from pyspark.sql.types import (
    ArrayType, DoubleType, IntegerType, StringType, StructField, StructType, TimestampType,
)

from warm import print_warm

NOISE = r"[\s\u00a0$€£]|USD|EUR|GBP"
PLAIN = r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"
COMMA_GROUPS = r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?"
TEXT = StringType()
SCHEMA = StructType([
    StructField("change_id", TEXT), StructField("operation", TEXT), StructField("order_id", TEXT),
    StructField("customer", StructType([
        StructField("id", TEXT), StructField("email", TEXT), StructField("name", TEXT),
    ])),
    StructField("amount", TEXT), StructField("currency", TEXT), StructField("status", TEXT),
    StructField("items", ArrayType(StructType([
        StructField("sku", TEXT), StructField("qty", IntegerType()), StructField("price", TEXT),
    ]))),
    StructField("event_time", TimestampType()), StructField("_corrupt", TEXT),
])
COLUMNS = (
    "change_id, operation, order_id, customer_id, customer_email, customer_name, amount_raw, amount, is_high_value, "
    "currency, status, items, event_time, kafka_partition, kafka_offset, kafka_timestamp"
)


def parse_amount(text):
    if text is None:
        return None
    text = re.sub(NOISE, "", text)
    if re.fullmatch(PLAIN, text):
        return float(text)
    return float(text.replace(",", "")) if re.fullmatch(COMMA_GROUPS, text) else None


def amount_column(kind):
    raw = F.col("amount_raw")
    if kind != "native":
        return F.udf(parse_amount, DoubleType(), useArrow=kind == "udf-arrow")(raw)
    text = F.regexp_replace(raw, NOISE, "")
    return (
        F.when(text.rlike(f"^(?:{PLAIN})$"), text.cast("double"))
        .when(text.rlike(f"^(?:{COMMA_GROUPS})$"), F.replace(text, F.lit(","), F.lit("")).cast("double"))
    )


def orders(spark, bootstrap, topic, kind, size):
    raw = (
        spark.readStream.format("kafka").option("kafka.bootstrap.servers", bootstrap).option("subscribe", topic)
        .option("startingOffsets", "earliest").option("maxOffsetsPerTrigger", size).load()
    )
    options = {"mode": "PERMISSIVE", "columnNameOfCorruptRecord": "_corrupt"}
    event = F.from_json(F.col("value").cast("string"), SCHEMA, options).alias("e")
    kafka = [
        F.col("partition").alias("kafka_partition"), F.col("offset").alias("kafka_offset"),
        F.col("timestamp").alias("kafka_timestamp"),
    ]
    return (
        raw.select(event, *kafka).select("e.*", "kafka_partition", "kafka_offset", "kafka_timestamp")
        .select(
            "change_id", "operation", "order_id", F.col("customer.id").alias("customer_id"),
            F.col("customer.email").alias("customer_email"), F.col("customer.name").alias("customer_name"),
            F.col("amount").alias("amount_raw"), "currency", "status", "items", "event_time", "_corrupt",
            "kafka_partition", "kafka_offset", "kafka_timestamp",
        )
        .withColumn("amount", amount_column(kind))
        .withColumn("is_high_value", F.coalesce(F.col("amount") > 1000, F.lit(False)))
        .withWatermark("event_time", "10 minutes")
    )


def upsert_into(out):
    database = duckdb.connect(f"{out}/orders.db")
    database.execute("SET threads = 2; SET TimeZone = 'UTC'")
    database.execute("""CREATE TABLE orders (change_id VARCHAR PRIMARY KEY, operation VARCHAR, order_id VARCHAR,
        customer_id VARCHAR, customer_email VARCHAR, customer_name VARCHAR, amount_raw VARCHAR, amount DOUBLE,
        is_high_value BOOLEAN, currency VARCHAR, status VARCHAR, items STRUCT(sku VARCHAR, qty INTEGER, price VARCHAR)[],
        event_time TIMESTAMPTZ, kafka_partition INTEGER, kafka_offset BIGINT, kafka_timestamp TIMESTAMPTZ)""")
    changes = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS.split(", ")[1:])

    def upsert(frame, batch):
        path = f"{out}/parquet/batch={batch}"
        frame.write.mode("overwrite").parquet(path)
        database.execute(f"""INSERT INTO orders SELECT {COLUMNS}
            FROM read_parquet('{path}/*.parquet', hive_partitioning = false)
            WHERE change_id IS NOT NULL AND _corrupt IS NULL
            QUALIFY row_number() OVER (PARTITION BY change_id ORDER BY event_time DESC, kafka_offset DESC) = 1
            ON CONFLICT (change_id) DO UPDATE SET {changes}""")

    return database, upsert


def main(bootstrap, topic, out, kind, sink, size):
    os.makedirs(out, exist_ok=True)
    spark = (
        SparkSession.builder.appName("orders").config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.shuffle.partitions", "2").config("spark.ui.enabled", "false").getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    stream = orders(spark, bootstrap, topic, kind, size).writeStream.option("checkpointLocation", f"{out}/checkpoint")
    database = None
    if sink == "parquet":
        stream = stream.format("parquet").outputMode("append").option("path", f"{out}/parquet")
    else:
        database, upsert = upsert_into(out)
        stream = stream.foreachBatch(upsert)
    query = stream.trigger(availableNow=True).start()
    query.awaitTermination()
    progress = [p if isinstance(p, dict) else json.loads(p.json) for p in query.recentProgress]
    if database is not None:
        database.close()
    print_warm([p for p in progress if p["numInputRows"]], lambda p: p["numInputRows"])
    spark.stop()


if __name__ == "__main__":
    main(*sys.argv[1:7])
