/** Which rows of a group are merged, against a model of the rule, in a database in memory. */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { NO_STATS } from '../../../src/core/batch-stats.js';
import type { BatchResult } from '../../../src/core/flow.js';
import { rowsOf } from '../../../src/core/sql.js';
import { parseSpec } from '../../../src/schema/spec-file.js';
import { type ChangeLog, changeLog, insertNew } from '../../../src/sinks/duckdb/duplicates.js';
import { openFormat } from '../../../src/sinks/duckdb/format.js';
import { Random } from '../../support/random.js';

interface Row {
  readonly partition: number;
  readonly offset: number;
  readonly id: string;
  /** That of the id; other ids may have it too. */
  readonly sequence: number;
  readonly isMarker?: boolean;
}

const specOf = (roles: Record<string, string>) =>
  parseSpec(
    JSON.stringify({
      table: 'changes',
      view: 'newest',
      columns: Object.entries(roles).map(([name, role]) => ({
        name,
        kind: 'text',
        role,
        required: role !== 'operation',
      })),
    }),
    'of the test',
  );
const SPEC = specOf({ id: 'change_id', order_id: 'key', operation: 'operation' });

let connection: DuckDBConnection;
let log: ChangeLog;
/** What is to be in the tables. */
let changes: Row[];
let markers: Row[];

async function open(spec = SPEC): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:');
  connection = await instance.connect();
  onTestFinished(() => {
    connection.closeSync();
    instance.closeSync();
  });
  await openFormat(connection, 'topic');
  const columns = `kafka_partition INTEGER, kafka_offset BIGINT, change_seq UBIGINT, id VARCHAR, order_id VARCHAR,
    operation VARCHAR, kafka_timestamp TIMESTAMPTZ`;
  await connection.run(`CREATE TABLE changes (${columns});
    CREATE TABLE incoming (${columns})`);
  [log, changes, markers] = [changeLog('topic', spec), [], []];
}

beforeEach(() => open());

/** The group of these rows: a batch for each partition, and one without rows. */
function batchesOf(rows: readonly Row[]): BatchResult[] {
  const batches = [...new Set(rows.map(({ partition }) => partition))].map((partition) => {
    const own = rows.filter((row) => row.partition === partition);
    const sequences = own.map(({ sequence }) => BigInt(sequence)).sort((a, b) => Number(a - b));
    const stats = {
      ...{ ...NO_STATS, messages: own.length, ok: own.length, marker: own.filter((row) => row.isMarker).length },
      ...{ minChangeSeq: sequences[0], maxChangeSeq: sequences.at(-1) },
    };
    return batch(partition, own[0].offset, own.at(-1)!.offset + 1, stats);
  });
  return [batch(9, 0, 5, NO_STATS), ...batches];
}

function batch(partition: number, startOffset: number, nextOffset: number, stats: BatchResult['stats']): BatchResult {
  const nothing = { leaderEpoch: undefined, arrow: undefined, file: undefined, quarantined: [], kernelTrap: undefined };
  return { ...nothing, partition, startOffset, nextOffset, stats };
}

/** Commits a group, and compares what it says and what the tables have with the rule. */
async function commit(rows: readonly Row[]): Promise<void> {
  await connection.run('DELETE FROM incoming');
  const values = rows.map(({ partition, offset, sequence, id, isMarker }) => {
    return `(${partition}, ${offset}, ${sequence}, '${id}', 'o', '${isMarker ? 'snapshot_begin' : 'insert'}', now())`;
  });
  await connection.run(`INSERT INTO incoming VALUES ${values.reverse().join(', ')}`);
  const batches = batchesOf(rows);
  const written = await insertNew(connection, log, 'incoming', batches);
  const known = new Set(changes.map(({ id }) => id));
  const knownMarkers = new Set(markers.map(({ id }) => id));
  const seen = new Set<string>();
  const counts = new Map<number, { merged: number; marker: number; duplicate: number }>();
  for (const { partition } of batches) counts.set(partition, { merged: 0, marker: 0, duplicate: 0 });
  for (const row of [...rows].sort((a, b) => a.partition - b.partition || a.offset - b.offset)) {
    const count = counts.get(row.partition)!;
    if (seen.has(row.id) || known.has(row.id) || (row.isMarker && knownMarkers.has(row.id))) count.duplicate++;
    else {
      count[row.isMarker ? 'marker' : 'merged']++;
      (row.isMarker ? markers : changes).push(row);
    }
    seen.add(row.id);
  }
  expect(written.map(({ stats: { merged, marker, duplicate } }) => ({ merged, marker, duplicate }))).toEqual(
    batches.map(({ partition }) => counts.get(partition)),
  );
  const places = async (sql: string) => (await rowsOf(connection, sql)).map(({ place }) => place);
  const wanted = (all: readonly Row[]) => all.map(({ partition, offset }) => `${partition}-${offset}`).sort();
  expect(await places(`SELECT concat_ws('-', kafka_partition, kafka_offset) AS place FROM changes ORDER BY 1`)).toEqual(
    wanted(changes),
  );
  expect(
    await places(`SELECT concat_ws('-', partition_id, message_offset) AS place FROM sluice.markers ORDER BY 1`),
  ).toEqual(wanted(markers));
  expect(await rowsOf(connection, 'SELECT * FROM duckdb_tables() WHERE temporary')).toEqual([]);
  const highest = BigInt(Math.max(...rows.map(({ sequence }) => sequence)));
  if (highest > log.maxChangeSeq) log.maxChangeSeq = highest;
}

