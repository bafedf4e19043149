/** What commands show on a terminal while they work. */
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/batches.js';
import { ENDLESS, queriedDirectory } from '../support/queried.js';
import { hasTerminal, runOnTerminal } from '../support/terminal.js';

const CLEAR = '\r\u001b[K';
const CTRL_C = '\u0003';
const SIGINT = 2;

describe.skipIf(!hasTerminal())('the progress of a command, on a terminal', () => {
  it('is seconds and rows of a query, and gone when a signal ends it', async () => {
    const env = { DATA_DIR: await queriedDirectory(false) };
    const { code, stdout } = await runOnTerminal(`exec $SLUICE query "${ENDLESS}"`, { env }, [
      [`${CLEAR}3 s  0 rows`, CTRL_C],
    ]);
    expect(code).toBe(128 + SIGINT);
    expect(stdout.endsWith(CLEAR)).toBe(true);
  });

  it.each(['csv', 'arrow'])('counts the rows of %s that go elsewhere', async (format) => {
    const env = { DATA_DIR: await queriedDirectory(false) };
    const script = `exec $SLUICE query --format ${format} "FROM range(1_000_000_000_000)" > /dev/null`;
    const { stdout } = await runOnTerminal(script, { env }, [[`${CLEAR}3 s  `, CTRL_C]]);
    expect(stdout).toMatch(/K3 s {2}\d[\d,]{4,} rows/);
  });

  it('is what the demo does', { timeout: 120_000 }, async () => {
    const { code, stdout } = await runOnTerminal(
      '$SLUICE demo --events 5000',
      { env: { DATA_DIR: temporaryDirectory() } },
      [
        [`${CLEAR}… `, ''],
        [CLEAR, ''],
        ['everything agrees', ''],
      ],
    );
    expect(code).toBe(0);
    expect(stdout.split(/\r?\n/).filter((line) => line.includes('…') && !line.includes(CLEAR))).toEqual([]);
  });
});
