/** The way of a test file to the broker that all test files share, or to one of its own. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, inject } from 'vitest';
import { type Broker, type BrokerOptions, startBroker } from './broker.js';
// For its declaration of `kafkaUrl`.
import type {} from './global-setup.js';

/** What a test names its topics by: the shared broker's topics are visible to every test file. */
export function uniqueTopic(name: string): string {
  return `${name}-${process.pid}-${++topics}`;
}
let topics = 0;

/**
 * A `describe` whose tests use the shared broker; skipped if none can be started.
 * @param body gets a function that tells the bootstrap address, to be called within hooks and tests
 */
export function describeKafka(name: string, body: (bootstrap: () => string) => void): void {
  const url = inject('kafkaUrl');
  describe.skipIf(url === undefined)(name, () => {
    let bootstrap: string;
    beforeAll(async () => {
      bootstrap = await askForBroker(url as string);
    });
    body(() => bootstrap);
  });
}

/**
 * A `describe` with a broker of its own, which its tests may kill and restart; skipped if none can be started.
 * @param body gets a function that tells the broker, to be called within hooks and tests
 */
export function describePrivateKafka(
  name: string,
  body: (broker: () => Broker) => void,
  options: Omit<BrokerOptions, 'dataDir'> = {},
): void {
  describe.skipIf(inject('kafkaUrl') === undefined)(name, () => {
    let dataDir: string;
    let broker: Broker | undefined;
    beforeAll(async () => {
      dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-kafka-'));
      broker = await startBroker({ ...options, dataDir });
    });
    afterAll(async () => {
      await broker?.kill();
      await rm(dataDir, { recursive: true, force: true });
    });
    body(() => broker as Broker);
  });
}

/** Stops a broker, throws a partition's log away, and starts it again: the topic is the same, its log is empty. */
export async function loseLog(broker: Broker, topic: string, partition = 0): Promise<void> {
  await broker.stop();
  await rm(path.join(broker.logs, `${topic}-${partition}`), { recursive: true });
  await broker.restart();
}

async function askForBroker(url: string): Promise<string> {
  const response = await fetch(url);
  const answer = await response.text();
  if (!response.ok) throw new Error(`the shared broker did not start: ${answer}`);
  return answer;
}
