/** Files of the change log that neither a worker nor DuckLake made; they are where DuckLake has its own. */
import { dirname } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { rowsOf } from '../../core/sql.js';
import { copyToParquet } from '../../parquet/parquet-copy.js';
import { sync } from '../../storage/data-dir.js';
import { isObjectStore } from '../../storage/object-store.js';
import { writeFileInPlace } from '../../storage/staged-file.js';
import type { LakeTable } from './lake-transaction.js';
import { tableFolder } from './registered-files.js';

/**
 * Durable when it is done, its name included. If nobody registers it, housekeeping removes it.
 * @param relation what FROM takes
 * @param mark the key of what the file's metadata say that it is of
 * @returns its path
 */
export async function writeTableFile(
  connection: DuckDBConnection,
  { dataPath, spec, topic, compaction }: LakeTable,
  relation: string,
  mark: 'sluice.replayed' | 'sluice.backfilled',
  rowGroupRows: number,
): Promise<string> {
  const folder = await tableFolder(connection, dataPath, 'main', spec.table);
  const [{ id }] = await rowsOf(connection, 'SELECT uuidv7()::VARCHAR AS id');
  const path = `${folder}/ducklake-${id}.parquet`;
  const metadata = new Map([
    ['sluice.topic', topic],
    [mark, new Date().toISOString()],
  ]);
  const copy = { compression: compaction.compression, metadata, rowGroupRows };
  const write = (to: string) => copyToParquet(connection, relation, to, copy);
  if (isObjectStore(path)) {
    await write(path);
    return path;
  }
  await writeFileInPlace(path, write);
  for (let parent = folder; parent.startsWith(dataPath); parent = dirname(parent)) sync(parent);
  return path;
}
