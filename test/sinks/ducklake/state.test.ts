import { expect, it, vi } from 'vitest';
import { rowsOf } from '../../../src/core/sql.js';
import { allRows } from '../../../src/query/sql-client.js';
import { specJson } from '../../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../../src/schema/spec-file.js';
import { newestOfLog } from '../../../src/sinks/duckdb/newest.js';
import { stateDifferences } from '../../../src/sinks/duckdb/state-merge.js';
import { connectLake, openLake } from '../../../src/sinks/ducklake/lake.js';
import { isLakeConflict } from '../../../src/sinks/ducklake/lake-errors.js';
import type { DuckLakeSink, DuckLakeSinkOptions } from '../../../src/sinks/ducklake/sink.js';
import { isMergeDue, LAKE_STATE, mergeLakeTail } from '../../../src/sinks/ducklake/state.js';
import { checks } from '../../../src/verify/checks.js';
import { readScope } from '../../../src/verify/ledger.js';
import { select, temporaryDirectory } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink, problems, readLake, takeOver } from '../../support/lakes.js';
import { describePostgres } from '../../support/postgres.js';
import { Random } from '../../support/random.js';

interface Change {
  readonly id: string;
  readonly key: string;
  readonly type?: string | undefined;
  readonly operation?: string;
}

const change = ({ id, key, type, operation = 'update' }: Change) =>
  JSON.stringify({ change_id: id, order_id: key, order_id_type: type, operation, status: id });

async function write(
  sink: DuckLakeSink,
  options: DuckLakeSinkOptions,
  start: number,
  changes: readonly Change[],
  of = 0,
) {
  const [{ epoch }] = await sink.claim([of]);
  await sink.stage(await makeLakeBatch(options, of, start, changes.map(change), { epoch }));
  await sink.commit();
}

const rowsOfView = (sink: DuckLakeSink) => select(sink, 'SELECT * FROM orders ORDER BY kafka_partition, kafka_offset');
const wanted = (sink: DuckLakeSink) =>
  select(sink, `FROM (${newestOfLog(ORDERS_SPEC)}) ORDER BY kafka_partition, kafka_offset`);
const status = (sink: DuckLakeSink) => select(sink, 'SELECT order_id, status FROM orders ORDER BY ALL');
const generations = 'SELECT count(DISTINCT "the generation") FROM sluice.state';

async function checksOfState(options: DuckLakeSinkOptions): Promise<string[]> {
  const client = await readLake(options);
  const found: string[] = [];
  for await (const { name } of checks(client, await readScope(client, options.dataDir))) found.push(name);
  client.close();
  return found.filter((name) => name.startsWith('sluice.state') || name.startsWith('orders'));
}

/** Changes of all kinds in two partitions: untyped keys, keys of two types, deletes, repeats, snapshots. */
function* randomChanges(random: Random, rounds: number): Generator<readonly [Change[], Change[]]> {
  let snapshots = 0;
  for (let round = 0; round < rounds; round++) {
    yield [0, 1].map((partition) => {
      const changes = Array.from({ length: 1 + random.below(12) }, (_, n): Change => {
        const id = random.next() < 0.1 ? 'repeated' : `${round}-${partition}-${n}`;
        const type = [undefined, 'string', 'number'][random.below(round < rounds / 4 ? 1 : 3)];
        return { id, key: `k${random.below(16)}`, type, operation: random.next() < 0.2 ? 'delete' : 'update' };
      });
      if (random.next() < 0.15) {
        const name = `snapshot:${snapshots++}`;
        changes.unshift({ id: `b${name}`, key: name, type: 'snapshot', operation: 'snapshot_begin' });
        changes.push({ id: `e${name}`, key: name, type: 'snapshot', operation: 'snapshot_end' });
      }
      return changes;
    }) as [Change[], Change[]];
  }
}

vi.setConfig({ testTimeout: 120_000 });

