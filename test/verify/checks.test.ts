import { rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { openSql } from '../../src/query/sql-client.js';
import { specJson } from '../../src/schema/spec.js';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { writeJournal } from '../../src/sinks/duckdb/commit-journal.js';
import type { CheckResult, VerifyScope } from '../../src/verify/check.js';
import { checks } from '../../src/verify/checks.js';
import { readScope } from '../../src/verify/ledger.js';
import { makeBatch, openSink, order, TOPIC } from '../support/batches.js';
import { changeDatabase, writtenDirectory } from '../support/verifying.js';

let scope: VerifyScope;
const folder = () => join(scope.dataDir, 'parquet', TOPIC, 'sluice_partition=0');
const FIRST = '00000000000000000000-00000000000000000004.parquet';

beforeEach(async () => {
  scope = {
    dataDir: await writtenDirectory(),
    topic: TOPIC,
    spec: ORDERS_SPEC,
    table: 'cdc_orders',
    changeId: 'change_id',
  };
});

async function results(): Promise<CheckResult[]> {
  const client = await openSql(scope.dataDir);
  try {
    const found: CheckResult[] = [];
    for await (const result of checks(client, scope)) found.push(result);
    return found;
  } finally {
    client.close();
  }
}

async function problems(): Promise<string[]> {
  return (await results()).flatMap(({ name, problems }) => problems.map((text) => `${name}: ${text}`));
}

async function notes(): Promise<string[]> {
  return (await results()).flatMap(({ notes }) => notes);
}

describe('verify', () => {
  it('finds nothing if all agrees', async () => {
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
    [
      'a partition whose first batches are gone',
      'DELETE FROM sluice.batches WHERE partition_id = 0 AND start_offset = 0',
      /partition 0: it began at 0, the ledger begins at 4/,
    ],
    [
      'a position that moved without a batch',
      'DELETE FROM sluice.batches WHERE partition_id = 1',
      /partition 1: it began at 0, the ledger begins at 1/,
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
    await changeDatabase(scope.dataDir, sql);
    expect((await problems()).join('\n')).toMatch(expected);
  });

  it.each([
    [
      'a marker that is gone',
      'DELETE FROM sluice.markers WHERE message_offset = 9',
      /partition 0: 1 markers, 1 of them different ones, the ledger says 2/,
    ],
    [
      'a marker that is there twice',
      `DELETE FROM sluice.markers WHERE message_offset = 9; INSERT INTO sluice.markers FROM sluice.markers`,
      /partition 0: 2 markers, 1 of them different ones, the ledger says 2/,
    ],
    [
      'a marker that differs from the file',
      `UPDATE sluice.markers SET operation = 'snapshot_begin' WHERE message_offset = 9`,
      /partition 0: 1 marker not in the files, the first at offset 9/,
    ],
  ])('finds %s', async (_, sql, expected) => {
    const sink = await openSink(scope.dataDir);
    const markers = ['begin', 'end'].map((end) => order(end, { operation: `snapshot_${end}`, order_id: 'snapshot:T' }));
    await sink.stage(await makeBatch(scope.dataDir, 0, 8, markers));
    await sink.commit();
    await sink.close();
    expect(await problems()).toEqual([]);
    await changeDatabase(scope.dataDir, sql);
    expect((await problems()).join('\n')).toMatch(expected);
  });

  it('names what is missing in the database', async () => {
    await changeDatabase(scope.dataDir, 'DROP TABLE cdc_orders CASCADE');
    const found = await problems();
    expect(found).toHaveLength(3);
    for (const problem of found) expect(problem).toMatch(/: the table cdc_orders is missing in analytics\.db: /);
    await changeDatabase(scope.dataDir, 'ALTER TABLE sluice.quarantine RENAME COLUMN message_offset TO place');
    const quarantine = /^the quarantine has .*: the column message_offset is missing in analytics\.db or in a file$/;
    expect((await problems()).filter((text) => quarantine.test(text))).toHaveLength(1);
  });

  it('finds a file that is missing, cut short, or not explained', async () => {
    writeFileSync(join(folder(), '00000000000000000008-00000000000000000009.parquet'), 'x');
    expect(await problems()).toEqual([
      expect.stringMatching(/ledger does not name: parquet\/cdc_orders\/sluice_partition=0\/0+8-0+9\.parquet$/),
    ]);
    truncateSync(join(folder(), FIRST), 10);
    expect((await problems()).join('\n')).toMatch(/0+4\.parquet has 10 bytes, not \d+/);
    rmSync(join(folder(), FIRST));
    expect((await problems()).join('\n')).toMatch(/0+4\.parquet is missing/);
  });

  it('tells what the next start removes, which is no difference', async () => {
    const temporary = '.00000000000000000008-00000000000000000009.parquet.tmp';
    writeFileSync(join(folder(), temporary), 'x');
    const [file, joined] = ['00000000000000000008-00000000000000000009.parquet', FIRST.replace('4.', '8.')];
    for (const name of [file, joined]) writeFileSync(join(folder(), name), 'x');
    writeJournal(scope.dataDir, { commit: 3, files: [`parquet/${TOPIC}/sluice_partition=0/${file}`] });
    expect(await problems()).toEqual([]);
    expect((await notes()).filter((note) => note.includes('the next start'))).toEqual([
      expect.stringMatching(/removes \S+\.tmp: a write that was not finished/),
      expect.stringMatching(/removes \S+0-0+8\.parquet: .* \(a join\)/),
      expect.stringMatching(/removes \S+8-0+9\.parquet: commit 3 was not finished/),
    ]);
  });

  it('finds a file of the right size that cannot be read', async () => {
    const path = join(folder(), FIRST);
    writeFileSync(path, new Uint8Array(statSync(path).size));
    expect(await problems()).toEqual([
      expect.stringMatching(/^each file has the rows of its batch.*: .*0+4\.parquet/),
      expect.stringMatching(/^every row of cdc_orders is in the files.*: .*0+4\.parquet/),
    ]);
  });

  it('tells where and why partitions began, and what was lost in Kafka', async () => {
    await changeDatabase(
      scope.dataDir,
      `UPDATE sluice.positions SET start_reason = 'group' WHERE partition_id = 1;
      INSERT INTO sluice.batches BY NAME SELECT * REPLACE (8 AS start_offset, 11 AS next_offset, 'gap' AS kind,
        TIMESTAMPTZ '2026-01-02 03:04:05Z' AS committed_at, NULL AS file, NULL AS file_bytes, 0 AS rows_consumed,
        0 AS rows_merged, 0 AS rows_duplicate, 0 AS rows_quarantined, 0 AS rows_tombstone)
      FROM sluice.batches WHERE partition_id = 0 AND start_offset = 4;
      UPDATE sluice.positions SET next_offset = 11 WHERE partition_id = 0`,
    );
    expect(await problems()).toEqual([]);
    expect(await notes()).toEqual([
      'partition 0: offsets 8 to 11 were gone from Kafka before they were read, found 2026-01-02 03:04:05 UTC',
      'began at the earliest offset: partition 0 at 0',
      'began at the committed offset of the consumer group: partition 1 at 0',
    ]);
  });

  it('finds quarantined messages that are gone after a recovery, but not those that it could not recover', async () => {
    await changeDatabase(
      scope.dataDir,
      `UPDATE sluice.batches SET kind = 'recovered' WHERE partition_id = 0 AND start_offset = 0;
      DELETE FROM sluice.quarantine`,
    );
    expect(await problems()).toEqual([]);
    expect(await notes()).toContain(
      'partition 0: the ledger of offsets 0 to 4 was made from Parquet files, without 1 quarantined messages',
    );
    await changeDatabase(
      scope.dataDir,
      `UPDATE sluice.batches SET kind = 'recovered', file = NULL, rows_merged = 0, rows_quarantined = 1,
      rows_consumed = 1 WHERE partition_id = 1`,
    );
    expect((await notes()).join()).toMatch(
      /partition 1: .* without 1 quarantined messages; no file has offsets 0 to 1/,
    );
  });

  it('knows table and topic from the data directory itself', async () => {
    const client = await openSql(scope.dataDir);
    const spec = JSON.parse(specJson(ORDERS_SPEC));
    expect(await readScope(client, scope.dataDir)).toEqual({ ...scope, spec });
    client.close();
    await changeDatabase(scope.dataDir, 'UPDATE sluice.meta SET format_version = 99');
    const newer = await openSql(scope.dataDir);
    await expect(readScope(newer, scope.dataDir)).rejects.toMatchObject({ code: 'SLUICE_CONFIG' });
    newer.close();
  });
});
