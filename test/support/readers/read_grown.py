"""Reads the files of a topic whose spec grew, in the ways of docs/table-spec.md: read_grown.py <folder of the topic>."""

import glob
import sys

import pandas
import polars
import pyarrow
import pyarrow.dataset
import pyarrow.parquet

from values import print_all

folder = sys.argv[1]
files = sorted(glob.glob(folder + "/**/*.parquet", recursive=True))
schema = pyarrow.unify_schemas([pyarrow.parquet.read_schema(file) for file in files])

print_all(
    {
        "pyarrow": lambda: pyarrow.dataset.dataset(folder, schema=schema).to_table().to_pydict(),
        "pandas": lambda: pandas.read_parquet(folder, schema=schema).to_dict("list"),
        "polars": lambda: polars.concat(map(polars.scan_parquet, files), how="diagonal")
        .collect()
        .to_dict(as_series=False),
    }
)