describePostgres('the state of a lake', (postgres) => {
  const makeOptions = async (where: string): Promise<DuckLakeSinkOptions> => {
    const catalog = where === 'a file' ? undefined : `postgres:${await postgres().createDatabase()}`;
    return { ...lakeOptions(temporaryDirectory(), catalog), state: 'table' };
  };

  const one = it.skipIf(whyNoExtensions() !== undefined);
  const each = one.each(['a file', 'Postgres'] as const);

  each('with the tail is the newest of the change log, with a catalog in %s', async (where) => {
    const random = new Random(20_262);
    const options = await makeOptions(where);
    const sink = await openLakeSink(options);
    const next = [0, 0];
    // A commit to Postgres takes longer.
    const rounds = where === 'a file' ? 8 : 4;
    for (const [round, parts] of [...randomChanges(random, rounds)].entries()) {
      for (const [partition, changes] of parts.entries()) {
        await write(sink, options, next[partition], changes, partition);
        next[partition] += changes.length;
      }
      expect(await rowsOfView(sink)).toEqual(await wanted(sink));
      if (round % 2 === 0) continue;
      expect((await sink.compact(true)).left).toEqual([]);
      expect(await rowsOfView(sink)).toEqual(await wanted(sink));
      expect(await select(sink, generations)).toEqual([[1n]]);
    }
    const files = `SELECT count(*) FROM ducklake_list_files('lake', 'state', schema => 'sluice')`;
    expect(await select(sink, files)).toEqual([[1n]]);
    await sink.close();
    expect(await problems(options)).toEqual([]);
    expect(await checksOfState(options)).toHaveLength(2);
  });

  one('has the partitions that begin later, and what changed of them', async () => {
    const options = await makeOptions('a file');
    const sink = await openLakeSink(options);
    await write(sink, options, 0, [{ id: '0', key: 'a' }]);
    await sink.compact(true);
    await takeOver(sink, [2]);
    await write(sink, options, 0, [{ id: '1', key: 'b' }], 2);
    expect(await status(sink)).toEqual([
      ['a', '0'],
      ['b', '1'],
    ]);
    await sink.compact(true);
    expect(await rowsOfView(sink)).toEqual(await wanted(sink));
    expect(await select(sink, 'SELECT count(*) FROM sluice.state')).toEqual([[2n]]);
  });

  one('is merged by the sink itself when the tail is long', async () => {
    const options = await makeOptions('a file');
    const sink = await openLakeSink(options);
    const connection = await sink.connect();
    const found: unknown[] = [];
    for (const [start, nextOffset] of [
      [0, 9999],
      [9999, 10_000],
    ]) {
      const value = change({ id: `${start}`, key: 'a' });
      await sink.stage(await makeLakeBatch(options, 0, start, [value], { nextOffset }));
      await sink.commit();
      found.push(await isMergeDue(connection, ORDERS_SPEC, false));
    }
    expect(found).toEqual([false, true]);
    await sink.compact();
    expect(await select(sink, 'SELECT kafka_offset FROM sluice.state')).toEqual([[9999n]]);
    expect(await isMergeDue(connection, ORDERS_SPEC, true)).toBe(false);
    connection.closeSync();
  });

  one('can be read as it was', async () => {
    const options = { ...(await makeOptions('a file')), keepSnapshotsMs: 3_600_000 };
    const sink = await openLakeSink(options);
    const versions: string[] = [];
    const note = async () => {
      const [[version]] = await select(sink, `SELECT max(snapshot_id)::VARCHAR FROM ducklake_snapshots('lake')`);
      versions.push(String(version));
    };
    for (let start = 0; start < 3; start++) {
      await write(sink, options, start, [{ id: `${start}`, key: 'a' }]);
      await note();
      await sink.compact(true);
      await note();
    }
    await sink.close();
    const found: unknown[] = [];
    for (const version of versions) {
      const client = await readLake(options, version);
      found.push((await allRows(client, 'SELECT status FROM orders')).map((row) => row.status));
      client.close();
    }
    expect(found).toEqual([['0'], ['0'], ['1'], ['1'], ['2'], ['2']]);
  });

  one('comes and goes with STATE, stays as it is for commands, and is made anew for another spec', async () => {
    const options = await makeOptions('a file');
    const found: unknown[] = [];
    for (const [start, state] of ([undefined, 'table', undefined, 'view', 'table'] as const).entries()) {
      const sink = await openLakeSink({ ...options, state });
      await write(sink, options, start, [{ id: `${start}`, key: 'a' }]);
      found.push((await select(sink, `SELECT count(*) FROM duckdb_tables() WHERE table_name = 'state'`))[0][0]);
      await sink.compact(true);
      expect(await status(sink)).toEqual([['a', `${start}`]]);
      await sink.close();
      expect(await problems(options)).toEqual([]);
    }
    expect(found).toEqual([0n, 1n, 1n, 0n, 1n]);
    const json = JSON.parse(specJson(ORDERS_SPEC)) as { columns: object[] };
    json.columns.push({ name: 'note', kind: 'text' });
    const spec = parseSpec(JSON.stringify(json), 'test');
    const sink = await openLakeSink({ ...options, spec, state: undefined });
    expect(await select(sink, 'SELECT count(*) FROM sluice.state')).toEqual([[0n]]);
    await sink.compact(true);
    expect(await select(sink, 'SELECT order_id, status, note FROM orders')).toEqual([['a', '4', null]]);
    // Another process, which was started before, has the old spec.
    const connection = await sink.connect();
    await connection.run('BEGIN');
    await mergeLakeTail(connection, options);
    await connection.run('COMMIT');
    expect(await rowsOf(connection, 'SELECT order_id, status, note FROM orders')).toEqual([
      { order_id: 'a', status: '4', note: null },
    ]);
    connection.closeSync();
  });

  one('is one of two that are merged at the same time', async () => {
    const options = await makeOptions('Postgres');
    const sink = await openLakeSink(options);
    for (let start = 0; start < 2; start++) {
      await write(sink, options, start, [{ id: `${start}`, key: `k${start}` }]);
      const instances = [await openLake(options), await openLake(options)];
      const connections = await Promise.all(instances.map((instance) => connectLake(instance)));
      for (const connection of connections) {
        await connection.run('BEGIN');
        await mergeLakeTail(connection, options);
      }
      for (const connection of connections) {
        await connection.run('COMMIT').catch((thrown) => expect(isLakeConflict(thrown), String(thrown)).toBe(true));
        expect(await rowsOfView(sink)).toEqual(await wanted(sink));
      }
      for (const [index, connection] of connections.entries()) {
        connection.closeSync();
        instances[index].closeSync();
      }
    }
    await write(sink, options, 2, [{ id: '2', key: 'k0' }]);
    await sink.compact(true);
    expect(await select(sink, generations)).toEqual([[1n]]);
    expect(await status(sink)).toEqual([
      ['k0', '2'],
      ['k1', '1'],
    ]);
    await sink.close();
    expect(await problems(options)).toEqual([]);
  });

  one('is compared with the change log', async () => {
    const options = await makeOptions('a file');
    const sink = await openLakeSink(options);
    const changes = ['0', '1'].map((id) => ({ id, key: 'a' }));
    await write(sink, options, 0, changes);
    await sink.compact(true);
    const connection = await sink.connect();
    const differences = stateDifferences(ORDERS_SPEC, LAKE_STATE, true);
    const found: unknown[] = [];
    for (const sql of [
      'FROM sluice.state',
      'DELETE FROM sluice.state',
      `UPDATE sluice.state SET "is newest" = NULL`,
      'UPDATE sluice.merged SET next_offset = 1',
      `UPDATE sluice.merged SET generation = '${'f'.repeat(8)}-0000-0000-0000-000000000000'`,
    ]) {
      await connection.run('BEGIN');
      await connection.run(sql);
      found.push((await rowsOf(connection, differences)).map((row) => Object.values(row)[0]));
      await connection.run('ROLLBACK');
    }
    connection.closeSync();
    expect(found).toEqual([
      [],
      ['partition 0, offset 1: missing in the state'],
      ['partition 0, offset 1: other values'],
      ['partition 0, offset 0: missing in the state', 'partition 0, offset 1: in the state, and not a last change'],
      ['partition 0, offset 1: missing in the state'],
    ]);
  });
});
