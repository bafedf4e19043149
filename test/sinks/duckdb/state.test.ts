import { describe, expect, it, vi } from 'vitest';
import { specJson } from '../../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../../src/schema/spec-file.js';
import { DUCKDB_STATE } from '../../../src/sinks/duckdb/merged-row.js';
import { newestOfLog } from '../../../src/sinks/duckdb/newest.js';
import type { DuckDbSink } from '../../../src/sinks/duckdb/sink.js';
import { mergeTail, stateDifferences } from '../../../src/sinks/duckdb/state-merge.js';
import { makeBatch, openSink, select, temporaryDirectory } from '../../support/batches.js';
import { Random } from '../../support/random.js';
import { ALL, type Change, change, merge, openQuiet, write } from '../../support/states.js';
import { changeDatabase, problems } from '../../support/verifying.js';

const rowsOfView = (sink: DuckDbSink) => select(sink, 'SELECT * FROM orders ORDER BY kafka_partition, kafka_offset');
const wanted = (sink: DuckDbSink) =>
  select(sink, `FROM (${newestOfLog(ORDERS_SPEC)}) ORDER BY kafka_partition, kafka_offset`);

describe('the state', () => {
  it('with the tail is the newest of the change log, whatever was merged when', { timeout: 60_000 }, async () => {
    const random = new Random(20_261);
    const dataDir = temporaryDirectory();
    const sink = await openQuiet(dataDir, 'table');
    const next = [0, 0];
    let [rows, snapshots] = [0, 0];
    for (let round = 0; round < 20; round++) {
      for (const partition of [0, 1]) {
        const changes = Array.from({ length: 1 + random.below(12) }, (_, n): Change => {
          const id = random.next() < 0.1 ? 'repeated' : `${round}-${partition}-${n}`;
          const type = [undefined, 'string', 'number'][random.below(round < 5 ? 1 : 3)];
          const operation = random.next() < 0.2 ? 'delete' : 'update';
          return { id, key: `k${random.below(16)}`, type, operation };
        });
        if (random.next() < 0.15) {
          const name = `snapshot:${snapshots++}`;
          changes.unshift({ id: `b${name}`, key: name, type: 'snapshot', operation: 'snapshot_begin' });
          changes.push({ id: `e${name}`, key: name, type: 'snapshot', operation: 'snapshot_end' });
        }
        await sink.stage(await makeBatch(dataDir, partition, next[partition], changes.map(change)));
        next[partition] += changes.length;
      }
      await sink.commit();
      // Keys that moved: the time decides between partitions.
      await select(
        sink,
        `UPDATE cdc_orders SET kafka_timestamp = CASE WHEN hash(change_id) % 20 = 0 THEN NULL
             ELSE kafka_timestamp + INTERVAL 1 SECOND * (hash(change_id) % 1000) END
         WHERE rowid > (SELECT coalesce(max(row_id), -1) FROM sluice.merged)`,
      );
      expect(await rowsOfView(sink), `round ${round}, before`).toEqual(await wanted(sink));
      if (random.next() < 0.6)
        rows += await merge(sink, 1 + random.below(40), ORDERS_SPEC, [undefined, 0][random.below(2)]);
      expect(await rowsOfView(sink), `round ${round}, after`).toEqual(await wanted(sink));
    }
    expect(rows).toBeGreaterThan(50);
    const [[markers]] = await select(sink, 'SELECT count(*) FROM sluice.markers');
    expect(Number(markers)).toBeGreaterThan(1);
    await sink.close();
    // The times are not those of the files.
    expect((await problems(dataDir)).filter((problem) => !/rows differ/.test(problem))).toEqual([]);
  });

  const status = (sink: DuckDbSink) => select(sink, 'SELECT order_id, status FROM orders ORDER BY ALL');
  const merged = (sink: DuckDbSink) => select(sink, 'SELECT message_offset FROM sluice.merged');

  it('is merged by the sink itself when commits pause', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir, { state: 'table' });
    for (let start = 0; start < 4; start++) {
      await write(sink, dataDir, start, [{ id: `${start}`, key: 'a' }]);
      if (start % 2 === 0) await vi.waitFor(async () => expect(await merged(sink)).toEqual([[BigInt(start)]]), 10_000);
    }
    expect(await status(sink)).toEqual([['a', '3']]);
    await sink.close();
    expect(await problems(dataDir)).toEqual([]);
    const again = await openSink(dataDir, { state: 'table' });
    await vi.waitFor(async () => expect(await merged(again)).toEqual([[3n]]), 10_000);
    expect(await select(again, 'SELECT count(*) FROM sluice.state')).toEqual([[1n]]);
  });

  it('comes and goes with STATE, and stays as it is for commands', async () => {
    const dataDir = temporaryDirectory();
    const hasState = `SELECT count(*) FROM duckdb_tables() WHERE table_name IN ('state', 'merged')`;
    const found: unknown[] = [];
    for (const [start, state] of ([undefined, 'table', undefined, 'view', 'table', 'table'] as const).entries()) {
      const sink = await openQuiet(dataDir, state);
      await write(sink, dataDir, start, [{ id: `${start}`, key: 'a' }]);
      const [[tables]] = await select(sink, hasState);
      found.push(tables);
      if (tables === 2n) await merge(sink);
      expect(await status(sink)).toEqual([['a', `${start}`]]);
      await sink.close();
      expect(await problems(dataDir)).toEqual([]);
    }
    expect(found).toEqual([0n, 2n, 2n, 0n, 2n, 2n]);
  });

  it('is made anew for another spec, of which other rows may be markers', async () => {
    const dataDir = temporaryDirectory();
    const first = await openQuiet(dataDir, 'table');
    await write(first, dataDir, 0, [{ id: '0', key: 'a' }]);
    await merge(first);
    await first.close();
    const json = JSON.parse(specJson(ORDERS_SPEC)) as { columns: object[] };
    json.columns.push({ name: 'note', kind: 'text' });
    const spec = parseSpec(JSON.stringify(json), 'test');
    const second = await openQuiet(dataDir, undefined, spec);
    expect(await merged(second)).toEqual([[null]]);
    await write(second, dataDir, 1, [{ id: '1', key: 'b' }], spec);
    const rows = [
      ['a', null],
      ['b', null],
    ];
    expect(await select(second, 'SELECT order_id, note FROM orders ORDER BY ALL')).toEqual(rows);
    await merge(second, ALL, spec);
    expect(await select(second, 'SELECT order_id, note FROM orders ORDER BY ALL')).toEqual(rows);
  });

  it('has one order of those without a key, which an older spec had elsewhere', async () => {
    const dataDir = temporaryDirectory();
    const first = await openQuiet(dataDir, 'view');
    await write(
      first,
      dataDir,
      0,
      ['a', 'b', 'c'].map((key, n) => ({ id: `${n}`, key, type: 'string' })),
    );
    await select(first, `UPDATE cdc_orders SET order_id = NULL WHERE change_id < '2'`);
    await first.close();
    const sink = await openQuiet(dataDir, 'table');
    await write(sink, dataDir, 3, [{ id: '3', key: 'c' }]);
    for (const rows of [1, 3]) {
      expect(await status(sink)).toEqual([
        ['c', '3'],
        [null, '1'],
      ]);
      expect(await merge(sink, rows)).toBe(rows);
    }
    expect(await rowsOfView(sink)).toEqual(await wanted(sink));
    await sink.close();
    expect((await problems(dataDir)).filter((problem) => !/rows differ/.test(problem))).toEqual([]);
  });

  /** Where the row was that was merged last, there is another one afterwards. */
  const changeRowIds = async (sink: DuckDbSink) => {
    // In the same order, which DuckDB keeps.
    await select(sink, 'CREATE TABLE moved AS FROM cdc_orders LIMIT 1');
    await select(sink, 'INSERT INTO moved FROM cdc_orders ORDER BY kafka_offset; DELETE FROM moved WHERE rowid = 0');
    await select(sink, 'DROP TABLE cdc_orders; ALTER TABLE moved RENAME TO cdc_orders');
  };

  it('is merged on by the sink itself when row ids have changed', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir, { state: 'table' });
    const isMergedTo = (offset: number) =>
      vi.waitFor(async () => expect(await merged(sink)).toEqual([[BigInt(offset)]]), 10_000);
    await write(
      sink,
      dataDir,
      0,
      ['a', 'b', 'c'].map((key) => ({ id: key, key })),
    );
    await isMergedTo(2);
    await changeRowIds(sink);
    for (const start of [3, 4, 5]) {
      await write(sink, dataDir, start, [{ id: `${start}`, key: 'a' }]);
      await isMergedTo(start);
    }
    await sink.close();
    expect(await problems(dataDir)).toEqual([]);
  });

  it('counts as nothing if row ids are others, until the row that was merged last is found', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openQuiet(dataDir, 'table');
    await write(sink, dataDir, 0, [
      { id: '0', key: 'a' },
      { id: '1', key: 'b' },
    ]);
    await merge(sink);
    await changeRowIds(sink);
    expect(await select(sink, stateDifferences(ORDERS_SPEC, DUCKDB_STATE, true))).toEqual([]);
    await write(sink, dataDir, 2, [{ id: '2', key: 'a' }]);
    expect(await status(sink)).toEqual([
      ['a', '2'],
      ['b', '1'],
    ]);
    expect(await merge(sink)).toBe(1);
    expect(await rowsOfView(sink)).toEqual(await wanted(sink));
    expect(await select(sink, 'SELECT count(*) FROM sluice.state')).toEqual([[2n]]);
  });

  it('is unchanged by a merge that is not committed', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openQuiet(dataDir, 'table');
    await write(sink, dataDir, 0, [{ id: '0', key: 'a' }]);
    await merge(sink);
    await write(sink, dataDir, 1, [{ id: '1', key: 'a' }]);
    const connection = await sink.connect();
    await connection.run('BEGIN');
    expect((await mergeTail(connection, ORDERS_SPEC, ALL)).rows).toBe(1);
    expect(await status(sink)).toEqual([['a', '1']]);
    await connection.run('ROLLBACK');
    connection.closeSync();
    expect(await merged(sink)).toEqual([[0n]]);
    expect(await status(sink)).toEqual([['a', '1']]);
  });

  it.each([
    ['DELETE FROM sluice.state', /partition 0, offset 1: missing in the state/],
    [`UPDATE sluice.state SET status = 'other'`, /partition 0, offset 1: other values/],
    ['UPDATE sluice.state SET "is newest" = false', /partition 0, offset 1: missing in the view/],
    ['UPDATE sluice.merged SET row_id = 0, message_offset = 0', /partition 0, offset 1: in the state, and not a last/],
  ])('is checked by verify: %s', async (sql, problem) => {
    const dataDir = temporaryDirectory();
    const sink = await openQuiet(dataDir, 'table');
    await write(sink, dataDir, 0, [
      { id: '0', key: 'a' },
      { id: '1', key: 'a' },
    ]);
    await merge(sink);
    await sink.close();
    expect(await problems(dataDir)).toEqual([]);
    await changeDatabase(dataDir, sql);
    expect((await problems(dataDir)).join('; ')).toMatch(problem);
  });
});
