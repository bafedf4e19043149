/**
 * One broker for all test files, started when the first of them asks: a run of unit tests alone does not pay for it.
 *
 * Test files run in processes of their own. They ask by an HTTP request to this one, which answers with the bootstrap
 * address when the broker serves.
 */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestProject } from 'vitest/node';
import { type Broker, startBroker } from './broker.js';
import { whyNoKafka } from './jars.js';

declare module 'vitest' {
  interface ProvidedContext {
    /** Where to ask for the shared broker; undefined if no broker can be started. */
    kafkaUrl: string | undefined;
  }
}

/** Vitest calls it once before the run; the function it returns, once after. */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const obstacle = whyNoKafka();
  if (obstacle !== undefined) {
    if (process.env.CI === 'true') throw new Error(`Kafka tests cannot run: ${obstacle}`);
    console.warn(`Kafka tests are skipped: ${obstacle}`);
    project.provide('kafkaUrl', undefined);
    return undefined;
  }
  const dataDir = await mkdtemp(path.join(tmpdir(), 'sluice-kafka-'));
  let broker: Promise<Broker> | undefined;
  const server = createServer((_request, response) => {
    broker ??= startBroker({ dataDir });
    broker.then(
      ({ bootstrap }) => response.end(bootstrap),
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a TCP server has no port');
  project.provide('kafkaUrl', `http://127.0.0.1:${address.port}`);
  return async () => {
    server.close();
    server.closeAllConnections();
    await (await broker?.catch(() => undefined))?.kill();
    await rm(dataDir, { recursive: true, force: true });
  };
}
