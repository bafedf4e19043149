/** What a piece of a replay changes in a data directory, and what it leaves as it was when it fails. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBConnection } from '@duckdb/node-api';
import { describe, expect, it, vi } from 'vitest';
import type { ReplayedBatch } from '../../../src/core/replay.js';
import { parseSpec } from '../../../src/schema/spec-file.js';
import { specHash } from '../../../src/schema/spec-hash.js';
import type { DuckDbSink } from '../../../src/sinks/duckdb/sink.js';
import { temporaryPath } from '../../../src/storage/data-dir.js';
import { makeBatch, openSink, select, TOPIC, temporaryDirectory, token } from '../../support/batches.js';
import { failAt } from '../../support/failing-statement.js';
import { nameOf, parquetFiles, verified } from '../../support/recovering.js';
import { HOUR_MS, retain } from '../../support/retaining.js';
import { shopSpec } from '../../support/shop-spec.js';

const SPEC = parseSpec(shopSpec(false), 'of the test');
const HASH = specHash(SPEC);
const row = (id: string, more: object = {}) => JSON.stringify({ id, key: id, operation: 'insert', ...more });

/** The batches 0–4, of which the second message is a row, and 4–6 without a row; of partition 1 a row. */
async function written(): Promise<{ dataDir: string; sink: DuckDbSink }> {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir, { spec: SPEC });
  const stage = async (partition: number, start: number, values: string[]) =>
    sink.stage(await makeBatch(dataDir, partition, start, values, { spec: SPEC }));
  await stage(0, 0, ['{', row('a'), '{', '{']);
  await sink.commit();
  await stage(0, 4, ['{', '{']);
  await stage(1, 0, [row('z')]);
  await sink.commit();
  return { dataDir, sink };
}

/** Messages of a batch as a replay reads them: a null value is a tombstone. */
async function read([start, next]: [number, number], from: number, values: (string | null)[]): Promise<ReplayedBatch> {
  const made = await makeBatch(temporaryDirectory(), 0, from, values, { spec: SPEC });
  const taken = values.map((_, n) => from + n);
  return { ...made, startOffset: start, nextOffset: next, quarantined: [], taken };
}

const FIRST: [number, number] = [0, 4];
const SECOND: [number, number] = [4, 6];
const replay = (sink: DuckDbSink, ...batches: ReplayedBatch[]) => sink.replay({ specHash: HASH, batches });

const LOG = 'SELECT id, kafka_offset::INTEGER FROM cdc_orders WHERE kafka_partition = 0 ORDER BY kafka_offset';
const LEFT = 'SELECT message_offset::INTEGER FROM sluice.quarantine ORDER BY 1';
const LEDGER = `SELECT start_offset::INTEGER, file, rows_merged::INTEGER, rows_quarantined::INTEGER FROM sluice.batches
  WHERE partition_id = 0 ORDER BY 1`;
const [FIRST_FILE, SECOND_FILE] = [nameOf(0, 0, 4), nameOf(0, 4, 6)];

/** All that a piece can change. */
async function all(sink: DuckDbSink, dataDir: string) {
  const files = parquetFiles(dataDir).map((name) => [name, statSync(join(dataDir, name)).size]);
  const tables = `SELECT table_name FROM duckdb_tables() WHERE schema_name = 'sluice' AND table_name = 'replays'`;
  return [files, ...(await Promise.all([LOG, LEFT, LEDGER, tables].map((sql) => select(sink, sql))))];
}

const problems = async (dataDir: string) => (await verified(dataDir)).problems;

