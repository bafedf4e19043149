import { expect, it } from 'vitest';
import { drawWindow } from '../../src/commands/byte-window.js';
import { parseSince } from '../../src/commands/quarantine-filter.js';
import { makeBatch, openSink, order, temporaryDirectory, token } from '../support/batches.js';
import { runCli } from '../support/cli.js';

const BAD = `{"change_id":"${'x'.repeat(200)}",\n"ä\\\\":}${' '.repeat(200)}`;

async function quarantined(): Promise<string> {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  await sink.stage(await makeBatch(dataDir, 0, 0, [order(token(1)), '{', BAD, '{}', '[]']));
  await sink.stage(await makeBatch(dataDir, 1, 0, ['{"change_id":}']));
  await sink.commit();
  await sink.close();
  return dataDir;
}

const sluice = async (args: readonly string[], dataDir: string) => {
  const { code, stdout, stderr } = await runCli(['quarantine', ...args], { env: { DATA_DIR: dataDir } });
  expect([code, stderr]).toEqual([0, '']);
  return stdout;
};
const jsonLines = (text: string) =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

it('counts by reason and time, as a table and as JSON', async () => {
  const dataDir = await quarantined();
  const table = await sluice([], dataDir);
  expect(table).toMatch(/^reason +minute \(UTC\) +messages +partitions\n/);
  expect(table).toMatch(/malformed +2023-11-14 22:13 +3 +2\n/);
  expect(jsonLines(await sluice(['--json', '--since', '2023-11-14T22:00Z'], dataDir))).toEqual([
    { reason: 'malformed', minute: '2023-11-14 22:13', messages: 3, partitions: 2 },
    { reason: 'missing_required', minute: '2023-11-14 22:13', messages: 1, partitions: 1 },
    { reason: 'not_object', minute: '2023-11-14 22:13', messages: 1, partitions: 1 },
  ]);
  expect(await sluice(['--since', '2023-11-15'], dataDir)).toMatch(/^no message in the quarantine/);
  expect((await sluice(['--reason', 'not_object'], dataDir)).split('\n')).toHaveLength(4);
});

it('shows samples of each reason with the byte to blame, in the width of a line', async () => {
  const dataDir = await quarantined();
  const text = await sluice(['--samples', '2'], dataDir);
  expect(text).toMatch(
    /partition 0, offset 3: missing_required change_id\n {2}2023-11-14T22:13:20\.000Z, 2 bytes\n\{\}\n/,
  );
  expect(text).toMatch(/partition 0, offset 2: malformed, byte \d+\n.*\n….*\\x0A"\\xC3\\xA4(\\x5C){2}":\}.*\n +\^/);
  expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
  // Of three messages, the newest two.
  expect(text.match(/: malformed/g)).toHaveLength(2);
  const [sample] = jsonLines(await sluice(['--samples', '1', '--reason', 'not_object', '--json'], dataDir));
  expect(sample).toMatchObject({ partition: 0, offset: 4, position: 0, bytes: 2, window: ['[]', '^'] });
});

it.each([
  ['in the middle', 50],
  ['at the start', 0],
  ['before the end', 99],
  ['at the end', 100],
])('marks a byte %s, under itself', (_, position) => {
  const bytes = Uint8Array.from({ length: 100 }, (_, index) => (index % 3 === 0 ? 0x0a : 0x61 + (index % 26)));
  for (const width of [20, 40, 400]) {
    const [line, caret] = drawWindow(bytes, { from: 0, length: 100, position }, width);
    expect(line.length).toBeLessThanOrEqual(width);
    expect(caret.length).toBeLessThanOrEqual(width);
    const marked = line.slice(caret.indexOf('^'), caret.length);
    const shown = position % 3 === 0 ? '\\x0A' : String.fromCharCode(bytes[position] ?? 0);
    expect(marked).toBe(position === 100 ? '' : shown);
    expect([line.startsWith('…'), line.endsWith('…')]).toEqual([
      width < 100 && position > 0,
      width < 100 && position < 99,
    ]);
  }
});

it('reads times with and without a zone, and ages', () => {
  expect(parseSince('2026-01-02T03:04', 0)).toBe(Date.UTC(2026, 0, 2, 3, 4));
  expect(parseSince('2026-01-02T03:04+01:00', 0)).toBe(Date.UTC(2026, 0, 2, 2, 4));
  expect(parseSince('2h', 10_000_000)).toBe(2_800_000);
  for (const text of ['yesterday', '2026-13-01', '2', '']) expect(() => parseSince(text, 0)).toThrow(/it is no time/);
});
