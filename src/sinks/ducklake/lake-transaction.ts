/** What the transactions of a lake do, but for BEGIN and COMMIT. */
import { dirname } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { combineStats, NO_STATS } from '../../core/batch-stats.js';
import { assert, SluiceError } from '../../core/errors.js';
import type { BatchResult, OffsetGap, ParquetFile, PartitionStart, SinkPosition } from '../../core/flow.js';
import { literal, rowsOf } from '../../core/sql.js';
import type { TableSpec } from '../../schema/spec.js';
import { sync } from '../../storage/data-dir.js';
import { isObjectStore } from '../../storage/object-store.js';
import type { CompactionOptions } from '../duckdb/compaction.js';
import {
  type ChangeLog,
  changeLog,
  countRepeated,
  type Duplicates,
  dropDuplicates,
  findDuplicates,
  hasMarkers,
  haveRows,
  insertMarkers,
  NO_SEQUENCE,
  withoutDuplicates,
} from '../duckdb/duplicates.js';
import { filesOf } from '../duckdb/group-transaction.js';
import { type LedgerRow, writeLedger } from '../duckdb/ledger.js';
import { isMarker } from '../duckdb/markers.js';
import { mergedIds } from '../duckdb/retention-tables.js';
import { checkWindows } from '../duckdb/window-checks.js';
import type { DeleteFiles } from './delete-files.js';
import { LAKE } from './lake.js';
import { AUTHOR, type CommitInfo, type LastCommit, type OwnedMove } from './ownership.js';
import { quarantine } from './quarantine-file.js';
import { removeTableFile } from './table-file.js';

export interface LakeTable {
  readonly topic: string;
  readonly spec: TableSpec;
  /** Of all files, without a slash at the end. */
  readonly dataPath: string;
  /** Of the files that the sink writes. */
  readonly compaction: Pick<CompactionOptions, 'compression'>;
}

/**
 * Registers the files of batches, deletes duplicates among their rows, and writes quarantine and ledger.
 * @returns the batches, with what became of their rows
 */
export async function writeBatches(
  connection: DuckDBConnection,
  table: LakeTable,
  deleteFiles: DeleteFiles,
  last: LastCommit,
  moves: readonly OwnedMove[],
  batches: readonly BatchResult[],
): Promise<BatchResult[]> {
  const { topic, dataPath } = table;
  if (!isObjectStore(dataPath)) syncFolders(batches);
  const registered = haveRows(batches)
    ? await register(connection, table, deleteFiles, last, batches)
    : countRepeated(batches);
  const written = await checkWindows(connection, changeLog(topic, table.spec), registered);
  await quarantine(connection, table, moves, batches);
  const rows = written.map(({ file, ...batch }): LedgerRow => {
    return { ...batch, kind: 'consume', file: file && { name: relativeTo(dataPath, file.path), bytes: file.bytes } };
  });
  await writeLedger(connection, topic, last.commit + 1, rows, positionColumns);
  return written;
}

/** Makes the names of files outlive a power failure, before the catalog has them. */
function syncFolders(batches: readonly BatchResult[]): void {
  const folders = filesOf(batches).flatMap(({ path }) => [dirname(path), dirname(dirname(path))]);
  for (const folder of new Set(folders)) sync(folder);
}

/** The part of `writeBatches` that is about rows. @param batches some of which have rows */
export async function register(
  connection: DuckDBConnection,
  { topic, spec }: LakeTable,
  deleteFiles: DeleteFiles,
  { maxChangeSeq }: LastCommit,
  batches: readonly BatchResult[],
): Promise<BatchResult[]> {
  const log = { ...changeLog(topic, spec), maxChangeSeq: maxChangeSeq ?? NO_SEQUENCE - 1n };
  // Another process may have begun to let changes leave.
  if (log.changeId !== undefined && (await hasRetired(connection))) log.known = mergedIds(log);
  const relation = `read_parquet(${pathList(filesOf(batches))}, hive_partitioning = false)`;
  // Searched before the files are of the table, which would have each of their rows.
  const duplicates = await findDuplicates(connection, log, relation, batches);
  await insertMarkers(connection, log, withoutDuplicates(relation, duplicates), batches);
  const written = countRepeated(batches, duplicates);
  const { used } = filesByUse(written);
  if (used.length > 0) await addFiles(connection, spec, used);
  if (used.length > 0 && (duplicates.table !== undefined || hasMarkers(batches))) {
    await deleteFiles.during(connection, async () => {
      await deleteDuplicates(connection, log, batches, duplicates);
      if (!hasMarkers(batches)) return;
      await connection.run(`DELETE FROM ${log.table} WHERE ${bounds(batches)} AND ${isMarker(spec)}`);
    });
  }
  await dropDuplicates(connection, duplicates);
  return written;
}

