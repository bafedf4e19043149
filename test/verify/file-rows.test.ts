/** Rows and markers of the tables against the files, by partition. */
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { openSql } from '../../src/query/sql-client.js';
import { parquetPath } from '../../src/storage/data-dir.js';
import type { CheckResult } from '../../src/verify/check.js';
import { fileChecks, readLedger } from '../../src/verify/files.js';
import { readScope } from '../../src/verify/ledger.js';
import { makeBatch, openSink, order, TOPIC, temporaryDirectory } from '../support/batches.js';
import { nameOf } from '../support/recovering.js';
import { changeDatabase, retainIn, writtenDirectory } from '../support/verifying.js';

let dataDir: string;
beforeEach(async () => {
  dataDir = await writtenDirectory();
});

async function results(): Promise<CheckResult[]> {
  const client = await openSql(dataDir);
  try {
    const found: CheckResult[] = [];
    for await (const result of fileChecks(client, await readScope(client, dataDir))) found.push(result);
    return found;
  } finally {
    client.close();
  }
}
const problems = async () => (await results()).map((result) => result.problems);
const marker = (partition: number, offset: number) =>
  `INSERT INTO sluice.markers BY NAME SELECT topic: '${TOPIC}', partition_id: ${partition}, message_offset: ${offset},
     change_id: 'm', snapshot: 's', operation: 'snapshot_begin';`;

it('all agrees', async () => {
  const found = await results();
  expect(found.map(({ name }) => name)).toEqual([
    'all Parquet files of the ledger are there, in full',
    'each file has the rows of its batches, each offset once',
    'every row of cdc_orders is in the files, value by value',
    'every marker is in the files',
    'there are no Parquet files that the ledger does not name',
  ]);
  expect(found.flatMap(({ problems, notes }) => [...problems, ...notes])).toEqual([]);
});

it('rows that differ are counted by partition', async () => {
  await changeDatabase(dataDir, `UPDATE cdc_orders SET status = 'other' WHERE kafka_offset IN (0, 1)`);
  expect(await problems()).toEqual([
    [],
    [],
    ['partition 0: 2 rows differ, the first at offset 0', 'partition 1: 1 rows differ, the first at offset 0'],
    [],
    [],
  ]);
});

it('markers that no file has are counted by partition, at the offsets of files', async () => {
  await changeDatabase(dataDir, `${marker(0, 2)} ${marker(0, 6)} ${marker(0, 99)} ${marker(1, 0)} ${marker(3, 0)}`);
  expect((await problems())[3]).toEqual([
    'partition 0: 2 markers not in the files, the first at offset 2',
    'partition 1: 1 marker not in the files, the first at offset 0',
  ]);
});

it('markers that a file has agree', async () => {
  dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  await sink.stage(await makeBatch(dataDir, 0, 0, [order('m', { operation: 'snapshot_begin' }), order('a')]));
  await sink.commit();
  await sink.close();
  expect((await problems()).flat()).toEqual([]);
  await changeDatabase(dataDir, `UPDATE sluice.markers SET snapshot = 'other'`);
  expect((await problems())[3]).toEqual(['partition 0: 1 marker not in the files, the first at offset 0']);
});

it('rows of a file are too many where the ledger counts none', async () => {
  await changeDatabase(
    dataDir,
    'UPDATE sluice.batches SET rows_tombstone = 3, rows_merged = 0 WHERE partition_id = 0 AND start_offset = 0',
  );
  expect((await problems())[1]).toEqual([`${nameOf(0, 0, 4)} has 2 rows, the ledger says 0`]);
});

it('a file that is not whole is told by its size, and not read', async () => {
  const first = parquetPath(dataDir, TOPIC, 0, 0, 4);
  truncateSync(first, 100);
  writeFileSync(join(dataDir, 'parquet', TOPIC, 'sluice_partition=0', 'other.parquet'), 'x');
  await changeDatabase(dataDir, `UPDATE cdc_orders SET status = 'other' WHERE kafka_offset IN (1, 5)`);
  const [sizes, content, rows, , stray] = await problems();
  expect(sizes).toEqual([expect.stringMatching(/0+-0+4\.parquet has 100 bytes, not \d+$/)]);
  expect(content).toEqual([]);
  // Of the offsets of the other one.
  expect(rows).toEqual(['partition 0: 1 rows differ, the first at offset 5']);
  expect(stray).toEqual([`parquet/${TOPIC}/sluice_partition=0/other.parquet`]);
});

it('rows between the offsets of files are not looked for in them', async () => {
  await changeDatabase(
    dataDir,
    `UPDATE sluice.batches SET start_offset = 5 WHERE start_offset = 4;
     INSERT INTO cdc_orders SELECT * REPLACE (4 AS kafka_offset) FROM cdc_orders
       WHERE kafka_offset = 1 AND kafka_partition = 0`,
  );
  expect((await problems())[2]).toEqual([]);
});

it('what the ledger says of files is of the last commit, and of those that have left', async () => {
  const read = async () => {
    const client = await openSql(dataDir);
    try {
      return await readLedger(client);
    } finally {
      client.close();
    }
  };
  expect(await read()).toMatchObject({
    files: [{ name: nameOf(0, 0, 4) }, { name: nameOf(0, 4, 8) }, { name: nameOf(1, 0, 1) }],
    ranges: [
      { partition: 0, start: 0, next: 8 },
      { partition: 1, start: 0, next: 1 },
    ],
    retired: [],
    lastCommit: 2,
  });
  await retainIn(dataDir);
  await changeDatabase(dataDir, 'UPDATE sluice.batches SET file_retired = file, file = NULL WHERE start_offset = 4');
  expect((await read()).retired).toEqual([{ partition: 0, start: 4, next: 8 }]);
  await changeDatabase(dataDir, 'DELETE FROM sluice.batches');
  expect(await read()).toMatchObject({ files: [], ranges: [], lastCommit: 0 });
});
