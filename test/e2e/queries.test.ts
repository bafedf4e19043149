/** Queries on a running process that take all they can get: it commits all the same, and ends when it is told to. */
import { expect, it } from 'vitest';
import { runCli, temporaryDataDir } from '../support/cli.js';
import { describeKafka } from '../support/kafka/shared.js';
import { produce } from '../support/produce.js';
import { consumedIs, filledTopic, runEnv, startRun, stop, verifies } from './support.js';

const MESSAGES = 20_000;
const GREEDY = 'SELECT len(list(a)) FROM range(100_000_000) t(a)';
const ENDLESS = 'SELECT count(*) FROM range(10_000_000_000) a, range(1_000_000) b WHERE hash(a.range, b.range) = 1';

function* orders(from: number) {
  for (let n = from; n < from + MESSAGES; n++) {
    const value = { change_id: `c${n}`, order_id: `o${n}`, operation: 'insert', note: 'x'.repeat(200) };
    yield { key: `o${n}`, value: JSON.stringify(value) };
  }
}

describeKafka('a run beside queries', (bootstrap) => {
  it('commits although they take all memory, and ends although one is endless', { timeout: 180_000 }, async () => {
    const topic = await filledTopic(bootstrap(), 'greedy', 2, []);
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), { DUCKDB_MEMORY_LIMIT: '128MB' });
    const run = await startRun(env);
    let asking = true;
    const greedy = [1, 2].map(async () => {
      while (asking) expect((await runCli(['query', GREEDY], { env })).code).toBe(2);
    });
    for (let round = 0; round < 5; round++) await produce(bootstrap(), topic, orders(round * MESSAGES));
    asking = false;
    await Promise.all(greedy);
    await consumedIs(env.DATA_DIR, 5 * MESSAGES);
    const endless = runCli(['query', ENDLESS], { env });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    expect(await stop(run)).toMatchObject({ events: 5 * MESSAGES, merged: 5 * MESSAGES });
    expect((await endless).stderr).toContain('SLUICE_QUERY');
    await verifies(env);
  });
});
