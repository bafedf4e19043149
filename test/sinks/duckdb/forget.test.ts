/** What forgetting a key changes in a data directory, and what a failure leaves. */
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { SluiceError } from '../../../src/core/errors.js';
import { ORDERS_SPEC, parseSpec } from '../../../src/schema/spec-file.js';
import { Forget, type ForgetOptions } from '../../../src/sinks/duckdb/forget.js';
import { temporaryPath } from '../../../src/storage/data-dir.js';
import { makeBatch, openSink, order, select, sinkOptions, temporaryDirectory } from '../../support/batches.js';
import { failAt } from '../../support/failing-statement.js';
import { nameOf, recovered, verified } from '../../support/recovering.js';
import { HOUR_MS, retain } from '../../support/retaining.js';
import { changeDatabase, queryDatabase } from '../../support/verifying.js';

const [FIRST, SECOND, THIRD] = [nameOf(0, 0, 6), nameOf(0, 6, 8), nameOf(0, 8, 9)];
const of = (order_id: string, changeId: string, fields = {}) => order(changeId, { order_id, ...fields });

/** Three files, of which two have rows of C1, and the first a duplicate of it; and quarantined messages. */
async function written(state?: 'table'): Promise<string> {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir, { state });
  const files = [
    [of('C1', 'a'), of('C2', 'b'), of('C1', 'a'), '{"C1', '{"C2', of('C1', 'c')],
    [of('C2', 'd'), of('C1', 'e')],
    [of('C3', 'f')],
  ];
  let start = 0;
  for (const values of files) {
    await sink.stage(await makeBatch(dataDir, 0, start, values));
    await sink.commit();
    start += values.length;
  }
  await sink.close();
  return dataDir;
}

async function open(dataDir: string, more: Partial<ForgetOptions> = {}): Promise<Forget> {
  const forget = await Forget.open({
    ...sinkOptions(dataDir),
    ...{ state: undefined, compression: 'zstd', key: 'C1', keyHash: 'h' },
    isOfKey: (_, value) => Buffer.from(value!).includes('C1'),
    ...more,
  });
  onTestFinished(() => forget.close());
  return forget;
}

async function forgotten(dataDir: string, more: Partial<ForgetOptions> = {}) {
  const forget = await open(dataDir, more);
  try {
    return { ...(await forget.run()), hadState: forget.hadState };
  } finally {
    forget.close();
  }
}

const keysOf = (dataDir: string, name: string) =>
  queryDatabase(dataDir, `SELECT order_id FROM read_parquet('${join(dataDir, name)}') ORDER BY kafka_offset`);
const LEFT = `SELECT (SELECT count(*)::INTEGER FROM cdc_orders WHERE order_id = 'C1'),
  (SELECT count(*)::INTEGER FROM sluice.quarantine WHERE decode(value) LIKE '%C1%')`;
const COUNTS = `SELECT start_offset::INTEGER, rows_merged::INTEGER, rows_duplicate::INTEGER, rows_quarantined::INTEGER,
  rows_tombstone::INTEGER FROM sluice.batches ORDER BY 1`;

const NO_SPACE = new Error('no space');

