/**
 * Which rows of a commit group are not to be merged: of each change id the lowest partition and offset stays, and none
 * that the change log has already.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { combineStats } from '../../core/batch-stats.js';
import { assert } from '../../core/errors.js';
import type { BatchResult } from '../../core/flow.js';
import { rowsOf } from '../../core/sql.js';

/** The table that rows are merged into. */
export interface ChangeLog {
  /** SQL identifiers. */
  readonly table: string;
  readonly changeId: string;
  /** Of all its rows. */
  maxChangeSeq: bigint;
}

/** Resume tokens give a change_seq; any other change id has 0. */
export const NO_SEQUENCE = 0n;
/** Where the coordinates of the rows are that are not to be merged. */
export const DUPLICATES = 'staging.duplicates';

/**
 * Writes the coordinates of rows that are not to be merged into DUPLICATES.
 * @param relation the rows of the batches, at least one
 * @returns how many there are of each batch that has any
 */
export async function findDuplicates(
  connection: DuckDBConnection,
  log: ChangeLog,
  relation: string,
  batches: readonly BatchResult[],
): Promise<{ batch: number; rows: number }[]> {
  const { minChangeSeq: lowest, maxChangeSeq: highest } = combineStats(batches.map(({ stats }) => stats));
  assert(lowest !== undefined && highest !== undefined, 'there are rows');
  // Equal ids have equal sequences, which are a third of the work to group if there are any.
  const group = lowest === NO_SEQUENCE ? log.changeId : 'change_seq';
  await connection.run(
    `CREATE OR REPLACE TABLE ${DUPLICATES} AS SELECT kafka_partition, kafka_offset FROM (
       SELECT kafka_partition, kafka_offset,
         row_number() OVER (PARTITION BY ${log.changeId} ORDER BY kafka_partition, kafka_offset) AS nth
       FROM ${relation}
       SEMI JOIN (SELECT ${group} FROM ${relation} GROUP BY ALL HAVING count(*) > 1) USING (${group}))
     WHERE nth > 1`,
  );
  const known = await knownRange(connection, log, relation, { lowest, highest });
  if (known !== undefined) {
    const between = `change_seq BETWEEN ${known.lowest} AND ${known.highest}`;
    await connection.run(
      `INSERT INTO ${DUPLICATES} SELECT new.kafka_partition, new.kafka_offset
       FROM (FROM ${relation} WHERE ${between}) new
       SEMI JOIN (FROM ${log.table} WHERE ${between}) known
       ON known.change_seq = new.change_seq AND known.${log.changeId} = new.${log.changeId}
       ANTI JOIN ${DUPLICATES} found
       ON found.kafka_partition = new.kafka_partition AND found.kafka_offset = new.kafka_offset`,
    );
  }
  const ranges = batches.map(
    ({ partition, startOffset, nextOffset }, batch) => `(${batch}, ${partition}, ${startOffset}, ${nextOffset})`,
  );
  const found = await rowsOf(
    connection,
    `SELECT batch, count(*) AS rows FROM ${DUPLICATES}
     LEFT JOIN (VALUES ${ranges.join(', ')}) ranges(batch, partition_id, start_offset, next_offset)
     ON partition_id = kafka_partition AND kafka_offset >= start_offset AND kafka_offset < next_offset
     GROUP BY batch`,
  );
  return found.map(({ batch, rows }) => {
    assert(batch !== null, 'a row has an offset of its batch');
    return { batch: Number(batch), rows: Number(rows) };
  });
}

/** Both included. */
interface SequenceRange {
  readonly lowest: bigint;
  readonly highest: bigint;
}

/**
 * Where sequences of new rows can be those of known ids. It keeps scans of the change log to the row groups that
 * matter, which no semi join derives by itself.
 * @returns undefined where no new id can be known
 */
async function knownRange(
  connection: DuckDBConnection,
  log: ChangeLog,
  relation: string,
  { lowest, highest }: SequenceRange,
): Promise<SequenceRange | undefined> {
  if (lowest === NO_SEQUENCE) return { lowest, highest };
  // Ids that grow with time and are all above the highest known one cannot be in the change log.
  if (lowest > log.maxChangeSeq) return undefined;
  // Most others are not in it either, which their sequences tell: a fifth of the bytes of the ids.
  const [shared] = await rowsOf(
    connection,
    `SELECT min(change_seq) AS lowest, max(change_seq) AS highest FROM ${relation}
     SEMI JOIN (FROM ${log.table} WHERE change_seq BETWEEN ${lowest} AND ${highest}) USING (change_seq)`,
  );
  return shared.lowest === null ? undefined : (shared as unknown as SequenceRange);
}