describe('a piece', () => {
  it('adds its rows to the file of their batch, in order', async () => {
    const { dataDir, sink } = await written();
    const before = statSync(join(dataDir, FIRST_FILE)).size;
    const outcome = await replay(sink, await read(FIRST, 2, [row('b'), row('c')]));
    expect(outcome).toEqual({ merged: 2, duplicate: 0, marker: 0, tombstone: 0 });
    expect(await select(sink, LOG)).toEqual([
      ['a', 1],
      ['b', 2],
      ['c', 3],
    ]);
    expect((await select(sink, LEFT)).flat()).toEqual([0, 4, 5]);
    expect(await select(sink, LEDGER)).toEqual([
      [0, FIRST_FILE, 3, 1],
      [4, null, 0, 2],
    ]);
    expect(statSync(join(dataDir, FIRST_FILE)).size).not.toBe(before);
    const bytes = `SELECT file_bytes::INTEGER FROM sluice.batches WHERE file = '${FIRST_FILE}'`;
    expect(await select(sink, bytes)).toEqual([[statSync(join(dataDir, FIRST_FILE)).size]]);
    const inFile = `SELECT kafka_offset::INTEGER
      FROM read_parquet('${join(dataDir, FIRST_FILE)}', hive_partitioning = false)`;
    expect((await select(sink, inFile)).flat()).toEqual([1, 2, 3]);
  });

  it('gets a file of its own if its batch has none', async () => {
    const { dataDir, sink } = await written();
    expect(await replay(sink, await read(SECOND, 4, [row('b'), row('a')]))).toMatchObject({ merged: 1, duplicate: 1 });
    expect(parquetFiles(dataDir)).toEqual([FIRST_FILE, SECOND_FILE, nameOf(1, 0, 1)]);
    const inFile = `SELECT list(kafka_offset::INTEGER)::VARCHAR
      FROM read_parquet('${join(dataDir, SECOND_FILE)}', hive_partitioning = false)`;
    expect(await select(sink, inFile)).toEqual([['[4, 5]']]);
    expect(await select(sink, LEDGER)).toEqual([
      [0, FIRST_FILE, 1, 3],
      [4, SECOND_FILE, 1, 0],
    ]);
  });

  it('of tombstones has no file', async () => {
    const { dataDir, sink } = await written();
    const before = await all(sink, dataDir);
    expect(await replay(sink, await read(SECOND, 4, [null]))).toMatchObject({ merged: 0, tombstone: 1 });
    const [files] = await all(sink, dataDir);
    expect(files).toEqual(before[0]);
    expect((await select(sink, LEFT)).flat()).toEqual([0, 2, 3, 5]);
    expect(await select(sink, 'SELECT outcome FROM sluice.replays')).toEqual([['tombstone']]);
  });

  it('of several batches goes into their joined file, which they then all name', async () => {
    const { dataDir, sink } = await written();
    await sink.stage(await makeBatch(dataDir, 0, 6, [row('x'), '{'], { spec: SPEC }));
    await sink.commit();
    await sink.compact({ everything: true });
    const joined = nameOf(0, 0, 8);
    expect(parquetFiles(dataDir)).toContain(joined);
    const batches = [await read(FIRST, 0, [row('b')]), await read([6, 8], 7, [row('c')])];
    expect(await replay(sink, ...batches)).toMatchObject({ merged: 2 });
    const sizes =
      'SELECT DISTINCT file, file_bytes::INTEGER FROM sluice.batches WHERE partition_id = 0 AND file IS NOT NULL';
    expect(await select(sink, sizes)).toEqual([[joined, statSync(join(dataDir, joined)).size]]);
    // Only a batch that has rows now names the file.
    const ofSecond = 'SELECT file FROM sluice.batches WHERE partition_id = 0 AND start_offset = 4';
    await replay(sink, await read(FIRST, 3, [row('e')]), await read(SECOND, 4, [null]));
    expect(await select(sink, ofSecond)).toEqual([[null]]);
    await replay(sink, await read(SECOND, 5, [row('f')]));
    expect(await select(sink, ofSecond)).toEqual([[joined]]);
    expect(await select(sink, sizes)).toEqual([[joined, statSync(join(dataDir, joined)).size]]);
    // Of batches of two places, it takes none.
    const other = { ...(await read([0, 1], 0, [row('q')])), partition: 1 };
    expect(await replay(sink, await read(FIRST, 2, [row('d')]), other)).toBeUndefined();
    expect((await select(sink, LEFT)).flat()).toContain(2);
    await sink.close();
    expect(await problems(dataDir)).toEqual([]);
  });

  it('has later commits look for its changes', async () => {
    const { dataDir, sink } = await written();
    const [low, high] = [token(8), token(9)];
    await replay(sink, await read(SECOND, 4, [row(high)]));
    // Also for those of higher sequences than the last that were taken.
    await replay(sink, await read(SECOND, 5, [row(low)]));
    for (const [index, id] of [high, low].entries()) {
      await sink.stage(await makeBatch(dataDir, 1, 1 + index, [row(id)], { spec: SPEC }));
      expect(await sink.commit()).toMatchObject({ stats: { merged: 0, duplicate: 1 } });
    }
  });

  it('moves the watermark forward, and back from a time that is not yet', async () => {
    const { sink } = await written();
    const mark = async () =>
      (await select(sink, 'SELECT watermark::VARCHAR, partition_id FROM sluice.positions ORDER BY 2')).flat();
    expect(await mark()).toEqual([null, 0, null, 1]);
    await replay(sink, await read(FIRST, 0, [row('b')]));
    expect(await mark()).toEqual([null, 0, null, 1]);
    const at = (day: string) => ({ at: `2023-11-${day}T00:00:00Z` });
    await replay(sink, await read(FIRST, 2, [row('c', at('09'))]));
    expect((await mark())[0]).toMatch(/^2023-11-09/);
    await replay(sink, await read(FIRST, 3, [row('d', at('05'))]));
    expect((await mark())[0]).toMatch(/^2023-11-09/);
    await select(sink, `UPDATE sluice.positions SET watermark = now() + INTERVAL 30 DAYS`);
    await replay(sink, await read(SECOND, 4, [row('e', at('07'))]));
    expect((await mark())[0]).toMatch(/^2023-11-07/);
    await select(sink, 'UPDATE sluice.positions SET watermark = now()');
    await replay(sink, await read(SECOND, 5, [row('f', at('07'))]));
    expect((await mark())[0]).not.toMatch(/^2023/);
    expect((await mark())[2]).not.toMatch(/^2023/);
  });
});

