/** `sluice compact` of a lake from which old changes leave, killed at each of its steps. */
import { describe, expect, it } from 'vitest';
import type { DuckLakeSink } from '../../src/sinks/ducklake/sink.js';
import { checks } from '../../src/verify/checks.js';
import { readScope } from '../../src/verify/ledger.js';
import { order, select, temporaryDirectory, token } from '../support/batches.js';
import { runCli } from '../support/cli.js';
import { EXTENSION_DIRECTORY, whyNoExtensions } from '../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, onLake, openLakeSink, readLake } from '../support/lakes.js';
import { describePostgres } from '../support/postgres.js';
import { age, HOUR_MS, ORDERS, retain } from '../support/retaining.js';

/** The first statement of the second kind after one of the first is the last one. */
const STEPS = [
  '^DELETE FROM sluice.quarantine=>^COMMIT',
  'temp.leaving=>^COPY',
  '^DELETE FROM "cdc_orders"=>^UPDATE sluice.batches',
  'rows_retired \\+=>^COMMIT',
  'ducklake_rewrite_data_files=>^COMMIT',
];

const KILL_AT = `--import=${new URL('../support/kill-at.mjs', import.meta.url)}`;

async function problems(options: ReturnType<typeof lakeOptions>): Promise<string[]> {
  const client = await readLake(options);
  const found: string[] = [];
  for await (const { problems } of checks(client, await readScope(client, options.dataDir))) found.push(...problems);
  client.close();
  return found;
}

/** Old changes of eleven orders in four files, quarantined messages in a file and in the catalog. */
async function fill(sink: DuckLakeSink, options: ReturnType<typeof lakeOptions>): Promise<void> {
  const [{ epoch }] = await sink.claim([0]);
  let start = 0;
  for (let round = 0; round < 4; round++) {
    const orders = Array.from({ length: 20 }, (_, n) => {
      const fields = { order_id: `o-${(n + 7 * round) % 11}`, order_id_type: 'string', status: `${round}` };
      return order(token(start + n + 1), { ...fields, operation: n === 5 ? 'delete' : 'update' });
    });
    const bad = Array.from({ length: round === 1 ? 101 : 1 }, (_, n) => `{bad ${n}`);
    await sink.stage(await makeLakeBatch(options, 0, start, [...orders, ...bad], { epoch }));
    await sink.commit();
    start += orders.length + bad.length;
  }
  await age(sink);
}

describe.skipIf(whyNoExtensions() !== undefined)('with RETAIN_* on a lake', { timeout: 240_000 }, () => {
  describePostgres('with a Postgres', (postgres) => {
    it.each(['a file', 'Postgres'] as const)('a kill leaves orders as they are, catalog in %s', async (where) => {
      const dataDir = temporaryDirectory();
      const catalog = where === 'a file' ? undefined : `postgres:${await postgres().createDatabase()}`;
      const options = lakeOptions(dataDir, catalog);
      const retention = retain({ changesMs: HOUR_MS, quarantineMs: HOUR_MS });
      const sink = await openLakeSink({ ...options, state: 'table', retention });
      await fill(sink, options);
      const orders = await select(sink, ORDERS);
      expect(orders.length).toBeGreaterThan(8);
      await sink.close();
      const env = {
        ...{ DATA_DIR: dataDir, KAFKA_TOPIC: options.topic, SINK: 'ducklake', LAKE_KEEP_SNAPSHOTS: '0s' },
        ...{ RETAIN_CHANGES: '1h', RETAIN_QUARANTINE: '1h', DUCKDB_EXTENSION_DIRECTORY: EXTENSION_DIRECTORY },
        ...(catalog !== undefined && { LAKE_CATALOG: catalog }),
      };
      const left: unknown[] = [];
      for (const step of STEPS) {
        const { signal, stderr } = await runCli(['compact'], { env: { ...env, NODE_OPTIONS: KILL_AT, KILL_AT: step } });
        expect(signal, `${step}: ${stderr}`).toBe('SIGKILL');
        expect(await onLake(options, ORDERS), step).toEqual(orders);
        expect(await problems(options), step).toEqual([]);
        const sums = 'SELECT sum(rows_retired)::INTEGER, sum(quarantine_retired)::INTEGER FROM sluice.batches';
        left.push(...(await onLake(options, sums)));
      }
      // A COMMIT that was the last statement took effect.
      expect(left).toEqual([
        [0, 104],
        [0, 104],
        [0, 104],
        [69, 104],
        [69, 104],
      ]);
      const { code, stderr } = await runCli(['compact'], { env });
      expect(code, stderr).toBe(0);
      expect(await onLake(options, ORDERS)).toEqual(orders);
      expect(await onLake(options, 'SELECT count(*) FROM sluice.quarantine')).toEqual([[0n]]);
    });
  });
});
