/**
 * The quarantined messages of a commit. A few of them stay in the catalog. DuckLake writes such rows as SQL text, which
 * costs more than all else of a commit if they are many: those are a file, like those of the workers.
 */
import { dirname } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { BatchResult } from '../../core/flow.js';
import { literal } from '../../core/sql.js';
import { copyToParquet } from '../../parquet/parquet-copy.js';
import { rowGroupRows } from '../../parquet/row-groups.js';
import { sync } from '../../storage/data-dir.js';
import { changesFolder, lakeFilePath, quarantineFolder } from '../../storage/lake-files.js';
import { isObjectStore } from '../../storage/object-store.js';
import { writeFileInPlace } from '../../storage/staged-file.js';
import { writeQuarantine } from '../duckdb/ledger.js';
import { LAKE } from './lake.js';
import type { LakeTable } from './lake-transaction.js';
import type { OwnedMove } from './ownership.js';

/** About as much work in the catalog as a file is. */
const MAX_INLINED_ROWS = 100;
const MAX_INLINED_BYTES = 64 << 10;

const TABLE = 'quarantined';

/** The file of each group that has one. Of a commit that seemed to fail it may be registered: it is never rewritten. */
const files = new WeakMap<readonly BatchResult[], string>();

/**
 * Writes them, in the connection's transaction.
 * @param moves of the commit
 * @throws SluiceError SLUICE_DATA_DIR if the file cannot be written to a disk, DuckDB's error
 */
export async function quarantine(
  connection: DuckDBConnection,
  table: LakeTable,
  moves: readonly OwnedMove[],
  batches: readonly BatchResult[],
): Promise<void> {
  const runs = batches.map(({ quarantined }) => ({
    rows: quarantined.length,
    textBytes: quarantined.reduce((sum, { key, value }) => sum + (value?.length ?? 0) + (key?.length ?? 0), 0),
  }));
  const [rows, bytes] = (['rows', 'textBytes'] as const).map((of) => runs.reduce((sum, run) => sum + run[of], 0));
  if (rows <= MAX_INLINED_ROWS && bytes <= MAX_INLINED_BYTES) {
    await writeQuarantine(connection, table.topic, batches);
    return;
  }
  const path = pathOf(table, moves, batches);
  if (files.get(batches) !== path) {
    await connection.run(`CREATE OR REPLACE TEMP TABLE ${TABLE} AS FROM sluice.quarantine LIMIT 0`);
    await writeQuarantine(connection, table.topic, batches, () => connection.createAppender(TABLE, 'main', 'temp'));
    await writeFile(connection, table, path, rowGroupRows(runs.filter((run) => run.rows > 0)));
    await connection.run(`DROP TABLE temp.${TABLE}`);
    files.set(batches, path);
  }
  await connection.run(`CALL ducklake_add_data_files('${LAKE}', 'quarantine', ${literal(path)}, schema => 'sluice')`);
}

/** Of the first batch that has some: a commit that is refused for one of its partitions is refused as a whole. */
function pathOf({ dataPath, topic }: LakeTable, moves: readonly OwnedMove[], batches: readonly BatchResult[]): string {
  const { partition, startOffset, nextOffset } = batches.find(({ quarantined }) => quarantined.length > 0)!;
  const { epoch } = moves.find((move) => move.partition === partition)!;
  const folder = quarantineFolder(changesFolder(dataPath, topic));
  return lakeFilePath(folder, partition, epoch, startOffset, nextOffset);
}

/** Durable when it is done, its name included. */
async function writeFile(
  connection: DuckDBConnection,
  { compaction: { compression }, topic }: LakeTable,
  path: string,
  groupRows: number,
): Promise<void> {
  const copy = { compression, metadata: new Map([['sluice.topic', topic]]), rowGroupRows: groupRows };
  const write = (to: string) => copyToParquet(connection, `temp.${TABLE}`, to, copy);
  if (isObjectStore(path)) return await write(path);
  await writeFileInPlace(path, write);
  const parents = [dirname(path), dirname(dirname(path)), dirname(dirname(dirname(path)))];
  for (const folder of parents) sync(folder);
}
