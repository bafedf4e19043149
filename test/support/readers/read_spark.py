"""Reads the files of a topic with Spark in every way that people do: read_spark.py <folder of the topic> <one file>."""

import sys

from pyspark.sql import SparkSession

from values import print_all

folder, file = sys.argv[1:]
spark = (
    SparkSession.builder.master("local[1]")
    .config("spark.ui.enabled", "false")
    .config("spark.driver.host", "127.0.0.1")
    .config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.sql.session.timeZone", "UTC")
    .getOrCreate()
)


def columns(frame):
    rows = frame.collect()
    return {name: [row[index] for row in rows] for index, name in enumerate(frame.columns)}


def by_name():
    frame = spark.read.parquet(folder)
    return columns(frame.select(*[frame["`" + name + "`"] for name in frame.columns]))


print_all(
    {
        "file": lambda: columns(spark.read.parquet(file)),
        "folder": lambda: columns(spark.read.parquet(folder)),
        "folder, columns by name": by_name,
        "glob": lambda: columns(spark.read.parquet(folder + "/*/*.parquet")),
        "glob below a base path": lambda: columns(spark.read.option("basePath", folder).parquet(folder + "/*")),
    }
)