describe('nothing changes', () => {
  it('if messages have left the quarantine, or their file has', async () => {
    const { dataDir, sink } = await written();
    const batch = await read(FIRST, 2, [row('b'), row('c')]);
    await replay(sink, await read(FIRST, 2, [row('b')]));
    const before = await all(sink, dataDir);
    expect(await replay(sink, batch)).toBeUndefined();
    expect(await replay(sink, await read(SECOND, 4, [row('x')]), { ...batch, taken: [2] })).toBeUndefined();
    expect(await all(sink, dataDir)).toEqual(before);
    expect(existsSync(temporaryPath(join(dataDir, FIRST_FILE)))).toBe(false);
    await sink.close();
    const retaining = await openSink(dataDir, { spec: SPEC, retention: retain({ parquetMs: 10_000 * HOUR_MS }) });
    await select(retaining, `UPDATE sluice.batches SET file_retired = file, file = NULL WHERE start_offset = 0`);
    expect(await replay(retaining, await read(FIRST, 3, [row('c')]))).toBeUndefined();
    expect(await replay(retaining, await read(SECOND, 4, [row('c')]))).toMatchObject({ merged: 1 });
  });

  it.each([
    ['the new file', /^COPY/, /^cannot write .*\.parquet\.tmp: no space/],
    ['the ledger', /^UPDATE sluice.batches SET file = /, /partition 0 cannot be taken out of the quarantine: no space/],
  ])('if %s cannot be written', async (_, statement, message) => {
    const { dataDir, sink } = await written();
    const [before, batch] = [await all(sink, dataDir), await read(FIRST, 2, [row('b')])];
    failAt(statement, new Error('no space'));
    const expected = { code: 'SLUICE_SINK', message: expect.stringMatching(message) };
    await expect(replay(sink, batch)).rejects.toMatchObject(expected);
    expect(await all(sink, dataDir)).toEqual(before);
    expect(existsSync(temporaryPath(join(dataDir, FIRST_FILE)))).toBe(false);
    // And all can go on.
    expect(await replay(sink, batch)).toMatchObject({ merged: 1 });
  });

  it('with another table spec, or when the sink closes', async () => {
    const { dataDir, sink } = await written();
    const before = await all(sink, dataDir);
    const batches = [await read(FIRST, 2, [row('b')])];
    await expect(sink.replay({ specHash: 'another', batches })).rejects.toMatchObject({ code: 'SLUICE_SPEC_CHANGED' });
    const interrupt = vi.spyOn(DuckDBConnection.prototype, 'interrupt');
    const ending = { code: 'SLUICE_QUERY', message: 'the running process is ending' };
    const run = DuckDBConnection.prototype.run;
    const closed = new Promise<void>((resolve) => {
      const spy = vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(async function (
        this: DuckDBConnection,
        ...args
      ) {
        if (!/^COPY/.test(args[0])) return await run.apply(this, args);
        spy.mockRestore();
        interrupt.mockClear();
        resolve(sink.close());
        await vi.waitFor(() => expect(interrupt).toHaveBeenCalled());
        throw new Error('interrupted');
      });
    });
    const [first, second] = [replay(sink, ...batches), replay(sink, ...batches)];
    await expect(first).rejects.toMatchObject(ending);
    await expect(second).rejects.toMatchObject(ending);
    await closed;
    interrupt.mockRestore();
    const again = await openSink(dataDir, { spec: SPEC });
    expect(await all(again, dataDir)).toEqual(before);
  });
});

