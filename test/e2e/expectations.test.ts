/** Expectations from Kafka to the warehouse, with kill -9 on the way: each failure counts once. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { specJson } from '../../src/schema/spec.js';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { CliProcess, runCli, temporaryDataDir } from '../support/cli.js';
import { describeKafka, uniqueTopic } from '../support/kafka/shared.js';
import { createTopic, produce } from '../support/produce.js';
import { committedSome, LAKE_ENV, queryFile, runEnv, runUntilEnd, verifies } from './support.js';

const EVENTS = 40_000;
const SMALL = { BATCH_ROWS: '500', COMMIT_ROWS: '1000', FLUSH_INTERVAL_MS: '50' };
const EXPECTATIONS = [
  { name: 'amount_range', action: 'quarantine', column: 'amount', range: { min: '0' } },
  { name: 'known_status', column: 'status', values: ['paid', 'created'] },
  { name: 'currency_code', column: 'currency', pattern: '[A-Z]{3}' },
  { name: 'email', column: 'customer_email', not_null: true },
  { name: 'once', column: 'change_id', unique: { per: 'minute' } },
];

/** What each expectation is failed by, in `EVENTS` orders that fail one of them each now and then. */
function* messages() {
  for (let n = 0; n < EVENTS; n++) {
    const value = {
      ...{ change_id: `c${n}`, operation: 'insert', order_id: `o${n % 1000}`, amount: n % 50 === 0 ? -1 : 5 },
      ...{ status: n % 40 === 1 ? 'odd' : 'paid', currency: n % 100 === 2 ? 'eur' : 'EUR' },
      customer: n % 200 === 3 ? {} : { email: 'a@b.de' },
    };
    yield { key: `o${n % 1000}`, value: JSON.stringify(value) };
  }
}
const FAILED = {
  amount_range: EVENTS / 50,
  known_status: EVENTS / 40,
  currency_code: EVENTS / 100,
  email: EVENTS / 200,
};

async function specFile(dataDir: string, expectations: readonly object[]): Promise<string> {
  const path = join(dataDir, '..', `${dataDir.split('/').at(-1)}-spec-${expectations.length}.json`);
  writeFileSync(path, JSON.stringify({ ...JSON.parse(specJson(ORDERS_SPEC)), expectations }));
  return path;
}

describeKafka('expectations', (bootstrap) => {
  const topic = uniqueTopic('expectations');

  beforeAll(async () => {
    await createTopic(bootstrap(), topic, 2);
    await produce(bootstrap(), topic, messages());
  });

  it.each(['duckdb', 'ducklake'])('count once in spite of kill -9, SINK=%s', { timeout: 180_000 }, async (sink) => {
    const dataDir = await temporaryDataDir();
    const env = runEnv(bootstrap(), topic, dataDir, {
      ...{ ...SMALL, ...LAKE_ENV, SINK: sink, KAFKA_GROUP_ID: `${topic}-${sink}` },
      TABLE_SPEC: await specFile(dataDir, EXPECTATIONS),
    });
    const run = await CliProcess.start(['run'], { env, timeoutMs: 120_000 });
    await committedSome(dataDir, EVENTS);
    run.kill('SIGKILL');
    expect((await run.ended).signal).toBe('SIGKILL');
    await runUntilEnd(env);
    await verifies(env);
    const ledger = `SELECT failed.key, sum(failed.value)::INTEGER
      FROM (SELECT unnest(map_entries(failed_expectations)) AS failed FROM sluice.batches) GROUP BY ALL ORDER BY ALL`;
    const { amount_range, ...warned } = FAILED;
    const counted = Object.entries({ ...warned, 'expectation:amount_range': amount_range }).sort();
    expect(await queryFile(dataDir, ledger)).toEqual(counted);
    expect(
      await queryFile(dataDir, 'SELECT reason, column_name, count(*) FROM sluice.quarantine GROUP BY ALL'),
    ).toEqual([['expectation:amount_range', 'amount', BigInt(amount_range)]]);

    const checked = await runCli(['check', '--json'], { env });
    expect(checked.code, checked.stderr).toBe(1);
    const verdicts = checked.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const wanted = { amount_range: 0, ...warned, once: 0 };
    expect(Object.fromEntries(verdicts.map(({ name, failed }) => [name, failed]))).toEqual(wanted);
    if (sink === 'ducklake') return;

    // Without the expectation they are rows.
    const reason = ['--reason', 'expectation:amount_range'];
    const replayed = await runCli(['replay', ...reason, '--spec', await specFile(dataDir, [])], { env });
    expect(replayed.code, replayed.stderr).toBe(0);
    expect(await queryFile(dataDir, 'SELECT count(*) FROM cdc_orders')).toEqual([[BigInt(EVENTS)]]);
    await verifies(env);
  });
});
