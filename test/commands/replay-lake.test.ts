/** `replay` on a lake, at rest and beside whoever commits to it. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBConnection } from '@duckdb/node-api';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { replay } from '../../src/commands/replay.js';
import { readConfig } from '../../src/config.js';
import { createLogger } from '../../src/core/log.js';
import { QueryServer } from '../../src/query/query-server.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import { specHash } from '../../src/schema/spec-hash.js';
import type { DuckLakeSink, DuckLakeSinkOptions } from '../../src/sinks/ducklake/sink.js';
import { listFiles } from '../../src/storage/data-dir.js';
import { select, temporaryDirectory, token } from '../support/batches.js';
import { rowsNow, verifies } from '../support/configured.js';
import { EXTENSION_DIRECTORY, whyNoExtensions } from '../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink, takeOver } from '../support/lakes.js';
import { describePostgres } from '../support/postgres.js';
import { shopSpec } from '../support/shop-spec.js';

const LOOSE = parseSpec(shopSpec(false), 'of the test');
const message = (id: string, more: object = {}) => JSON.stringify({ id, key: id, operation: 'insert', ...more });
const whole = (id: string) => message(id, { shop: 's' });
const log = createLogger({ level: 'silent', format: 'json' });

let options: DuckLakeSinkOptions;
let env: Record<string, string>;

/** What test/commands/replay.test.ts has: rows, bad messages among them, duplicates, and a marker. */
async function written(): Promise<void> {
  const strict = { ...options, spec: parseSpec(shopSpec(true), 'of the test') };
  const sink = await openLakeSink(strict);
  const [{ epoch = 0 }] = await sink.claim([0]);
  await sink.claim([1]);
  const stage = async (partition: number, start: number, values: (string | null)[]) =>
    sink.stage(await makeLakeBatch(strict, partition, start, values, { epoch }));
  await stage(0, 0, [whole('a'), message('b', { at: '2023-11-14T00:00:00Z' }), '{', whole('c'), null]);
  await sink.commit();
  await stage(0, 5, [message('d'), '[]']);
  await sink.commit();
  await stage(1, 0, [whole('f'), message('a'), message('b'), message('g', { operation: 'snapshot_begin' })]);
  await sink.commit();
  await sink.close();
}

/** Has COMMITs do their work and fail then. */
function loseAnswers() {
  const run = DuckDBConnection.prototype.run;
  return vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(async function (this: never, ...args) {
    const result = await run.apply(this, args);
    if (args[0] === 'COMMIT') throw new Error('no answer');
    return result;
  });
}

const replayed = (choices: { bytes?: string; dryRun?: boolean } = {}) => {
  const spec = join(temporaryDirectory(), 'spec.json');
  writeFileSync(spec, shopSpec(false));
  const { bytes = '32MiB', dryRun = false } = choices;
  return replay(readConfig({ ...env, TABLE_SPEC: spec, BATCH_BYTES: bytes }), { dryRun, log });
};

const IDS = 'SELECT id FROM cdc_orders ORDER BY id';
const QUARANTINE = 'SELECT partition_id, message_offset::INTEGER, reason FROM sluice.quarantine ORDER BY ALL';
const REPLAYS = 'SELECT partition_id, message_offset::INTEGER, outcome FROM sluice.replays ORDER BY ALL';
const STAY = [
  [0, 2, 'malformed'],
  [0, 6, 'not_object'],
];

