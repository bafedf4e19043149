import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from '../support/batches.js';
import { runCli } from '../support/cli.js';
import { ENDLESS, queriedDirectory } from '../support/queried.js';
import { hasTerminal, runOnTerminal } from '../support/terminal.js';

it('answers statements of several lines, goes on after an error that its exit code tells', async () => {
  const input = 'SELECT 1 AS a,\n  2 AS b;\nSELEC 1;\n.tables\n.schema sluice.positions\n.nothing\nSELECT 3 AS c';
  const { code, stdout, stderr } = await runCli(['shell'], { env: { DATA_DIR: await queriedDirectory(false) }, input });
  expect(code).toBe(1);
  expect(stdout).toMatch(/^a {2}b\n─ {2}─\n1 {2}2\n/);
  for (const part of [/main +cdc_orders +BASE TABLE\n/, /partition_id +INTEGER/, /\.schema \[table\]/, /c\n─\n3\n$/]) {
    expect(stdout).toMatch(part);
  }
  expect(stderr).toMatch(/^SLUICE_QUERY: .*Parser Error/);
});

it('answers several statements of a line, whatever has a semicolon in it', async () => {
  const first = "SELECT E'\\';' AS x; SELECT 1 AS a;";
  const input = `${first} SELECT ';--' AS "b;" -- c;\n, $x$;$x$ AS d /* ; */; ;\nSELECT 5 AS e`;
  const { code, stdout, stderr } = await runCli(['shell'], { env: { DATA_DIR: await queriedDirectory(false) }, input });
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/^x\n─+\n'; *\n+a\n─\n1\n+b; +d\n─+ +─+\n;-- +;\n+e\n─\n5\n$/);
});

const READY = 'sluice> \u001b[9G';
const MORE = '   ...> \u001b[9G';

describe.skipIf(!hasTerminal())('on a terminal', () => {
  it('completes, remembers and ends with ctrl-C', async () => {
    const env = { DATA_DIR: await queriedDirectory(false), XDG_STATE_HOME: temporaryDirectory() };
    const { code, stdout } = await runOnTerminal('$SLUICE shell', { env }, [
      [READY, 'SELECT change_i'],
      ['change_i', '\t'],
      ['d', ' FROM cdc_orders\r'],
      [MORE, 'ORDER BY 1;\r'],
      [READY, '\u001b[A\u0003'],
      [READY, '\u0003'],
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/change_id\s+─+\s+82/);
    const history = readFileSync(join(env.XDG_STATE_HOME, 'sluice', 'history'), 'utf8');
    expect(history).toBe('SELECT change_id FROM cdc_orders\nORDER BY 1;\n');
  });

  it.each([
    ['the file', false],
    ['the running process', true],
  ])('ends a query with ctrl-C, and goes on: %s', async (_, live) => {
    const env = { DATA_DIR: await queriedDirectory(live), XDG_STATE_HOME: temporaryDirectory() };
    const { code, stdout } = await runOnTerminal('$SLUICE shell', { env }, [
      [READY, `${ENDLESS};\r`],
      ['\r\n', '\u0003'],
      ['the query was ended', ''],
      [READY, 'SELECT 40 + 2;\r'],
      ['42', ''],
      [READY, '.quit\r'],
    ]);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/the query was ended.*42/s)]);
  });
});
