import { rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { beforeEach, describe, expect, it } from 'vitest';
import { openSql } from '../src/sql-client.js';
import { checkKafka, checks, type VerifyScope } from '../src/verify.js';
import { makeBatch, openMerge, order, TOPIC, temporaryDirectory, token } from './support/batches.js';

let scope: VerifyScope;
const folder = () => join(scope.dataDir, 'parquet', TOPIC, 'sluice_partition=0');
const FIRST = '00000000000000000000-00000000000000000004.parquet';

/** Two batches with duplicates, quarantine, a tombstone and a gap at the end. */
beforeEach(async () => {
  const dataDir = temporaryDirectory();
  scope = { dataDir, topic: TOPIC, table: 'cdc_orders', changeId: 'change_id' };
  const merge = await openMerge(dataDir);
  const values = [order(token(1), { amount: 5 }), order(token(2)), '{', null];
  await merge.stage(await makeBatch(dataDir, 0, 0, values));
  await merge.commit();
  await merge.stage(await makeBatch(dataDir, 0, 4, [order(token(2)), order(token(3))], { nextOffset: 8 }));
  await merge.stage(await makeBatch(dataDir, 1, 0, [order('x')]));
  await merge.commit();
  await merge.close();
});

async function change(sql: string): Promise<void> {
  const instance = await DuckDBInstance.create(join(scope.dataDir, 'analytics.db'));
  const connection = await instance.connect();
  await connection.run(sql);
  connection.closeSync();
  instance.closeSync();
}

async function problems(): Promise<string[]> {
  const client = await openSql(scope.dataDir);
  try {
    const found: string[] = [];
    for await (const { name, problems } of checks(client, scope))
      found.push(...problems.map((text) => `${name}: ${text}`));
    return found;
  } finally {
    client.close();
  }
}

describe('verify', () => {
  it('finds nothing where all agrees', async () => {
    expect(await problems()).toEqual([]);
  });

  it.each([
    [
      'a gap between ranges',
      'UPDATE sluice.batches SET start_offset = 5 WHERE start_offset = 4',
      /partition 0: a batch starts at 5, the one before it ends at 4/,
    ],
    [
      'a count that does not add up',
      'UPDATE sluice.batches SET rows_tombstone = 2 WHERE rows_tombstone = 1',
      /offsets 0 to 4: consumed 4/,
    ],
    [
      'a position elsewhere',
      'UPDATE sluice.positions SET next_offset = 9 WHERE partition_id = 0',
      /the position is 9, the ledger ends at 8/,
    ],
    [
      'a position that is gone',
      'DELETE FROM sluice.positions WHERE partition_id = 1',
      /partition 1: the position is gone, the ledger ends at 1/,
    ],
    ['a row that is gone', `DELETE FROM cdc_orders WHERE change_id = 'x'`, /partition 1: .* rows, the ledger says 1/],
    ['a row that is there twice', `INSERT INTO cdc_orders FROM cdc_orders WHERE change_id = 'x'`, /x is there 2 times/],
    [
      'a message gone from the quarantine',
      'DELETE FROM sluice.quarantine',
      /partition 0: .* messages, the ledger says 1/,
    ],
    [
      'a value that differs from the file',
      `UPDATE cdc_orders SET amount = 6 WHERE amount = 5`,
      /partition 0: 1 rows differ, the first at offset 0/,
    ],
    [
      'a file with other rows than its batch',
      'UPDATE sluice.batches SET rows_merged = 3, rows_tombstone = 0 WHERE start_offset = 0 AND partition_id = 0',
      /has 2 rows, the ledger says 3/,
    ],
  ])('finds %s', async (_, sql, expected) => {
    await change(sql);
    expect((await problems()).join('\n')).toMatch(expected);
  });

  it('finds a file that is missing, cut short, or not in the ledger', async () => {
    writeFileSync(join(folder(), '.00000000000000000008-00000000000000000009.parquet.tmp'), 'x');
    expect((await problems()).join('\n')).toMatch(
      /ledger does not name: parquet\/cdc_orders\/sluice_partition=0\/\.0+8-0+9\.parquet\.tmp/,
    );
    truncateSync(join(folder(), FIRST), 10);
    expect((await problems()).join('\n')).toMatch(/0+4\.parquet has 10 bytes, not \d+/);
    rmSync(join(folder(), FIRST));
    expect((await problems()).join('\n')).toMatch(/0+4\.parquet is missing/);
  });

  it('finds a file of the right size that cannot be read', async () => {
    const path = join(folder(), FIRST);
    writeFileSync(path, new Uint8Array(statSync(path).size));
    expect(await problems()).toEqual([
      expect.stringMatching(/^each file has the rows of its batch.*: .*0+4\.parquet/),
      expect.stringMatching(/^every row of cdc_orders is in the files.*: .*0+4\.parquet/),
    ]);
  });

  it('compares positions with what Kafka has', async () => {
    const client = await openSql(scope.dataDir);
    const kafka = (low: number, high: number) => checkKafka(client, [{ partition: 0, low, high }]);
    expect((await kafka(0, 8)).problems).toEqual([]);
    expect((await kafka(9, 12)).problems).toEqual(['partition 0: the position is 8, Kafka has 9 to 12']);
    expect((await kafka(0, 7)).problems).toHaveLength(1);
    client.close();
  });
});
