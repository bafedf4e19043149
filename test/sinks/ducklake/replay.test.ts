/** What a piece of a replay changes in a lake with its catalog in a file, and what a failure leaves. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import type { ReplayedBatch } from '../../../src/core/replay.js';
import { parseSpec } from '../../../src/schema/spec-file.js';
import { specHash } from '../../../src/schema/spec-hash.js';
import type { DuckLakeSink, DuckLakeSinkOptions } from '../../../src/sinks/ducklake/sink.js';
import { listFiles } from '../../../src/storage/data-dir.js';
import { makeBatch, select, TOPIC, temporaryDirectory, token } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { failAt } from '../../support/failing-statement.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../../support/lakes.js';
import { shopSpec } from '../../support/shop-spec.js';

const SPEC = parseSpec(shopSpec(false), 'of the test');
const row = (id: string) => JSON.stringify({ id, key: id, operation: 'insert' });
const CONFLICT = new Error('TransactionContext Error: conflict');
const FIRST: [number, number] = [0, 4];
const SECOND: [number, number] = [4, 6];

interface Lake {
  readonly options: DuckLakeSinkOptions;
  readonly sink: DuckLakeSink;
  /** The files of changes that DuckLake could have made, with or without rows that stay. */
  readonly files: () => string[];
}

/** The batches 0–4, of which the second message is a row, and 4–6 without a row. */
async function written(more: Partial<DuckLakeSinkOptions> = {}): Promise<Lake> {
  const options = { ...lakeOptions(temporaryDirectory()), spec: SPEC, ...more };
  const sink = await openLakeSink(options);
  await sink.stage(await makeLakeBatch(options, 0, 0, ['{', row('a'), '{', '{']));
  await sink.stage(await makeLakeBatch(options, 0, 4, ['{', '{']));
  await sink.commit();
  const folder = join(options.dataPath, 'main', 'cdc_orders');
  return { options, sink, files: () => listFiles(folder).filter((path) => !path.endsWith('-delete.parquet')) };
}

/** Messages of a batch as a replay reads them: a null value is a tombstone. */
async function read([start, next]: [number, number], from: number, values: (string | null)[]): Promise<ReplayedBatch> {
  const made = await makeBatch(temporaryDirectory(), 0, from, values, { spec: SPEC });
  const taken = values.map((_, n) => from + n);
  return { ...made, startOffset: start, nextOffset: next, quarantined: [], taken };
}

const replay = (sink: DuckLakeSink, ...batches: ReplayedBatch[]) => sink.replay({ specHash: specHash(SPEC), batches });

const LOG = 'SELECT id, kafka_offset::INTEGER FROM cdc_orders ORDER BY kafka_offset';
const LEFT = 'SELECT message_offset::INTEGER FROM sluice.quarantine ORDER BY 1';
const LEDGER = `SELECT start_offset::INTEGER, rows_merged::INTEGER, rows_duplicate::INTEGER, rows_quarantined::INTEGER
  FROM sluice.batches ORDER BY 1`;
const all = (sink: DuckLakeSink) => Promise.all([LOG, LEFT, LEDGER].map((sql) => select(sink, sql)));

describe.skipIf(whyNoExtensions() !== undefined)('a piece', () => {
  it('of several batches is one file, and the ledger counts what became of each', async () => {
    const { sink, files } = await written();
    const batches = [await read(FIRST, 2, [row('a'), row('b')]), await read(SECOND, 4, [row('c'), row('b')])];
    expect(await replay(sink, ...batches)).toEqual({ merged: 2, duplicate: 2, marker: 0, tombstone: 0 });
    expect(await all(sink)).toEqual([
      [
        ['a', 1],
        ['b', 3],
        ['c', 4],
      ],
      [[0]],
      [
        [0, 2, 1, 1],
        [4, 1, 1, 0],
      ],
    ]);
    const [file, ...others] = files();
    expect(others).toEqual([]);
    expect(await select(sink, `SELECT list(kafka_offset)::VARCHAR FROM read_parquet('${file}')`)).toEqual([
      ['[2, 3, 4, 5]'],
    ]);
    const metadata = `SELECT decode(value) FROM parquet_kv_metadata('${file}') WHERE decode(key) = 'sluice.topic'`;
    expect(await select(sink, metadata)).toEqual([[TOPIC]]);
    expect(await select(sink, `SELECT DISTINCT compression FROM parquet_metadata('${file}')`)).toEqual([['ZSTD']]);
    // They are one replay, of now.
    const times = `SELECT count(*)::INTEGER, min(abs(epoch(now()) - epoch(replayed_at))) < 3600
      FROM sluice.replays GROUP BY replayed_at`;
    expect(await select(sink, times)).toEqual([[4, true]]);
  });

  it('of which no row stays has no file, and lets the state be', async () => {
    const { sink, files } = await written({ state: 'table' });
    await sink.compact(true);
    const before = files();
    expect(await replay(sink, await read(FIRST, 2, [row('a')]))).toMatchObject({ merged: 0, duplicate: 1 });
    expect(await replay(sink, await read(SECOND, 4, [null]))).toMatchObject({ merged: 0, tombstone: 1 });
    expect(files()).toEqual(before);
    expect(await select(sink, 'SELECT id FROM sluice.state')).toEqual([['a']]);
    const batches = [await read(FIRST, 3, [row('b')]), await read(SECOND, 5, [row('a')])];
    expect(await replay(sink, ...batches)).toMatchObject({ merged: 1, duplicate: 1 });
    // It has changed below the mark.
    expect(await select(sink, 'SELECT id FROM sluice.state')).toEqual([]);
    expect(await select(sink, 'SELECT id FROM orders ORDER BY id')).toEqual([['a'], ['b']]);
  });

  it('has later commits look for its changes', async () => {
    const { options, sink } = await written();
    await replay(sink, await read(SECOND, 4, [row(token(9))]));
    await sink.stage(await makeLakeBatch(options, 0, 6, [row(token(9)), row(token(10))]));
    expect((await sink.commit()).stats).toMatchObject({ merged: 1, duplicate: 1 });
  });
});

