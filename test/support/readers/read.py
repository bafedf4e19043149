"""Reads the files of a topic in every way that people do: read.py <folder of the topic> <one file>."""

import sys

import pandas
import polars
import pyarrow.dataset
import pyarrow.parquet

from values import print_all

folder, file = sys.argv[1:]
everything = folder + "/**/*.parquet"

print_all(
    {
        "pyarrow file": lambda: pyarrow.parquet.read_table(file, partitioning=None).to_pydict(),
        "pyarrow folder": lambda: pyarrow.parquet.read_table(folder).to_pydict(),
        "pyarrow hive dataset": lambda: pyarrow.dataset.dataset(folder, partitioning="hive").to_table().to_pydict(),
        "pandas file": lambda: pandas.read_parquet(file, partitioning=None).to_dict("list"),
        "pandas folder": lambda: pandas.read_parquet(folder).to_dict("list"),
        "polars file": lambda: polars.read_parquet(file).to_dict(as_series=False),
        "polars folder": lambda: polars.read_parquet(folder).to_dict(as_series=False),
        "polars glob": lambda: polars.read_parquet(everything).to_dict(as_series=False),
        "polars hive glob": lambda: polars.scan_parquet(everything, hive_partitioning=True)
        .collect()
        .to_dict(as_series=False),
    }
)