describe('a key', () => {
  it('leaves the files that have it, the tables and the blocks of the database', async () => {
    const dataDir = await written('table');
    const third = statSync(join(dataDir, THIRD)).mtimeMs;
    expect(await forgotten(dataDir)).toEqual({ rows: 3, others: 1, quarantined: 1, files: 2, hadState: true });
    expect(await keysOf(dataDir, FIRST)).toEqual([['C2']]);
    expect(await keysOf(dataDir, SECOND)).toEqual([['C2']]);
    expect(statSync(join(dataDir, THIRD)).mtimeMs).toBe(third);
    expect(await queryDatabase(dataDir, LEFT)).toEqual([[0, 0]]);
    expect(await queryDatabase(dataDir, COUNTS)).toEqual([
      [0, 1, 0, 1, 4],
      [6, 1, 0, 0, 1],
      [8, 1, 0, 0, 0],
    ]);
    const noted = `SELECT file, rows_merged::INTEGER, rows_other::INTEGER, rows_quarantined::INTEGER, key_hash
      FROM sluice.forgotten ORDER BY file NULLS LAST`;
    expect(await queryDatabase(dataDir, noted)).toEqual([
      [FIRST, 2, 1, 0, 'h'],
      [SECOND, 1, 0, 0, 'h'],
      [null, 0, 0, 1, 'h'],
    ]);
    expect(readFileSync(join(dataDir, 'analytics.db')).includes('"C1')).toBe(false);
    expect((await verified(dataDir)).problems).toEqual([]);
    expect(await forgotten(dataDir)).toEqual({ rows: 0, others: 0, quarantined: 0, files: 0, hadState: false });
  });

  it('leaves the table also where its file has gone before it', async () => {
    const dataDir = await written();
    const sink = await openSink(dataDir, { retention: retain({ parquetMs: HOUR_MS }) });
    await select(sink, 'UPDATE sluice.batches SET committed_at = now() - INTERVAL 2 HOURS WHERE start_offset < 6');
    expect((await sink.compact({ everything: true })).retired.files).toBe(1);
    await sink.close();
    expect(await forgotten(dataDir)).toMatchObject({ rows: 3, others: 0, files: 1 });
    expect(await queryDatabase(dataDir, LEFT)).toEqual([[0, 0]]);
    expect((await verified(dataDir)).problems).toEqual([]);
  });

  it.each([
    ['with the old database', false],
    ['without it', true],
  ])('that all rows of files had leaves files without rows, which a recovery takes: %s', async (_, isLost) => {
    const dataDir = await written();
    await forgotten(dataDir, { key: 'C2' });
    await forgotten(dataDir, { key: 'C3' });
    await forgotten(dataDir);
    for (const name of [SECOND, THIRD]) expect(await keysOf(dataDir, name)).toEqual([]);
    const before = await queryDatabase(dataDir, COUNTS);
    if (isLost) rmSync(join(dataDir, 'analytics.db'));
    expect((await recovered(dataDir, 'fromParquet')).text).toContain('partition 0: offsets 0 to 9');
    expect(await queryDatabase(dataDir, COUNTS)).toEqual(before);
    expect((await verified(dataDir)).problems).toEqual([]);
    const sink = await openSink(dataDir);
    await sink.compact({ everything: true });
    await sink.close();
    expect((await verified(dataDir)).problems).toEqual([]);
  });

  it.each([
    ['with change ids', 'change_id', 2],
    ['without', undefined, 1],
  ])('leaves what has left the change log by its age: %s', async (_, role, offset) => {
    const columns = [
      { name: 'change_id', kind: 'text', required: true, ...(role && { role }) },
      { name: 'order_id', kind: 'text', required: true, role: 'key' },
    ];
    const spec = parseSpec(JSON.stringify({ table: 'cdc_orders', view: 'orders', columns }), 'of the test');
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir, { spec, retention: retain({ changesMs: HOUR_MS }) });
    // With ids, the second is a duplicate.
    await sink.stage(
      await makeBatch(
        dataDir,
        0,
        0,
        ['a', 'a', 'b'].map((id) => of('C1', id)),
        { spec },
      ),
    );
    await sink.stage(await makeBatch(dataDir, 0, 3, [of('C2', 'x')], { spec }));
    await sink.commit();
    await select(sink, 'UPDATE sluice.batches SET committed_at = now() - INTERVAL 2 HOURS');
    expect((await sink.compact({ everything: true })).retired.changes).toBe(3 - offset);
    await sink.close();
    expect(await forgotten(dataDir, { spec })).toMatchObject({ rows: 1, others: 2 });
    expect(await queryDatabase(dataDir, COUNTS)).toEqual([
      [0, 0, 0, 0, 3],
      [3, 1, 0, 0, 0],
    ]);
    const retired =
      'SELECT sum(rows_retired)::INTEGER, (SELECT count(*)::INTEGER FROM sluice.retired) FROM sluice.batches';
    expect(await queryDatabase(dataDir, retired)).toEqual([[0, 0]]);
  });

  it('is not that of a marker, which stays in its file', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    await sink.stage(await makeBatch(dataDir, 0, 0, [of('C1', 'm', { operation: 'snapshot_begin' }), of('C1', 'a')]));
    await sink.commit();
    await sink.close();
    expect(await forgotten(dataDir)).toMatchObject({ rows: 1, others: 0 });
    expect(await queryDatabase(dataDir, 'SELECT count(*)::INTEGER FROM sluice.markers')).toEqual([[1]]);
    expect((await verified(dataDir)).problems).toEqual([]);
  });
});

