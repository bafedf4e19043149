/** The kernel in Spark: rows of `parse` are those of Node's host. */
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { temporaryDataDir } from '../support/cli.js';
import { EQUAL_SHARES } from '../support/event-kinds.js';
import { orderEvents } from '../support/events.js';
import { messagesOf } from '../support/kernel.js';
import { INSTALL_TIMEOUT_MS, pythonWith, whyNoSpark } from '../support/python.js';
import { runScript, writeCase } from '../support/python-kernel.js';

describe.skipIf(whyNoSpark() !== undefined)('the kernel in Spark', () => {
  let python: string;
  beforeAll(async () => {
    python = await pythonWith('requirements-spark-kernel.txt');
  }, INSTALL_TIMEOUT_MS);

  it('makes the rows that Node makes, batch and streaming', { timeout: 600_000 }, async () => {
    const folder = await temporaryDataDir();
    const events = [...orderEvents({ count: 5000, seed: 3, shares: EQUAL_SHARES })];
    const messages = messagesOf(events.map(({ value }) => value));
    const one = path.join(folder, 'orders');
    writeCase(one, ORDERS_SPEC, [messages]);
    const found = await runScript(python, 'spark_kernel.py', [one, path.join(folder, 'parquet')]);
    expect(found).toMatchObject({ batch: [], streaming: [] });
    expect((found as { rows: number }).rows).toBeGreaterThan(1000);
  });
});
