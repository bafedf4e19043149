/** The kernel's host in Python: every form of messages there is, and damaged ones. `PYTHON_FUZZ=200000` for more. */
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { cdcForms } from '../support/cdc-forms.js';
import { runCli, temporaryDataDir } from '../support/cli.js';
import { EQUAL_SHARES } from '../support/event-kinds.js';
import { orderEvents } from '../support/events.js';
import { randomRound } from '../support/fuzz-rounds.js';
import { messagesOf } from '../support/kernel.js';
import { INSTALL_TIMEOUT_MS, pythonWith, whyNoPython } from '../support/python.js';
import { comparePython, pytest, writeCase } from '../support/python-kernel.js';

const DAMAGED = Number(process.env.PYTHON_FUZZ ?? '20000');
const ROUND_ROWS = 5000;
const LONG = { timeout: 600_000 };

describe.skipIf(whyNoPython() !== undefined)('the host in Python', () => {
  let python: string;
  beforeAll(async () => {
    python = await pythonWith('requirements-kernel.txt');
  }, INSTALL_TIMEOUT_MS);

  it('passes the tests of its own', LONG, async () => {
    const bundle = path.join(await temporaryDataDir(), 'bundle');
    await runCli(['kernel', 'export', '--out', bundle]);
    // Those of the data source need PySpark's modules, and no Java.
    expect(await pytest(await pythonWith('requirements-spark-kernel.txt'), bundle)).toMatch(/\d+ passed in/);
  });

  it('reads orders of every kind as the one in Node does', LONG, async () => {
    const folder = await temporaryDataDir();
    const batches = Array.from({ length: 10 }, (_, seed) => {
      const events = [...orderEvents({ count: 10_000, seed, shares: EQUAL_SHARES })];
      return messagesOf(
        events.map(({ value }) => value),
        seed,
      );
    });
    writeCase(path.join(folder, 'orders'), ORDERS_SPEC, batches);
    const { differences, learned } = await comparePython(python, folder);
    expect(differences).toEqual([]);
    expect(learned).toBeGreaterThan(0);
  });

  it('reads what connectors write as the one in Node does', LONG, async () => {
    const folder = await temporaryDataDir();
    const forms = cdcForms();
    // The second time as what was learned.
    for (const { name, spec, messages } of forms) writeCase(path.join(folder, name), spec, [messages, messages]);
    const { differences, rows } = await comparePython(python, folder);
    expect(differences).toEqual([]);
    expect(rows).toBeGreaterThan(2 * forms.length);
  });

  it(`reads ${DAMAGED} damaged messages as the one in Node does`, LONG, async () => {
    let damaged = 0;
    let learned = 0;
    for (let seed = 1; damaged < DAMAGED; ) {
      const folder = await temporaryDataDir();
      for (const last = seed + 10; seed < last && damaged < DAMAGED; seed++) {
        const { spec, batches } = randomRound(seed, ROUND_ROWS);
        const read = [...batches];
        for (const batch of read) damaged += batch.damaged;
        writeCase(
          path.join(folder, `round-${seed}`),
          spec,
          read.map(({ messages }) => messages),
        );
      }
      const compared = await comparePython(python, folder);
      expect(compared.differences).toEqual([]);
      learned += compared.learned;
    }
    expect(learned).toBeGreaterThan(0);
  });
});