describe('what fails', () => {
  it.each([
    ['the new file', /^COPY/],
    ['the ledger', /^UPDATE sluice.batches SET file_bytes/],
    ['the change log', /^DELETE FROM "cdc_orders"/],
  ])('changes nothing of a file, and the rest can be done again: %s', async (_, statement) => {
    const dataDir = await written();
    const before = [await queryDatabase(dataDir, COUNTS), readFileSync(join(dataDir, FIRST))];
    failAt(statement, NO_SPACE);
    await expect(forgotten(dataDir)).rejects.toMatchObject({ message: expect.stringContaining('no space') });
    expect([await queryDatabase(dataDir, COUNTS), readFileSync(join(dataDir, FIRST))]).toEqual(before);
    expect(existsSync(temporaryPath(join(dataDir, FIRST)))).toBe(false);
    expect(await forgotten(dataDir)).toMatchObject({ rows: 3, others: 1, files: 2 });
    expect((await verified(dataDir)).problems).toEqual([]);
  });

  it('after a COMMIT is finished by the next start', async () => {
    const dataDir = await written();
    failAt(/^COMMIT$/, NO_SPACE, { isDone: true });
    // The first one is that of the tables.
    const opened = await open(dataDir).catch(() => open(dataDir));
    failAt(/^COMMIT$/, NO_SPACE, { isDone: true });
    const failure = { code: 'SLUICE_SINK', message: 'not all of the key is forgotten: do it again: no space' };
    await expect(opened.run()).rejects.toMatchObject(failure);
    opened.close();
    expect(existsSync(temporaryPath(join(dataDir, FIRST)))).toBe(true);
    await (await openSink(dataDir)).close();
    expect(await keysOf(dataDir, FIRST)).toEqual([['C2']]);
    expect((await verified(dataDir)).problems).toEqual([]);
    expect(await forgotten(dataDir)).toMatchObject({ rows: 1, others: 0, quarantined: 1, files: 1 });
  });

  it('leaves the quarantine as it was, if that fails', async () => {
    const dataDir = await written();
    failAt(/^DELETE FROM sluice.quarantine WHERE partition_id = 0\s+AND message_offset IN/, NO_SPACE);
    await expect(forgotten(dataDir, { key: 'none' })).rejects.toThrow('no space');
    expect(await queryDatabase(dataDir, LEFT)).toEqual([[3, 1]]);
    expect(await queryDatabase(dataDir, 'SELECT count(*)::INTEGER FROM sluice.forgotten')).toEqual([[0]]);
    // A transaction that is still open would keep it from the next one.
    const forget = await open(dataDir, { key: 'none' });
    failAt(/^INSERT INTO sluice.forgotten/, NO_SPACE);
    await expect(forget.run()).rejects.toThrow('no space');
    expect(await forget.run()).toMatchObject({ rows: 0, quarantined: 1 });
  });

  it('because a message cannot be read, changes nothing', async () => {
    const dataDir = await written();
    const isOfKey = () => {
      throw new SluiceError('SLUICE_CONFIG', 'it is encrypted');
    };
    await expect(forgotten(dataDir, { isOfKey })).rejects.toMatchObject({
      code: 'SLUICE_CONFIG',
      message: 'partition 0, offset 3: it is encrypted',
    });
    expect(await queryDatabase(dataDir, LEFT)).toEqual([[3, 1]]);
  });

  it('at the opening leaves the directory to others', async () => {
    const dataDir = await written();
    await expect(open(dataDir, { topic: 'other' })).rejects.toMatchObject({ code: 'SLUICE_CONFIG' });
    failAt(/^CREATE TABLE IF NOT EXISTS sluice.forgotten/, NO_SPACE);
    await expect(open(dataDir)).rejects.toMatchObject({
      code: 'SLUICE_SINK',
      message: 'the data directory cannot be opened: no space',
    });
    await changeDatabase(dataDir, 'SELECT 1');
    expect(readdirSync(dataDir).sort()).toEqual(['analytics.db', 'parquet']);
    expect((await open(dataDir, { spec: ORDERS_SPEC })).removed).toEqual([]);
  });
});
