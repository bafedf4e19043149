/** Topics of many partitions, each of which gets little. */
import { expect, it } from 'vitest';
import { temporaryDataDir } from '../support/cli.js';
import { orderEvents } from '../support/events.js';
import { describeKafka } from '../support/kafka/shared.js';
import { TestProducer } from '../support/produce.js';
import { filledTopic, queryFile, runEnv, startRun, stop, verifies } from './support.js';

const PARTITIONS = 200;
const ROUNDS = 10;

describeKafka('a topic of 200 partitions', (bootstrap) => {
  it('becomes a file per partition, as long as its open batches fit into the memory', {
    timeout: 180_000,
  }, async () => {
    const topic = await filledTopic(bootstrap(), 'partitions', PARTITIONS, []);
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), {
      BUFFER_BYTES: '32MiB',
      BATCH_BYTES: '4MiB',
      FLUSH_INTERVAL_MS: '3600000',
    });
    const run = await startRun(env);
    const producer = await TestProducer.connect(bootstrap());
    const events = [...orderEvents({ count: PARTITIONS * ROUNDS, shares: {} })];
    for (let round = 0; round < ROUNDS; round++) {
      const messages = events.splice(0, PARTITIONS).map((event, partition) => ({ ...event, partition }));
      await producer.send(topic, messages);
    }
    await producer.close();
    await run.line(new RegExp(`"events":${PARTITIONS * ROUNDS},`));
    expect(await stop(run)).toMatchObject({ events: PARTITIONS * ROUNDS, merged: PARTITIONS * ROUNDS });
    const files = 'SELECT count(file)::INTEGER, min(rows_consumed)::INTEGER FROM sluice.batches';
    expect(await queryFile(env.DATA_DIR, files)).toEqual([[PARTITIONS, ROUNDS]]);
    await verifies(env);
  });
});
