/** How DuckLake writes files of its own: as a lake's options say, which are for all who write to it. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { literal, rowsOf } from '../../core/sql.js';
import type { CompactionOptions } from '../duckdb/compaction.js';
import { HAS_STATE } from '../duckdb/state.js';
import { LAKE } from './lake.js';

const CODECS = { zstd: 'zstd', snappy: 'snappy', lz4: 'lz4_raw', none: 'uncompressed' } as const;

/** Sorted by key, a query for one key reads one row group. */
const STATE_GROUP_ROWS = 20_480;

/**
 * Has them be like those of workers.
 * @param retained the table of changes if some leave by their age: their deletion is in files, not in the catalog
 * @param call runs one of DuckLake's functions
 */
export async function setOptions(
  connection: DuckDBConnection,
  { targetBytes, compression }: CompactionOptions,
  retained: string | undefined,
  call: (call: string) => Promise<void>,
): Promise<void> {
  const rows = await rowsOf(
    connection,
    `SELECT option_name, value, scope, scope_entry FROM ducklake_options('${LAKE}')`,
  );
  const found = new Map(
    rows.filter(({ scope }) => scope === 'GLOBAL').map(({ option_name, value }) => [option_name, value]),
  );
  // How it is said, and how DuckLake says it.
  const set = async (name: string, said: string, known: string) => {
    if (found.get(name) !== known) await call(`${LAKE}.set_option('${name}', '${said}')`);
  };
  await set('target_file_size', `${targetBytes}B`, String(targetBytes));
  await set('parquet_compression', CODECS[compression], CODECS[compression]);
  await set('parquet_version', '2', 'V2');
  const setOf = async (schema: string, table: string, name: string, value: number) => {
    const isSet = rows.some((row) => row.option_name === name && row.scope_entry === `${schema}.${table}`);
    const of = `schema => '${schema}', table_name => ${literal(table)}`;
    if (!isSet) await call(`${LAKE}.set_option('${name}', ${value}, ${of})`);
  };
  if (retained !== undefined) await setOf('main', retained, 'data_inlining_row_limit', 0);
  const [{ has_state }] = await rowsOf(connection, HAS_STATE);
  if (has_state !== true) return;
  // However few rows the state has, they are in a file.
  await setOf('sluice', 'state', 'data_inlining_row_limit', 0);
  await setOf('sluice', 'state', 'parquet_row_group_size', STATE_GROUP_ROWS);
}