/**
 * Which files have rows that stay. DuckLake removes a file from the disk at once when a transaction deletes all of the
 * rows that it adds with it: made anew, the transaction would miss it.
 * @param written with what became of their rows; those of a file follow each other, and the first one has it
 */
function filesByUse(written: readonly BatchResult[]): Record<'used' | 'unused', ParquetFile[]> {
  const rows = new Map<ParquetFile, number>();
  let last: ParquetFile | undefined;
  for (const { file, stats } of written) {
    last = file ?? last;
    if (last !== undefined) rows.set(last, (rows.get(last) ?? 0) + stats.merged);
  }
  const files = [...rows.keys()];
  return { used: files.filter((file) => rows.get(file)! > 0), unused: files.filter((file) => rows.get(file) === 0) };
}

function pathList(files: readonly ParquetFile[]): string {
  return `[${files.map(({ path }) => literal(path)).join(', ')}]`;
}

async function addFiles(connection: DuckDBConnection, spec: TableSpec, files: readonly ParquetFile[]): Promise<void> {
  // Another process may have added columns: its spec is newer.
  const into = `${literal(spec.table)}, ${pathList(files)}, schema => 'main', allow_missing => true`;
  await connection.run(`CALL ducklake_add_data_files('${LAKE}', ${into})`);
}

/** As the snapshot of the connection's transaction has it. To name the table costs less than to search the catalog. */
async function hasRetired(connection: DuckDBConnection): Promise<boolean> {
  try {
    (await connection.prepare('FROM sluice.retired')).destroySync();
    return true;
  } catch (thrown) {
    if (/Table with name retired does not exist/.test(String(thrown))) return false;
    throw thrown;
  }
}

/** SQL that the statistics of files answer: files of other offsets and sequences are not read. */
function bounds(batches: readonly BatchResult[]): string {
  const { minChangeSeq, maxChangeSeq } = combineStats(batches.map(({ stats }) => stats));
  const lowest = Math.min(...batches.map(({ startOffset }) => startOffset));
  const next = Math.max(...batches.map(({ nextOffset }) => nextOffset));
  return `change_seq BETWEEN ${minChangeSeq} AND ${maxChangeSeq}
    AND kafka_offset >= ${lowest} AND kafka_offset < ${next}`;
}

async function deleteDuplicates(
  connection: DuckDBConnection,
  log: ChangeLog,
  batches: readonly BatchResult[],
  { table }: Duplicates,
): Promise<void> {
  if (table === undefined) return;
  await connection.run(
    `DELETE FROM ${log.table} WHERE ${bounds(batches)}
     AND (kafka_partition, kafka_offset) IN (SELECT (kafka_partition, kafka_offset) FROM ${table})`,
  );
}

/**
 * After a commit: removes the files of which no row stays.
 * @param written what became of the batches; undefined if the answer to the commit was lost: the ledger tells then, in
 *   which a replay may have counted since, and such a file stays until its partition is claimed
 */
export async function settleGroup(
  connection: DuckDBConnection,
  table: LakeTable,
  batches: readonly BatchResult[],
  written?: readonly BatchResult[],
): Promise<readonly BatchResult[]> {
  if (written === undefined) return await readWritten(connection, table, batches);
  for (const { path } of filesByUse(written).unused) await removeTableFile(connection, path).catch(() => {});
  return written;
}

