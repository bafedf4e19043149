"""What Iceberg's tables of Spark's job hold: read_iceberg.py <warehouse> <table>."""

import json
import sys

from pyspark.sql import SparkSession

warehouse, table = sys.argv[1:]
spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.jars.packages", "org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.11.0")
    .config("spark.sql.catalog.lake", "org.apache.iceberg.spark.SparkCatalog")
    .config("spark.sql.catalog.lake.type", "hadoop")
    .config("spark.sql.catalog.lake.warehouse", warehouse)
    .getOrCreate()
)
[found] = spark.sql(
    f"""SELECT count(*) AS rows, count(DISTINCT change_id) AS changes, CAST(sum(amount) AS STRING) AS amounts,
        count(event_time) AS times, (SELECT count(*) FROM {table}_quarantine) AS quarantined,
        (SELECT sum(record_count) FROM {table}.files) AS counted FROM {table}"""
).collect()
print(json.dumps(found.asDict()))
