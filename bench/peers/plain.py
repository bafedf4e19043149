"""What one would write in an afternoon: confluent-kafka, and DuckDB's own JSON functions.

It has the columns of the orders spec, one form of amount, no quarantine, and is not exactly-once.

usage: plain.py BOOTSTRAP TOPIC EVENTS OUT parquet|both|upsert
  parquet  a Parquet file per 100,000 messages
  both     the same, and its MERGE into a DuckDB table without an index
  upsert   INSERT ... ON CONFLICT into a DuckDB table with a primary key
"""

import sys
import time

import duckdb
import pyarrow as pa
from confluent_kafka import Consumer, TopicPartition

BLOCK = 100_000
COLUMNS = """
    operation VARCHAR, order_id VARCHAR, customer_id VARCHAR, customer_email VARCHAR, customer_name VARCHAR,
    amount DECIMAL(18,2), amount_raw VARCHAR, is_high_value BOOLEAN, currency VARCHAR, status VARCHAR, items VARCHAR,
    event_time TIMESTAMPTZ, kafka_partition INTEGER, kafka_offset BIGINT"""
ROWS = """
    WITH fields AS (
        SELECT json_extract_string(value, ['$.change_id', '$.operation', '$.order_id', '$.customer.id',
            '$.customer.email', '$.customer.name', '$.amount', '$.currency', '$.status', '$.items', '$.event_time'
        ]) AS x, kafka_partition, kafka_offset FROM messages WHERE json_valid(value)
    ), amounts AS (
        SELECT *, try_cast(replace(replace(x[7], '$', ''), ',', '') AS DECIMAL(18,2)) AS amount FROM fields
    )
    SELECT x[1] AS change_id, x[2] AS operation, x[3] AS order_id, x[4] AS customer_id, x[5] AS customer_email,
        x[6] AS customer_name, amount, x[7] AS amount_raw, coalesce(amount > 1000, false) AS is_high_value,
        x[8] AS currency, x[9] AS status, x[10] AS items, try_cast(x[11] AS TIMESTAMPTZ) AS event_time,
        kafka_partition, kafka_offset
    FROM amounts WHERE x[1] IS NOT NULL"""


def consumer_of(bootstrap, topic):
    consumer = Consumer({
        "bootstrap.servers": bootstrap,
        "group.id": f"plain-{time.time()}",
        "enable.auto.commit": False,
        "queued.min.messages": 200_000,
        "queued.max.messages.kbytes": 131_072,
        "fetch.message.max.bytes": 8_000_000,
    })
    partitions = consumer.list_topics(topic).topics[topic].partitions
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    return consumer


def write(database, sink, messages, path):
    table = pa.table({
        "value": pa.array([m.value() for m in messages], pa.binary()).cast(pa.string()),
        "kafka_partition": pa.array([m.partition() for m in messages], pa.int32()),
        "kafka_offset": pa.array([m.offset() for m in messages], pa.int64()),
    })
    database.register("messages", table)
    if sink == "upsert":
        database.execute(
            f"INSERT INTO orders FROM ({ROWS}) QUALIFY row_number() OVER (PARTITION BY change_id ORDER BY kafka_offset) = 1 "
            "ON CONFLICT DO UPDATE SET status = excluded.status, amount = excluded.amount"
        )
    else:
        database.execute(f"COPY ({ROWS}) TO '{path}' (FORMAT parquet, COMPRESSION zstd)")
    if sink == "both":
        database.execute(
            f"MERGE INTO orders USING (FROM read_parquet('{path}') QUALIFY row_number() OVER "
            "(PARTITION BY change_id ORDER BY kafka_offset) = 1) AS new "
            "ON orders.change_id = new.change_id WHEN NOT MATCHED THEN INSERT"
        )
    database.unregister("messages")


def main(bootstrap, topic, events, out, sink):
    database = duckdb.connect(f"{out}/orders.db")
    database.execute("SET threads = 1")
    key = " PRIMARY KEY" if sink == "upsert" else ""
    database.execute(f"CREATE TABLE orders (change_id VARCHAR{key}, {COLUMNS})")
    consumer = consumer_of(bootstrap, topic)
    block, taken, blocks = [], 0, 0
    while taken < events:
        messages = consumer.consume(10_000, 1.0)
        block += messages
        taken += len(messages)
        if len(block) >= BLOCK or taken == events:
            write(database, sink, block, f"{out}/{blocks:05}.parquet")
            block, blocks = [], blocks + 1
    database.execute("CHECKPOINT")
    database.close()


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5])
