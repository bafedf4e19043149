/** What a recovery keeps of an old database that can be read. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { specJson, type TableSpec } from '../../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../../src/schema/spec-file.js';
import { specHash } from '../../../src/schema/spec-hash.js';
import { writeJournal } from '../../../src/sinks/duckdb/commit-journal.js';
import { LEFT_COLUMNS } from '../../../src/sinks/duckdb/ddl.js';
import { FORGOTTEN } from '../../../src/sinks/duckdb/forget-tables.js';
import { rebuild } from '../../../src/sinks/duckdb/rebuild.js';
import { REPLAYS } from '../../../src/sinks/duckdb/replay-tables.js';
import { RESETS } from '../../../src/sinks/duckdb/reset.js';
import { makeBatch, openSink, order, TOPIC, temporaryDirectory, token } from '../../support/batches.js';
import { nameOf, parquetFiles, recovered } from '../../support/recovering.js';
import { changeDatabase, problems, queryDatabase } from '../../support/verifying.js';

const rebuilt = (dataDir: string, spec?: TableSpec) =>
  rebuild({ dataDir, topic: TOPIC, spec, fallbackSpec: ORDERS_SPEC, memoryLimit: 1 << 28 });

/** With the column `note` of this mask, or without it. */
const withNote = (mask?: string) => {
  const text = JSON.parse(specJson(ORDERS_SPEC));
  const columns = [...text.columns, { name: 'note', kind: 'text', ...(mask && { mask }) }];
  return parseSpec(JSON.stringify({ ...text, columns }), 'of the test');
};

/** A file of offsets 0 to 4: the rows 0 and 1, a duplicate, a quarantined message. @param sql changes its database */
async function directory(sql = 'SELECT 1', spec = ORDERS_SPEC): Promise<string> {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  await sink.stage(await makeBatch(dataDir, 0, 0, [order(token(1)), order(token(2)), order(token(1)), '{']));
  await sink.commit();
  await sink.close();
  await (await openSink(dataDir, { spec })).close();
  await changeDatabase(dataDir, sql);
  return dataDir;
}

it('keeps the key of masks, though its spec has none: quarantined messages are encrypted with it', async () => {
  const dataDir = await directory(
    `ALTER TABLE sluice.meta ADD COLUMN mask_key_id VARCHAR; UPDATE sluice.meta SET mask_key_id = 'c0ffee00'`,
  );
  await rebuilt(dataDir);
  expect(await queryDatabase(dataDir, 'SELECT mask_key_id FROM sluice.meta')).toEqual([['c0ffee00']]);
});

it('refuses the spec that a start refuses, and changes nothing', async () => {
  const masked = await directory('SELECT 1', withNote('redact'));
  const left = await directory(`${LEFT_COLUMNS}; INSERT INTO sluice.left_columns VALUES ('note', '"redact"')`);
  for (const dataDir of [masked, left]) {
    await expect(rebuilt(dataDir, withNote())).rejects.toMatchObject({
      code: 'SLUICE_SPEC_CHANGED',
      message: expect.stringContaining('has the mask "redact" in the data directory, and no mask in the table spec'),
    });
    expect(await problems(dataDir)).toEqual([]);
  }
});

it('keeps the masks of columns that its spec has and the given one has not', async () => {
  const dataDir = await directory('SELECT 1', withNote('redact'));
  const spec = parseSpec(JSON.stringify({ ...JSON.parse(specJson(ORDERS_SPEC)), ignore: ['note'] }), 'of the test');
  await rebuilt(dataDir, spec);
  expect(await queryDatabase(dataDir, 'FROM sluice.left_columns')).toEqual([['note', '"redact"']]);
  expect(await queryDatabase(dataDir, 'SELECT spec_hash FROM sluice.meta')).toEqual([[specHash(spec)]]);
});

it('keeps what operators did', async () => {
  const dataDir = await directory(
    `${RESETS}; INSERT INTO sluice.resets VALUES ('${TOPIC}', 0, 9, 4, '4', 1, 2, now());
     ${FORGOTTEN}; INSERT INTO sluice.forgotten VALUES ('${TOPIC}', 'hash', 0, NULL, 1, 0, 0, now())`,
  );
  await rebuilt(dataDir);
  const resets = 'SELECT from_offset::INTEGER, to_offset::INTEGER, asked FROM sluice.resets';
  expect(await queryDatabase(dataDir, resets)).toEqual([[9, 4, '4']]);
  expect(await queryDatabase(dataDir, 'SELECT key_hash FROM sluice.forgotten')).toEqual([['hash']]);
});

it('keeps what became of replayed messages, as it is now', async () => {
  const replay = (offset: number, outcome: string) =>
    `INSERT INTO sluice.replays VALUES ('${TOPIC}', 0, ${offset}, 'x', '${outcome}', 'hash', now());`;
  const dataDir = await directory(
    // Offset 3 was forgotten since, 7 is after the files.
    `${REPLAYS}; ${replay(0, 'duplicate')} ${replay(2, 'merged')} ${replay(3, 'merged')} ${replay(7, 'tombstone')}`,
  );
  await rebuilt(dataDir);
  expect(await queryDatabase(dataDir, 'SELECT message_offset::INTEGER, outcome FROM sluice.replays')).toEqual([
    [0, 'merged'],
    [2, 'duplicate'],
  ]);
  expect(await problems(dataDir)).toEqual([]);
});

