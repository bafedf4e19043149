"""Runs a suite of Great Expectations on Parquet files: python check_expectations.py suite.json FILE…

Prints JSON of each: its name in the table spec, whether it is met, and how many values are unexpected.
"""

import json
import sys

import great_expectations as gx
import pyarrow as pa
import pyarrow.parquet as pq

suite_path, *files = sys.argv[1:]
with open(suite_path, encoding="utf-8") as file:
    described = json.load(file)
frame = pa.concat_tables([pq.ParquetFile(path).read() for path in files]).to_pandas()

context = gx.get_context(mode="ephemeral")
context.variables.progress_bars = {"globally": False}
batch = (
    context.data_sources.add_pandas("pandas")
    .add_dataframe_asset("changes")
    .add_batch_definition_whole_dataframe("all")
    .get_batch({"dataframe": frame})
)
# The constructor keeps several of a type and column; to add them one by one replaces them.
suite = gx.ExpectationSuite(**described)
results = batch.validate(suite, result_format="SUMMARY").results
print(
    json.dumps(
        [
            {
                "name": result.expectation_config.meta["sluice"]["expectation"],
                "met": result.success,
                "unexpected": result.result.get("unexpected_count"),
            }
            for result in results
        ]
    )
)
