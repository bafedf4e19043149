/** How DuckLake writes files of its own: as a lake's options say, which are for all who write to it. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { literal, rowsOf } from '../../core/sql.js';
import type { CompactionOptions } from '../duckdb/compaction.js';
import { HAS_STATE } from '../duckdb/state.js';
import { LAKE } from './lake.js';

const CODECS = { zstd: 'zstd', snappy: 'snappy', lz4: 'lz4_raw', none: 'uncompressed' } as const;

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
  const setInFiles = async (schema: string, table: string) => {
    if (rows.some(({ scope_entry }) => scope_entry === `${schema}.${table}`)) return;
    const of = `schema => '${schema}', table_name => ${literal(table)}`;
    await call(`${LAKE}.set_option('data_inlining_row_limit', 0, ${of})`);
  };
  // However few rows the state has, they are in a file.
  const [{ has_state }] = await rowsOf(connection, HAS_STATE);
  if (has_state === true) await setInFiles('sluice', 'state');
  if (retained !== undefined) await setInFiles('main', retained);
}
