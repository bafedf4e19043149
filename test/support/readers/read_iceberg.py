"""What Iceberg's tables of Spark's job hold, written as plain Parquet: read_iceberg.py <table> <out> <warehouse>…
The table and its quarantine are in <out>/<number of the warehouse>/rows and …/quarantine. Prints how many rows the
metadata has of each table."""

import json
import sys

from pyspark.sql import SparkSession

table, out, *warehouses = sys.argv[1:]
builder = (
    SparkSession.builder.master("local[2]")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.jars.packages", "org.apache.iceberg:iceberg-spark-runtime-4.1_2.13:1.11.0")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")
)
for number, warehouse in enumerate(warehouses):
    catalog = f"spark.sql.catalog.lake{number}"
    builder = (
        builder.config(catalog, "org.apache.iceberg.spark.SparkCatalog")
        .config(f"{catalog}.type", "hadoop")
        .config(f"{catalog}.warehouse", warehouse)
    )
spark = builder.getOrCreate()
counted = []
for number in range(len(warehouses)):
    name = f"lake{number}.{table}"
    spark.table(name).write.parquet(f"{out}/{number}/rows")
    spark.table(f"{name}_quarantine").write.parquet(f"{out}/{number}/quarantine")
    [[rows]] = spark.sql(f"SELECT sum(record_count) FROM {name}.files").collect()
    counted.append(rows)
print(json.dumps(counted))