describe('of what is in no file', () => {
  const POSITIONS = `SELECT partition_id, first_offset::INTEGER, next_offset::INTEGER, start_reason, leader_epoch
    FROM sluice.positions ORDER BY 1`;
  const QUARANTINED = 'SELECT partition_id, count(*)::INTEGER FROM sluice.quarantine GROUP BY ALL ORDER BY 1';

  /** Offsets 4 to 6 of partition 0, 500 to 503 of partition 2 have no rows; of partition 1 nothing was read. */
  async function withTails(): Promise<string> {
    const dataDir = await directory();
    const sink = await openSink(dataDir);
    await sink.initPositions([{ partition: 2, nextOffset: 500, reason: 'latest' }]);
    await sink.stage(await makeBatch(dataDir, 0, 4, ['{', null], { leaderEpoch: 7 }));
    await sink.stage(await makeBatch(dataDir, 2, 500, ['{', '[', '{'], { leaderEpoch: 3 }));
    await sink.commit();
    await sink.close();
    return dataDir;
  }

  it('keeps what followed the last file, and partitions without files', async () => {
    const dataDir = await withTails();
    const before = await queryDatabase(dataDir, POSITIONS);
    expect(before).toEqual([
      [0, 0, 6, 'earliest', 7],
      [1, 0, 0, 'earliest', null],
      [2, 500, 503, 'latest', 3],
    ]);
    expect((await rebuilt(dataDir)).partitions).toMatchObject([
      { start: 0, next: 6, quarantined: 2, quarantineKept: 2, readAgainTo: undefined },
      { start: 0, next: 0, quarantined: 0, quarantineKept: 0, readAgainTo: undefined },
      { start: 500, next: 503, quarantined: 3, quarantineKept: 3, readAgainTo: undefined },
    ]);
    expect(await queryDatabase(dataDir, POSITIONS)).toEqual(before);
    expect(await queryDatabase(dataDir, QUARANTINED)).toEqual([
      [0, 2],
      [2, 3],
    ]);
    expect(await problems(dataDir)).toEqual([]);
  });

  it('reads on where the first file is missing, and says so', async () => {
    const dataDir = await withTails();
    const sink = await openSink(dataDir);
    await sink.stage(await makeBatch(dataDir, 0, 6, [order(token(7))], { leaderEpoch: 8 }));
    await sink.stage(await makeBatch(dataDir, 2, 503, [order(token(8)), '{']));
    await sink.commit();
    await sink.stage(await makeBatch(dataDir, 0, 7, ['{']));
    await sink.commit();
    await sink.close();
    rmSync(join(dataDir, nameOf(0, 6, 7)));
    rmSync(join(dataDir, nameOf(2, 503, 505)));
    const { text } = await recovered(dataDir, 'fromParquet');
    expect(text).toContain('partition 0: offsets 0 to 6; files of offsets 6 to 8 are missing: "sluice run" reads');
    expect(text).toContain('partition 2: offsets 500 to 503; files of offsets 503 to 505 are missing:');
    expect((await queryDatabase(dataDir, POSITIONS)).map(([, , next, , epoch]) => [next, epoch])).toEqual([
      [6, null],
      [0, null],
      [503, null],
    ]);
    expect(await problems(dataDir)).toEqual([]);
  });

  it('leaves the rest of a commit to the next start, though it has a part of it', async () => {
    const dataDir = await withTails();
    const sink = await openSink(dataDir);
    await sink.stage(await makeBatch(dataDir, 0, 6, [order(token(7))]));
    await sink.stage(await makeBatch(dataDir, 1, 0, ['{']));
    await sink.stage(await makeBatch(dataDir, 2, 503, [order(token(8))]));
    await sink.commit();
    await sink.close();
    // As if it had ended at once after its COMMIT.
    writeJournal(dataDir, { commit: 3, files: [nameOf(0, 6, 7), nameOf(2, 503, 504)] });
    rmSync(join(dataDir, nameOf(0, 6, 7)));
    expect((await recovered(dataDir, 'fromParquet')).text).toContain(`the next start removes ${nameOf(2, 503, 504)}`);
    await (await openSink(dataDir)).close();
    expect(parquetFiles(dataDir)).toEqual([nameOf(0, 0, 4)]);
    expect(await queryDatabase(dataDir, QUARANTINED)).toEqual([
      [0, 2],
      [1, 1],
      [2, 3],
    ]);
    expect(await problems(dataDir)).toEqual([]);
  });

  it('names partitions that nothing is known of, and that a run does not take for new ones', async () => {
    const dataDir = await withTails();
    const sink = await openSink(dataDir);
    await sink.initPositions([{ partition: 3, nextOffset: 0, reason: 'earliest' }]);
    await sink.stage(await makeBatch(dataDir, 3, 0, [order(token(9))]));
    await sink.commit();
    await sink.close();
    rmSync(join(dataDir, 'analytics.db'));
    const { text } = await recovered(dataDir, 'fromParquet');
    expect(text).toContain('partition 1: nothing is known of it; START_FROM says where "sluice run" begins');
    expect(text).not.toContain('partition 2:');
  });
});