describe.skipIf(whyNoExtensions() !== undefined)('nothing changes', () => {
  it('if a message has left the quarantine, also between two tries', async () => {
    const { sink, files } = await written();
    await replay(sink, await read(FIRST, 2, [null]));
    const before = await all(sink);
    expect(await replay(sink, await read(FIRST, 2, [row('b'), row('c')]))).toBeUndefined();
    expect([await all(sink), files()]).toEqual([before, []]);
    const take = async (connection: DuckDBConnection) => {
      await connection.run('ROLLBACK');
      await select(sink, 'DELETE FROM sluice.quarantine WHERE message_offset = 3');
    };
    failAt(/^COMMIT$/, CONFLICT, { meanwhile: take });
    expect(await replay(sink, await read(FIRST, 3, [row('c')]))).toBeUndefined();
    expect([await select(sink, LOG), files()]).toEqual([[['a', 1]], []]);
  });

  it('if it cannot be written, was read with another spec, or the process ends', async () => {
    const { sink, files } = await written();
    const [before, batch] = [await all(sink), await read(FIRST, 2, [row('b')])];
    for (const statement of [/^COPY/, /^INSERT INTO sluice.replays/, /^UPDATE sluice.batches/]) {
      failAt(statement, new Error('no room'));
      await expect(replay(sink, batch)).rejects.toMatchObject({
        message: expect.stringContaining('no room'),
        retryable: false,
      });
      expect([await all(sink), files()]).toEqual([before, []]);
    }
    const other = sink.replay({ specHash: 'another', batches: [batch] });
    await expect(other).rejects.toMatchObject({ code: 'SLUICE_SPEC_CHANGED' });
    expect([await all(sink), files()]).toEqual([before, []]);
    let closed: Promise<void> | undefined;
    const close = () => {
      closed = sink.close();
    };
    failAt(/^COMMIT$/, CONFLICT, { meanwhile: close });
    const [first, second] = [replay(sink, batch), replay(sink, batch)];
    await expect(first).rejects.toThrow('conflict');
    await expect(second).rejects.toMatchObject({ code: 'SLUICE_QUERY', message: 'the running process is ending' });
    await closed;
    // It took no effect, for sure.
    expect(files()).toEqual([]);
  });
});

describe.skipIf(whyNoExtensions() !== undefined)('a COMMIT without an answer', () => {
  it('has kept what DuckLake removed then, of all tables', async () => {
    const { options, sink, files } = await written();
    for (const name of ['quarantine', 'batches']) {
      const option = `'data_inlining_row_limit', 0, schema => 'sluice', table_name => '${name}'`;
      await select(sink, `CALL lake.set_option(${option})`);
      await select(sink, `CALL ducklake_flush_inlined_data('lake', schema_name => 'sluice', table_name => '${name}')`);
    }
    const deletes = () => listFiles(join(options.dataPath, 'sluice')).filter((path) => /-delete\.parquet$/.test(path));
    const remove = () => {
      for (const path of deletes()) rmSync(path);
    };
    failAt(/^COMMIT$/, new Error('no answer'), { isDone: true, meanwhile: remove });
    expect(await replay(sink, await read(FIRST, 2, [row('b'), row('c')]))).toMatchObject({ merged: 2 });
    expect(
      deletes()
        .map((path) => path.split('/').at(-2))
        .sort(),
    ).toEqual(['batches', 'quarantine']);
    expect(await all(sink)).toMatchObject([
      { length: 3 },
      [[0], [4], [5]],
      [
        [0, 3, 0, 1],
        [4, 0, 0, 2],
      ],
    ]);
    expect(files()).toHaveLength(1);
  });

  it('leaves the file, which may be registered, to housekeeping', async () => {
    const { sink, files } = await written();
    const [before, batch] = [await all(sink), await read(FIRST, 2, [row('b')])];
    failAt(/^COMMIT$/, new Error('no answer'));
    await expect(replay(sink, batch)).rejects.toThrow('no answer');
    expect(files()).toHaveLength(1);
    expect(await all(sink)).toEqual(before);
    expect(await replay(sink, batch)).toMatchObject({ merged: 1 });
  });
});