/** From the ledger that the commit wrote. */
async function readWritten(
  connection: DuckDBConnection,
  { topic }: LakeTable,
  batches: readonly BatchResult[],
): Promise<BatchResult[]> {
  const ranges = batches.map(
    ({ partition, startOffset, nextOffset }, batch) => `(${batch}, ${partition}, ${startOffset}, ${nextOffset})`,
  );
  const rows = await rowsOf(
    connection,
    `SELECT batch, rows_duplicate, rows_marker FROM sluice.batches
     JOIN (VALUES ${ranges.join(', ')}) ranges(batch, partition_id, start_offset, next_offset)
     USING (partition_id, start_offset, next_offset) WHERE topic = ${literal(topic)} AND kind = 'consume'`,
  );
  assert(rows.length === batches.length, 'the ledger has a row of each batch that was committed');
  const written = new Map(rows.map((row) => [Number(row.batch), row]));
  return batches.map((batch, index) => {
    const [duplicate, marker] = [Number(written.get(index)!.rows_duplicate), Number(written.get(index)!.rows_marker)];
    return { ...batch, stats: { ...batch.stats, merged: batch.stats.ok - duplicate - marker, marker, duplicate } };
  });
}

/** Where partitions begin. */
export async function writeStarts(
  connection: DuckDBConnection,
  { topic }: LakeTable,
  starts: readonly PartitionStart[],
): Promise<void> {
  const rows = starts.map(({ partition, nextOffset, reason }) => `(${partition}, ${nextOffset}, '${reason}')`);
  await connection.run(
    `INSERT INTO sluice.starts BY NAME SELECT topic: ${literal(topic)}, *, started_at: now()
     FROM (VALUES ${rows.join(', ')}) starts(partition_id, first_offset, start_reason)`,
  );
}

/** Moves positions over lost offsets. */
export async function writeGaps(
  connection: DuckDBConnection,
  { topic }: LakeTable,
  { commit }: LastCommit,
  gaps: readonly OffsetGap[],
): Promise<void> {
  const rows = gaps.map((gap): LedgerRow => ({ ...gap, kind: 'gap', stats: NO_STATS }));
  await writeLedger(connection, topic, commit + 1, rows, positionColumns);
}

/** Has the snapshot say whose commit it is, which the catalog compares with the owners of the partitions. */
export async function describeCommit(connection: DuckDBConnection, info: CommitInfo): Promise<void> {
  const ranges = info.partitions.map(({ partition, start, next }) => `${partition}: ${start ?? 'begins at'}–${next}`);
  const message = `${info.topic} ${ranges.join(', ')}`;
  await connection.run(
    `CALL ${LAKE}.set_commit_message('${AUTHOR}', ${literal(message)}, extra_info => ${literal(JSON.stringify(info))})`,
  );
}

/** The moves of batches, one of each partition. @throws if a partition is not owned */
export function movesOf(
  ranges: readonly Pick<BatchResult, 'partition' | 'startOffset' | 'nextOffset'>[],
  epochOf: (partition: number) => number,
): OwnedMove[] {
  const moves = new Map<number, OwnedMove>();
  for (const { partition, startOffset, nextOffset } of ranges) {
    const { start, next } = moves.get(partition) ?? { start: startOffset, next: startOffset };
    assert(next === startOffset, 'batches of a partition follow each other');
    moves.set(partition, { partition, epoch: epochOf(partition), start, next: nextOffset });
  }
  return [...moves.values()];
}

/** What no other process can have moved is where this one moved it to. @throws SluiceError SLUICE_FENCED */
export function checkMoves(
  { topic }: Pick<LakeTable, 'topic'>,
  positions: ReadonlyMap<number, SinkPosition>,
  moves: readonly OwnedMove[],
): void {
  for (const { partition, start } of moves) {
    const found = positions.get(partition)?.nextOffset ?? null;
    if (found === start) continue;
    throw new SluiceError(
      'SLUICE_FENCED',
      `the position of ${topic} partition ${partition} is ${found ?? 'missing'}, not ${start}. ` +
        'Nothing of the group was committed',
    );
  }
}

/** What of a position the ledger has. */
function positionColumns({ leaderEpoch, stats: { maxEventTime, maxChangeSeq } }: LedgerRow) {
  return {
    leader_epoch: `${leaderEpoch ?? 'NULL::INTEGER'}`,
    watermark: maxEventTime === undefined ? 'NULL::TIMESTAMPTZ' : `make_timestamptz(${maxEventTime})`,
    max_change_seq: `${maxChangeSeq ?? 'NULL'}::UBIGINT`,
  };
}

function relativeTo(dataPath: string, path: string): string {
  return path.startsWith(`${dataPath}/`) ? path.slice(dataPath.length + 1) : path;
}
