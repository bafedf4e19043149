import { expect, it } from 'vitest';
import { temporaryDataDir } from '../cli.js';
import { consumeAll, createTopic, produce } from '../produce.js';
import { startBroker } from './broker.js';
import { describePrivateKafka } from './shared.js';

describePrivateKafka('a broker of one test file', (broker) => {
  it('keeps its address and acknowledged messages over a crash', async () => {
    const { bootstrap, pid } = broker();
    await createTopic(bootstrap, 'crash', 1);
    await produce(bootstrap, 'crash', [{ value: 'before' }]);
    await broker().restart();
    expect(broker().pid).not.toBe(pid);
    await produce(bootstrap, 'crash', [{ value: 'after' }]);
    expect((await consumeAll(bootstrap, 'crash')).map(({ value }) => String(value))).toEqual(['before', 'after']);
  });

  it('is down after a stop, and comes back', async () => {
    const { bootstrap, pid } = broker();
    await broker().stop();
    expect(() => process.kill(pid, 0)).toThrow();
    expect(() => broker().pid).toThrow('down');
    await broker().stop();
    await broker().restart();
    expect((await consumeAll(bootstrap, 'crash')).length).toBe(2);
  });
});

describePrivateKafka(
  'a broker with properties of its own',
  (broker) => {
    it('takes them', async () => {
      await createTopic(broker().bootstrap, 'small', 1);
      const large = produce(broker().bootstrap, 'small', [{ value: Buffer.alloc(5000) }]);
      await expect(large).rejects.toThrow(/too large/i);
    });
  },
  { properties: { 'message.max.bytes': '1000' } },
);

describePrivateKafka('a broker that cannot start', (broker) => {
  it('is reported with the cause if its port is taken', async () => {
    const port = Number(broker().bootstrap.split(':')[1]);
    const dataDir = await temporaryDataDir();
    await expect(startBroker({ dataDir, port })).rejects.toThrow(/Address already in use/);
  });

  it('is reported with the cause if a property is wrong', async () => {
    const dataDir = await temporaryDataDir();
    await expect(startBroker({ dataDir, properties: { 'num.partitions': 'four' } })).rejects.toThrow(/num\.partitions/);
  });
});