it('a file that is written when the sink closes is removed', async () => {
  const { dataDir, sink } = await written();
  const path = temporaryPath(join(dataDir, FIRST_FILE));
  let closed: Promise<void> | undefined;
  let wasWritten = false;
  const close = () => {
    wasWritten = existsSync(path);
    closed = sink.close();
  };
  failAt(/^ROLLBACK$/, new Error('done already'), { isDone: true, meanwhile: close });
  const refused = { code: 'SLUICE_QUERY', message: 'the running process is ending' };
  await expect(replay(sink, await read(FIRST, 2, [row('b')]))).rejects.toMatchObject(refused);
  await closed;
  expect([wasWritten, existsSync(path), await problems(dataDir)]).toEqual([true, false, []]);
});

it('a COMMIT that fails ends all that would change the directory, and the next start finishes it', async () => {
  const { dataDir, sink } = await written();
  const batch = await read(FIRST, 2, [row('b')]);
  failAt(/^COMMIT$/, new Error('no answer'), { isDone: true });
  const broken = {
    message: expect.stringContaining('the next start finishes or undoes it: no answer'),
    retryable: false,
  };
  await expect(replay(sink, batch)).rejects.toMatchObject(broken);
  expect(existsSync(temporaryPath(join(dataDir, FIRST_FILE)))).toBe(true);
  await sink.stage(await makeBatch(dataDir, 1, 1, [row('y')], { spec: SPEC }));
  await expect(sink.commit()).rejects.toMatchObject(broken);
  await expect(sink.compact()).rejects.toMatchObject(broken);
  await sink.close();
  const again = await openSink(dataDir, { spec: SPEC });
  expect(existsSync(temporaryPath(join(dataDir, FIRST_FILE)))).toBe(false);
  expect((await select(again, LOG)).length).toBe(2);
  expect(
    await select(again, `SELECT count(*)::INTEGER FROM sluice.batches WHERE topic = '${TOPIC}' AND file_bytes > 0`),
  ).toEqual([[2]]);
  await again.close();
  expect(await problems(dataDir)).toEqual([]);
});
