/** The kernel's host in Python: a smoke test; test/integrations/python-kernel.test.ts reads more messages. */
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ORDERS_SPEC } from '../src/schema/spec-file.js';
import { temporaryDataDir } from './support/cli.js';
import { EQUAL_SHARES } from './support/event-kinds.js';
import { orderEvents } from './support/events.js';
import { messagesOf } from './support/kernel.js';
import { INSTALL_TIMEOUT_MS, pythonWith, whyNoPython } from './support/python.js';
import { comparePython, writeCase } from './support/python-kernel.js';

describe.skipIf(whyNoPython() !== undefined)('the host in Python', () => {
  let python: string;
  beforeAll(async () => {
    python = await pythonWith('requirements-kernel.txt');
  }, INSTALL_TIMEOUT_MS);

  it('reads orders of every kind as the one in Node does', async () => {
    const folder = await temporaryDataDir();
    const events = [...orderEvents({ count: 10_000, seed: 1, shares: EQUAL_SHARES })];
    const messages = messagesOf(events.map(({ value }) => value));
    writeCase(path.join(folder, 'orders'), ORDERS_SPEC, [messages.slice(0, 7000), messages.slice(7000)]);
    const { rows, quarantined, differences } = await comparePython(python, folder);
    expect(differences).toEqual([]);
    expect([rows > 3000, quarantined > 1000]).toEqual([true, true]);
  });
});
