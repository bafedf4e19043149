/** Names that no column of a spec can have: a common reader of the table or its files has another use for them. */
import { PARTITION_KEY } from '../storage/partition-key.js';
import { DERIVED_COLUMNS } from './spec.js';

const REASONS: ReadonlyMap<string, string> = new Map([
  ...DERIVED_COLUMNS.map((name) => [name, 'Sluice adds a column of this name'] as const),
  [PARTITION_KEY, 'readers take it from the folders of the Parquet files'],
  ...['filename', 'file_row_number', 'file_index', 'rowid'].map(
    (name) => [name, 'DuckDB has a column of its own of this name for each file or table'] as const,
  ),
  ['_metadata', 'Spark has a column of its own of this name for each file'],
  ...['null', 'true', 'false'].map((name) => [name, 'SQL takes it for the constant'] as const),
]);

/** pyarrow's datasets do not read a file that has `__filename`, pandas makes an index of `__index_level_0__`, … */
const PREFIX = '__';

/** Why no column can have the name; undefined if one can. */
export function reservedBecause(name: string): string | undefined {
  return name.startsWith(PREFIX) ? `pyarrow and pandas keep names with ${PREFIX} for themselves` : REASONS.get(name);
}