describe.skipIf(whyNoExtensions() !== undefined)('on a lake', () => {
  describePostgres('with a Postgres', (postgres) => {
    describe.each(['a file', 'Postgres'] as const)('with its catalog in %s', (where) => {
      beforeEach(async () => {
        const dataDir = temporaryDirectory();
        const catalog = where === 'a file' ? undefined : `postgres:${await postgres().createDatabase()}`;
        options = { ...lakeOptions(dataDir, catalog), spec: LOOSE };
        env = {
          ...{ DATA_DIR: dataDir, KAFKA_TOPIC: options.topic, SINK: 'ducklake' },
          DUCKDB_EXTENSION_DIRECTORY: EXTENSION_DIRECTORY,
          ...(catalog !== undefined && { LAKE_CATALOG: catalog }),
        };
        await written();
      });

      it('takes what is a row now, once, and verify agrees', async () => {
        const before = await openLakeSink({ ...options, state: 'table' });
        await before.compact(true);
        await before.close();
        expect(await replayed({ dryRun: true })).toMatchObject({ rows: undefined });
        expect((await replayed()).rows).toEqual({ merged: 2, duplicate: 2, marker: 1 });
        expect(await rowsNow(env, IDS)).toEqual(['a', 'b', 'c', 'd', 'f'].map((id) => [id]));
        expect(await rowsNow(env, QUARANTINE)).toEqual(STAY);
        expect(await rowsNow(env, REPLAYS)).toEqual([
          [0, 1, 'merged'],
          [0, 5, 'merged'],
          [1, 1, 'duplicate'],
          [1, 2, 'duplicate'],
          [1, 3, 'marker'],
        ]);
        // The newest state, which is a table.
        expect(await rowsNow(env, 'SELECT id FROM orders ORDER BY id')).toEqual(await rowsNow(env, IDS));
        await verifies(env);
        expect((await replayed()).rows).toEqual({ merged: 0, duplicate: 0, marker: 0 });
        // What is committed next finds them.
        const sink = await openLakeSink(options);
        const [{ epoch = 0, watermark }] = await sink.claim([0]);
        expect(watermark).toBe(1_699_920_000_000_000n);
        await sink.stage(await makeLakeBatch(options, 0, 7, [whole('d'), whole('e')], { epoch }));
        expect((await sink.commit()).stats).toMatchObject({ merged: 1, duplicate: 1 });
        expect(await sink.compact(true)).toMatchObject({ left: [] });
        await sink.close();
        await verifies(env);
      });

      it('takes each message once beside commits of the same changes, and two replays at once', async () => {
        const sink = await openLakeSink(options);
        await takeOver(sink);
        const server = where === 'a file' ? await QueryServer.start(sink, options.dataDir) : undefined;
        onTestFinished(() => server?.close());
        const both = Promise.all([replayed({ bytes: '1' }), replayed({ bytes: '1' })]);
        const sums = { merged: 0, duplicate: 0, marker: 0 };
        for (const [index, id] of ['b', 'd', 'x', 'b', 'y', 'd'].entries()) await commit(sink, 7 + index, id, sums);
        for (const { rows } of await both) {
          for (const name of ['merged', 'duplicate', 'marker'] as const) sums[name] += rows![name];
        }
        expect(sums).toEqual({ merged: 4, duplicate: 6, marker: 1 });
        expect(await rowsNow(env, IDS)).toEqual(['a', 'b', 'c', 'd', 'f', 'x', 'y'].map((id) => [id]));
        expect(await rowsNow(env, QUARANTINE)).toEqual(STAY);
        await verifies(env);
        expect(await select(sink, 'SELECT count(*)::INTEGER FROM sluice.replays')).toEqual([[5]]);
        await server?.close();
        await sink.close();
      });

      it.runIf(where === 'a file')(
        'leaves no file of what it did not commit, and begins nothing when it ends',
        async () => {
          const sink = await openLakeSink(options);
          const server = await QueryServer.start(sink, options.dataDir);
          const files = listFiles(options.dataPath);
          const run = DuckDBConnection.prototype.run;
          const writes = vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(async function (
            this: never,
            ...args
          ) {
            if (args[0].startsWith('INSERT INTO sluice.replays')) throw new Error('no room');
            return await run.apply(this, args);
          });
          await expect(replayed()).rejects.toMatchObject({ message: expect.stringContaining('no room') });
          writes.mockRestore();
          expect(listFiles(options.dataPath)).toEqual(files);
          expect(await rowsNow(env, QUARANTINE)).toHaveLength(7);
          await server.close();
          const taken = sink.replay({ specHash: specHash(LOOSE), batches: [] });
          await Promise.all([sink.close(), expect(taken).rejects.toMatchObject({ code: 'SLUICE_QUERY' })]);
        },
      );

      it.runIf(where === 'a file')('knows what it took although the answer was lost', async () => {
        const sink = await openLakeSink(options);
        const [{ epoch = 0 }] = await sink.claim([0]);
        const id = token(1_700_000_000);
        const strict = { ...options, spec: parseSpec(shopSpec(true), 'of the test') };
        await sink.stage(await makeLakeBatch(strict, 0, 7, [message(id)], { epoch }));
        await sink.commit();
        const server = await QueryServer.start(sink, options.dataDir);
        const answers = loseAnswers();
        expect((await replayed()).rows).toEqual({ merged: 3, duplicate: 2, marker: 1 });
        answers.mockRestore();
        const sums = { merged: 0, duplicate: 0 };
        await commit(sink, 8, id, sums);
        expect(sums).toEqual({ merged: 0, duplicate: 1 });
        await server.close();
        await sink.close();
        await verifies(env);
      });
    });
  });
});

async function commit(sink: DuckLakeSink, offset: number, id: string, sums: { merged: number; duplicate: number }) {
  const [{ epoch = 0 }] = await sink.claim([0]);
  await sink.stage(await makeLakeBatch(options, 0, offset, [whole(id)], { epoch }));
  const { stats } = await sink.commit();
  sums.merged += stats.merged;
  sums.duplicate += stats.duplicate;
}
