/** What joined files say of themselves, and the rows that they have, from files and a ledger that are made by hand. */
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { beforeEach, describe, expect, it } from 'vitest';
import { literal, rowsOf } from '../../../src/core/sql.js';
import { tableColumns } from '../../../src/schema/spec.js';
import { ORDERS_SPEC } from '../../../src/schema/spec-file.js';
import { openFormat } from '../../../src/sinks/duckdb/format.js';
import { type AddedRows, lacksColumns, runsOf, writeJoinedFile } from '../../../src/sinks/duckdb/joined-file.js';
import { temporaryDirectory } from '../../support/batches.js';
import { memoryConnection } from '../../support/memory-database.js';

const TOPIC = 'orders';
let dataDir: string;
let connection: DuckDBConnection;

beforeEach(async () => {
  dataDir = temporaryDirectory();
  connection = await memoryConnection();
  await openFormat(connection, TOPIC);
});

type Metadata = Readonly<Record<string, string | number>>;

/** A file of rows with these offsets, in this order. @returns its path */
async function write(name: string, offsets: readonly number[], metadata: Metadata = {}, more = ''): Promise<string> {
  const path = join(dataDir, name);
  const entries = Object.entries({ topic: TOPIC, ...metadata }).map(([key, value]) => `'sluice.${key}': '${value}'`);
  await connection.run(
    `COPY (SELECT 2::INTEGER AS kafka_partition, kafka_offset::BIGINT AS kafka_offset, 'o' AS order_id ${more}
       FROM (VALUES ${offsets.map((offset) => `(${offset})`).join(', ')}) rows(kafka_offset))
     TO ${literal(path)} (FORMAT parquet, KV_METADATA {${entries.join(', ')}})`,
  );
  return path;
}

/** A batch of the ledger, of which two rows are merged and one of each other kind is counted. */
async function count(start: number, next: number, ids: readonly number[], partition = 2, topic = TOPIC): Promise<void> {
  await connection.run(
    `INSERT INTO sluice.batches BY NAME SELECT topic: '${topic}', partition_id: ${partition}, start_offset: ${start},
       next_offset: ${next}, rows_merged: 2, rows_duplicate: 1, rows_marker: 1, rows_quarantined: 1, rows_tombstone: 1,
       schema_ids: [${ids.join(', ')}]::INTEGER[], committed_at: now()`,
  );
}

async function joined(names: readonly string[], start: number, next: number, added?: AddedRows) {
  const files = names.map((name, n) => ({
    ...{ name, partition: 2, bytes: 1, batches: 1, rows: 1 },
    start: n === 0 ? start : start + n,
    next: n === names.length - 1 ? next : start + n + 1,
  }));
  const path = join(dataDir, 'joined.parquet');
  const options = { dataDir, topic: TOPIC, spec: ORDERS_SPEC, compression: 'zstd' } as const;
  await writeJoinedFile(connection, options, files, path, added);
  const entries = await rowsOf(
    connection,
    `SELECT decode(key) AS key, decode(value) AS value FROM parquet_kv_metadata(${literal(path)})`,
  );
  const rows = await rowsOf(connection, `FROM read_parquet(${literal(path)})`);
  return { metadata: Object.fromEntries(entries.map(({ key, value }) => [key, value])), rows };
}

const offsets = (rows: readonly Record<string, unknown>[]) => rows.map(({ kafka_offset }) => Number(kafka_offset));

