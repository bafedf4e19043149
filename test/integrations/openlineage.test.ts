/** OpenLineage's own client for Python takes the events of a run as its own. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { filledTopic, runEnv, runUntilEnd } from '../e2e/support.js';
import { temporaryDataDir } from '../support/cli.js';
import { orderEvents } from '../support/events.js';
import { describeKafka } from '../support/kafka/shared.js';
import { LineageServer } from '../support/openlineage.js';
import { INSTALL_TIMEOUT_MS, pythonWith, runPython, whyNoPython } from '../support/python.js';

describe.skipIf(whyNoPython() !== undefined)('with OpenLineage', () => {
  let python: string;
  beforeAll(async () => {
    python = await pythonWith('requirements-lineage.txt');
  }, INSTALL_TIMEOUT_MS);

  describeKafka("its client's objects", (bootstrap) => {
    it('have each field of the events, and say the same', async () => {
      const dataDir = await temporaryDataDir();
      const file = join(dataDir, 'lineage.jsonl');
      const topic = await filledTopic(bootstrap(), 'orders', 2, orderEvents({ count: 500 }));
      await runUntilEnd({ ...runEnv(bootstrap(), topic, dataDir), LINEAGE_FILE: file });
      const written = readFileSync(file, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object);
      const server = await LineageServer.start();
      const made = await runPython(python, 'lineage_client.py', [file, server.url]);
      expect(written.length).toBeGreaterThanOrEqual(2);
      // It adds empty lists, and a tag with its version.
      expect(made).toMatchObject(written);
      expect(server.events).toMatchObject(written);
    }, 120_000);
  });
});