/** Rows of a partition from an offset on. */
const rowsFrom = (partition: number, offset: number, ids: readonly (readonly [string, number])[]): Row[] =>
  ids.map(([id, sequence], n) => ({ partition, offset: offset + n, id, sequence }));
const numbered = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => [`t${from + n}`, from + n] as const);

describe('a group', () => {
  it.each([1, 2, 3, 4])('of random rows has each change and each marker once (seed %i)', async (seed) => {
    const random = new Random(seed);
    const ends = [0, 0, 0];
    for (let group = 0; group < 12; group++) {
      const base = 1 + 4 * random.below(group + 2);
      const hasOthers = random.next() < 0.3;
      const rows = Array.from({ length: 1 + random.below(14) }, (): Row => {
        const partition = random.below(3);
        const sequence = hasOthers && random.next() < 0.5 ? 0 : base + random.below(5);
        const isMarker = random.next() < 0.15;
        const id = `${isMarker && random.next() < 0.8 ? 'm' : 'c'}${sequence}-${random.below(2)}`;
        return { partition, offset: ends[partition]++, id, sequence, isMarker };
      });
      await commit(rows);
    }
    expect(markers.length).toBeGreaterThan(0);
  });

  it.each([999, 1000, 1001, 1500])(
    'finds %i rows that are known, and keeps those between and after them',
    async (n) => {
      await commit(rowsFrom(0, 0, numbered(10, 10 + n)));
      const others = numbered(10, 20).map(([id, sequence]) => [`other-${id}`, sequence] as const);
      await commit([...rowsFrom(0, n, [...others, ...numbered(5, 12)]), ...rowsFrom(1, 0, numbered(10, 15 + n))]);
    },
  );

  it('finds the newest known change, and what has its sequence, among newer ones', async () => {
    await commit(rowsFrom(0, 0, numbered(10, 13)));
    await commit(rowsFrom(0, 3, [['t12', 12], ['other', 12], ...numbered(13, 15)]));
  });

  it('reads no more of the change log, and of its own ids, than can matter', async () => {
    const statements = async (rows: readonly Row[]) => {
      const run = vi.spyOn(connection, 'run');
      await commit(rows);
      const texts = run.mock.calls.map(([sql]) => sql);
      run.mockRestore();
      const ofLog = texts.filter((sql) => /FROM "?changes"? WHERE/.test(sql));
      return {
        ids: texts.some((sql) => /CREATE TEMP TABLE temp\.suspects/.test(sql)),
        sequencesOfLog: ofLog.some((sql) => /CREATE TEMP TABLE temp\.suspicious/.test(sql)),
        idsOfLog: ofLog.flatMap((sql) => /WHERE (change_seq [^)]*\)?)\) known\s+ON/.exec(sql)?.[1] ?? []),
        markers: texts.some((sql) => /(INTO|JOIN) sluice\.markers/.test(sql)),
      };
    };
    const nothing = { ids: false, sequencesOfLog: false, idsOfLog: [], markers: false };
    // All are newer than what is known, and differ.
    await statements(rowsFrom(0, 0, numbered(10, 20)));
    expect(await statements(rowsFrom(0, 10, numbered(20, 30)))).toEqual(nothing);
    // Two of the group have a sequence.
    const twice = [...numbered(30, 33), ['t31', 31] as const];
    expect(await statements(rowsFrom(0, 20, twice))).toEqual({ ...nothing, ids: true });
    // Older ones, between those that are known.
    expect(await statements(rowsFrom(0, 24, numbered(5, 8)))).toEqual({ ...nothing, sequencesOfLog: true });
    // Some are known.
    const known = await statements(rowsFrom(0, 27, numbered(31, 35)));
    expect(known).toMatchObject({ ids: true, sequencesOfLog: true, markers: false });
    expect(known.idsOfLog).toHaveLength(1);
    expect(known.idsOfLog[0]).toMatch(/^change_seq IN \(3[12], 3[12]\)$/);
    // Ids without a sequence: all with 0 may be the same.
    expect(await statements(rowsFrom(0, 31, [['other', 0]]))).toMatchObject({
      ids: true,
      idsOfLog: ['change_seq BETWEEN 0 AND 0'],
    });
    expect(await statements([{ partition: 0, offset: 32, id: 'm', sequence: 50, isMarker: true }])).toMatchObject({
      markers: true,
    });
  });

  it('reads nothing if it has no rows', async () => {
    const batches = [batch(0, 0, 5, { ...NO_STATS, messages: 5, tombstone: 5 })];
    expect(await insertNew(connection, log, 'nowhere', batches)).toEqual(batches);
  });

  it('has no duplicates without a change id', async () => {
    await open(specOf({ order_id: 'key', operation: 'operation' }));
    expect(log.changeId).toBeUndefined();
    await connection.run(`INSERT INTO incoming SELECT 0, n, 0, 'x', 'o',
      CASE n WHEN 2 THEN 'snapshot_end' ELSE 'insert' END, now() FROM range(4) rows(n)`);
    const stats = { ...NO_STATS, messages: 4, ok: 4, marker: 1, minChangeSeq: 0n, maxChangeSeq: 0n };
    const [written] = await insertNew(connection, log, 'incoming', [batch(0, 0, 4, stats)]);
    expect(written.stats).toMatchObject({ merged: 3, marker: 1, duplicate: 0 });
    expect(await rowsOf(connection, 'SELECT count(*)::INTEGER AS n FROM changes')).toEqual([{ n: 3 }]);
    expect(await rowsOf(connection, 'SELECT change_id FROM sluice.markers')).toEqual([{ change_id: '0-2' }]);
    expect(await rowsOf(connection, 'SELECT * FROM duckdb_tables() WHERE temporary')).toEqual([]);
  });
});