describe('a joined file', () => {
  it('says what its files and their batches say', async () => {
    await write('a', [0, 1], { leader_epoch: 5, format: 2, text_bytes: 10, messages_ok: 90, other: 'x' });
    await write('b', [6, 7], { leader_epoch: 4, format: 3, text_bytes: 20, messages_ok: 90 });
    await count(0, 4, [3, 1]);
    await count(4, 6, []);
    await count(6, 9, [2, 3]);
    // Of others.
    await count(9, 12, [9]);
    await count(0, 4, [9], 1);
    await count(0, 4, [9], 2, 'other');
    expect((await joined(['a', 'b'], 0, 9)).metadata).toEqual({
      ...{ 'sluice.topic': TOPIC, 'sluice.partition': '2', 'sluice.start_offset': '0', 'sluice.next_offset': '9' },
      ...{ 'sluice.messages_ok': '12', 'sluice.messages_quarantined': '3', 'sluice.messages_tombstone': '3' },
      ...{ 'sluice.schema_ids': '1 2 3', 'sluice.leader_epoch': '5', 'sluice.format': '2' },
      'sluice.text_bytes': '30',
    });
  });

  it('leaves out what one of them does not say', async () => {
    await write('a', [0, 1], { text_bytes: 10 });
    await write('b', [6, 7], { format: 3 });
    await count(0, 9, []);
    expect((await joined(['a', 'b'], 0, 9)).metadata).toEqual({
      ...{ 'sluice.topic': TOPIC, 'sluice.partition': '2', 'sluice.start_offset': '0', 'sluice.next_offset': '9' },
      ...{ 'sluice.messages_ok': '4', 'sluice.messages_quarantined': '1', 'sluice.messages_tombstone': '1' },
    });
  });

  it('has the rows of its files in their order, the columns of the spec first', async () => {
    await write('a', [1, 0], {}, ', 7 AS gone');
    await write('b', [3, 2]);
    await count(0, 4, []);
    const { rows } = await joined(['a', 'b'], 0, 4);
    expect(offsets(rows)).toEqual([1, 0, 3, 2]);
    expect(Object.keys(rows[0])).toEqual([...tableColumns(ORDERS_SPEC).map(({ name }) => name), 'gone']);
    expect(rows[0]).toMatchObject({ kafka_partition: 2, order_id: 'o', change_id: null, gone: 7 });
  });

  it('has added rows between those, and what is said of them', async () => {
    await write('a', [0, 3], { format: 3, leader_epoch: 4, text_bytes: 10 });
    const paths = [await write('c', [2], { leader_epoch: 9, text_bytes: 1 }), await write('d', [1], { text_bytes: 2 })];
    await count(0, 4, []);
    const added = await joined(['a'], 0, 4, { paths, metadata: new Map([['sluice.replayed', 'x']]) });
    expect(offsets(added.rows)).toEqual([0, 1, 2, 3]);
    expect(added.metadata).toMatchObject({
      ...{ 'sluice.leader_epoch': '4', 'sluice.format': '3', 'sluice.text_bytes': '13', 'sluice.replayed': 'x' },
    });
    const metadata = new Map([['sluice.format', '1']]);
    const replaced = (rows: string) => `(SELECT * REPLACE ('p' AS order_id) FROM ${rows} WHERE kafka_offset > 0)`;
    const less = await joined(['a'], 0, 4, { paths, metadata, replaced });
    expect(less.rows.map(({ kafka_offset, order_id }) => [Number(kafka_offset), order_id])).toEqual([
      [1, 'p'],
      [2, 'p'],
      [3, 'p'],
    ]);
    expect(less.metadata).toMatchObject({ 'sluice.format': '1' });
  });
});

describe('the rows of files', () => {
  it('have the text that a file says, or what its columns have without compression', async () => {
    const said = await write('a', [0, 1, 2], { text_bytes: 10 });
    const unsaid = await write('b', [3, 4], { text_bytes: 'many' });
    const [{ bytes }] = await rowsOf(
      connection,
      `SELECT sum(total_uncompressed_size)::DOUBLE AS bytes FROM parquet_metadata(${literal(unsaid)})`,
    );
    expect(bytes).toBeGreaterThan(10);
    expect(await runsOf(connection, [unsaid, said])).toEqual([
      { rows: 3, textBytes: 10, isExact: true },
      { rows: 2, textBytes: bytes, isExact: false },
    ]);
  });
});

it('a file lacks columns if one of the spec is not in it', async () => {
  const file = (name: string) => ({ name, partition: 2, bytes: 1, batches: 1, rows: 1, start: 0, next: 1 });
  const lacks = (name: string) => lacksColumns(connection, { dataDir, spec: ORDERS_SPEC }, file(name));
  await write('a', [0]);
  await count(0, 1, []);
  await joined(['a'], 0, 1);
  expect([await lacks('a'), await lacks('joined.parquet')]).toEqual([true, false]);
});
