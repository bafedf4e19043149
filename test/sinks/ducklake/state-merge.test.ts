/** When the state of a lake is merged, and what a merge changes, with a catalog in a file. */
import { describe, expect, it, onTestFinished } from 'vitest';
import { ORDERS_SPEC } from '../../../src/schema/spec-file.js';
import { emptyLakeState, isMergeDue, mergeLakeTail, stateTables } from '../../../src/sinks/ducklake/state.js';
import { order, select, temporaryDirectory } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../../support/lakes.js';

async function open(state: 'table' | undefined) {
  const options = { ...lakeOptions(temporaryDirectory()), state };
  const sink = await openLakeSink(options);
  const connection = await sink.connect();
  onTestFinished(() => connection.closeSync());
  let next = 0;
  /** A change of the key, at the first of so many offsets. */
  const commit = async (key: string, offsets = 1) => {
    const value = order(`${next}`, { order_id: key });
    await sink.stage(await makeLakeBatch(options, 0, next, [value], { nextOffset: next + offsets }));
    await sink.commit();
    next += offsets;
  };
  const inTransaction = async (work: () => Promise<void>) => {
    await connection.run('BEGIN');
    await work();
    await connection.run('COMMIT');
  };
  const merge = () => inTransaction(() => mergeLakeTail(connection, options));
  const isDue = (everything = false) => isMergeDue(connection, ORDERS_SPEC, everything);
  return { sink, connection, commit, inTransaction, merge, isDue };
}

const STATE = 'SELECT order_id, kafka_offset::INTEGER FROM sluice.state ORDER BY ALL';
/** The first one is before the first merge. */
const MERGED = 'SELECT partition_id, next_offset::INTEGER FROM sluice.merged ORDER BY ALL';

describe.skipIf(whyNoExtensions() !== undefined)('a merge of a lake’s state', () => {
  it('is due if the tail is long, and not short beside the state', async () => {
    const { connection, commit, merge, isDue } = await open('table');
    expect([await isDue(), await isDue(true)]).toEqual([false, false]);
    await commit('a', 9999);
    expect([await isDue(), await isDue(true)]).toEqual([false, true]);
    await commit('a');
    expect(await isDue()).toBe(true);
    await merge();
    expect([await isDue(), await isDue(true)]).toEqual([false, false]);
    await commit('a', 10_000);
    expect(await isDue()).toBe(true);
    const add = (rows: number) =>
      connection.run(`INSERT INTO sluice.state BY NAME SELECT "the generation": max(generation)
        FROM sluice.merged, range(${rows}) added GROUP BY added.range`);
    await connection.run(
      `CALL lake.set_option('data_inlining_row_limit', 0, schema => 'sluice', table_name => 'state')`,
    );
    await add(39_999);
    expect(await isDue()).toBe(true);
    await add(1);
    expect([await isDue(), await isDue(true)]).toEqual([false, true]);
  });

  it('is never due without a state, or by another spec', async () => {
    const without = await open(undefined);
    await without.commit('a', 20_000);
    expect([await without.isDue(), await without.isDue(true)]).toEqual([false, false]);
    expect(await stateTables(without.connection)).toEqual([]);
    const { connection, commit, merge, isDue, sink } = await open('table');
    await commit('a', 20_000);
    await connection.run(`UPDATE sluice.meta SET spec_hash = 'another'`);
    expect([await isDue(), await isDue(true)]).toEqual([false, false]);
    await merge();
    expect(await select(sink, STATE)).toEqual([]);
  });

  it('makes one generation of all, which is then the only one', async () => {
    const { sink, connection, commit, inTransaction, merge } = await open('table');
    const first = `SELECT generation::VARCHAR, partition_id, next_offset, merged.changed_at = meta.changed_at
      FROM sluice.merged, sluice.meta`;
    expect(await select(sink, first)).toEqual([['00000000-0000-0000-0000-000000000000', null, null, true]]);
    for (const key of ['a', 'b', 'a']) await commit(key);
    await merge();
    const generations = 'SELECT DISTINCT generation::VARCHAR FROM sluice.merged';
    const [generation, ...others] = await select(sink, generations);
    expect(others).toEqual([]);
    await commit('b');
    await merge();
    expect(await select(sink, STATE)).toEqual([
      ['a', 2],
      ['b', 3],
    ]);
    expect(await select(sink, MERGED)).toEqual([
      [0, 4],
      [1, 0],
    ]);
    const [second] = await select(sink, generations);
    expect(second).not.toEqual(generation);
    // Nothing to do.
    await merge();
    expect(await select(sink, generations)).toEqual([second]);
    expect(await stateTables(connection)).toEqual(['state', 'merged']);
    await inTransaction(() => emptyLakeState(connection));
    expect([await select(sink, STATE), await select(sink, MERGED)]).toEqual([[], [[null, null]]]);
    expect(await select(sink, 'SELECT order_id FROM orders ORDER BY ALL')).toEqual([['a'], ['b']]);
    await merge();
    expect(await select(sink, STATE)).toHaveLength(2);
  });
});
