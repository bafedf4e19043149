/** Two processes with the housekeeping of one lake: what each of them writes, whichever came first. */
import { beforeEach, expect, it, vi } from 'vitest';
import { LakeFileOptions } from '../../../src/sinks/ducklake/lake-file-options.js';
import type { DuckLakeSink, DuckLakeSinkOptions } from '../../../src/sinks/ducklake/sink.js';
import { order, select, temporaryDirectory, token } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../../support/lakes.js';
import { describePostgres } from '../../support/postgres.js';
import { age, HOUR_MS, retain } from '../../support/retaining.js';

vi.setConfig({ testTimeout: 120_000 });
beforeEach(() => () => void vi.restoreAllMocks());

const one = it.skipIf(whyNoExtensions() !== undefined);
const EMAIL = 'jane@example.org';

/** Commits changes of one key, of which all but the last may leave. */
async function write(sink: DuckLakeSink, options: DuckLakeSinkOptions, start: number, key: string, changes = 3) {
  const values = Array.from({ length: changes }, (_, n) =>
    order(token(1 + start + n), { order_id: key, order_id_type: 'string', customer: { email: EMAIL } }),
  );
  const [{ epoch }] = await sink.claim([0]);
  await sink.stage(await makeLakeBatch(options, 0, start, values, { epoch }));
  await sink.commit();
}

const filesOf = async (sink: DuckLakeSink, schema: string, table: string) =>
  (await select(sink, `SELECT data_file FROM ducklake_list_files('lake', '${table}', schema => '${schema}')`)).map(
    String,
  );
const LOG = 'SELECT kafka_offset::INTEGER FROM cdc_orders ORDER BY ALL';
const ORDERS = 'SELECT order_id, kafka_offset::INTEGER FROM orders ORDER BY ALL';

describePostgres('with a Postgres', (postgres) => {
  const open = async () => {
    const dsn = await postgres().createDatabase();
    const options: DuckLakeSinkOptions = {
      ...lakeOptions(temporaryDirectory(), `postgres:${dsn}`),
      ...{ state: 'table', retention: retain({ changesMs: HOUR_MS }), owner: 'first' },
    };
    const [first, second] = [await openLakeSink(options), await openLakeSink({ ...options, owner: 'second' })];
    /** Tables of rows that DuckLake keeps in the catalog, and how many of an email. */
    const inlined = async (like: string) => {
      const named = `SELECT relname FROM pg_class WHERE relkind = 'r' AND relname ~ '^ducklake_inlined_${like}_[0-9]'`;
      const tables = await postgres().query(dsn, named);
      const rows = tables.map((table) => postgres().query(dsn, `SELECT t::text FROM ${table} t`));
      return (await Promise.all(rows)).flat();
    };
    return { options, first, second, inlined };
  };

  one('a process that was there before the options writes by them, too', async () => {
    const { options, first, second, inlined } = await open();
    await write(first, options, 0, 'a');
    await age(first);
    expect(await first.compact(true)).toMatchObject({ retired: { changes: 2 }, left: [] });
    for (const [start, key] of [
      [3, 'b'],
      [6, 'c'],
    ] as const) {
      await write(second, options, start, key);
    }
    await age(second);
    expect(await second.compact(true)).toMatchObject({ retired: { changes: 4 }, left: [] });
    expect(await inlined('delete')).toEqual([]);
    expect((await inlined('data')).filter((row) => row.includes(EMAIL))).toEqual([]);
    const [file, ...others] = await filesOf(second, 'main', 'cdc_orders');
    expect(others).toEqual([]);
    expect(await select(second, `SELECT DISTINCT compression FROM parquet_metadata('${file}')`)).toEqual([['ZSTD']]);
    for (const sink of [first, second]) {
      expect(await select(sink, LOG)).toEqual([[2], [5], [8]]);
      expect(await select(sink, ORDERS)).toEqual([
        ['a', 2],
        ['b', 5],
        ['c', 8],
      ]);
    }
  });

  one('what an earlier version left in the catalog leaves', async () => {
    const { options, first, second, inlined } = await open();
    await write(first, options, 0, 'a');
    await first.compact(true);
    const sets = vi.spyOn(LakeFileOptions.prototype, 'keepInFiles').mockResolvedValue();
    await write(second, options, 3, 'a');
    await second.compact(true);
    await write(second, options, 6, 'a');
    await age(second);
    expect(await second.compact(true)).toMatchObject({ retired: { changes: 8 } });
    expect(await inlined('delete')).not.toEqual([]);
    sets.mockRestore();
    const third = await openLakeSink({ ...options, owner: 'third' });
    expect((await third.compact(true)).left).toEqual([]);
    expect(await filesOf(third, 'main', 'cdc_orders')).toHaveLength(1);
    expect(await filesOf(third, 'sluice', 'state')).toHaveLength(1);
    expect(await select(third, LOG)).toEqual([[8]]);
    expect(await select(third, ORDERS)).toEqual([['a', 8]]);
  });

  one('a replay leaves no rows of the state as deleted in the catalog', async () => {
    const { options, first, second, inlined } = await open();
    await write(first, options, 0, 'a');
    await first.compact(true);
    const [{ epoch }] = await second.claim([0]);
    await second.stage(await makeLakeBatch(options, 0, 3, ['{'], { epoch }));
    await second.commit();
    const batch = await makeLakeBatch(options, 0, 3, [order(token(9), { order_id: 'b', order_id_type: 'string' })]);
    const { specHash } = await import('../../../src/schema/spec-hash.js');
    const piece = { specHash: specHash(options.spec), batches: [{ ...batch, quarantined: [], taken: [3] }] };
    expect(await second.replay(piece)).toMatchObject({ merged: 1 });
    expect([await inlined('delete'), await filesOf(second, 'sluice', 'state')]).toEqual([[], []]);
  });
});
