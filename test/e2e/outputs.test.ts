/** What commands print reaches the reader in full, through real pipes, however the reader behaves. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { QueryServer } from '../../src/query/query-server.js';
import { makeBatch, openSink, order, select, temporaryDirectory, token } from '../support/batches.js';
import { CliProcess, runShell, temporaryDataDir } from '../support/cli.js';
import { mountedDisk } from '../support/disk.js';
import { orderEvents } from '../support/events.js';
import { describeKafka } from '../support/kafka/shared.js';
import { produce } from '../support/produce.js';
import { queriedDirectory } from '../support/queried.js';
import { consumedIs, filledTopic, runEnv, startRun, verifies } from './support.js';

const ROWS = 320_001;
const SQL = `SELECT range AS n, 'value-' || range AS text FROM range(${ROWS})`;
const LONG = { timeout: 120_000 };
const READERS = [
  ['a reader that is slow to start', '(sleep 1; cat)'],
  ['a reader of small pieces', 'dd bs=997 status=none'],
] as const;

describe.each([
  ['the file', false],
  ['the running process', true],
] as const)('a query on %s', LONG, (_, live) => {
  /** A shell in which $SLUICE is the program, on a data directory of its own. */
  async function shell(script: string, env: Record<string, string> = {}) {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    if (live) {
      const server = await QueryServer.start(sink, dataDir);
      onTestFinished(() => server.close());
    } else await sink.close();
    return runShell(script, { env: { DATA_DIR: dataDir, SQL, ...env }, timeoutMs: 100_000 });
  }

  it.each(READERS)('gives %s all rows, as CSV and JSON', async (_name, reader) => {
    const csv = await shell(`$SLUICE query "$SQL" --format csv | ${reader}`);
    const lines = csv.stdout.split('\n');
    expect([lines.length, lines[0], lines.at(-2), lines.at(-1)]).toEqual([
      ROWS + 2,
      'n,text',
      `${ROWS - 1},value-${ROWS - 1}`,
      '',
    ]);
    const json = await shell(`$SLUICE query "$SQL" --format json | ${reader}`);
    const objects = json.stdout.trimEnd().split('\n');
    expect(objects).toHaveLength(ROWS);
    expect(JSON.parse(objects.at(-1)!)).toEqual({ n: ROWS - 1, text: `value-${ROWS - 1}` });
    expect([csv.stderr, json.stderr]).toEqual(['', '']);
  });

  it.each(READERS)('gives %s a whole table and Arrow stream', async (_name, reader) => {
    const wide = "SELECT range AS n, repeat('x', 59) AS a, repeat('y', 59) AS b";
    const table = await shell(`$SLUICE query "$SQL" --format table | ${reader}`, {
      SQL: `${wide} FROM range(${ROWS})`,
    });
    const lines = table.stdout.split('\n');
    expect(lines).toHaveLength(1004);
    expect(lines.at(-2)).toBe(`… and ${ROWS - 1000} more rows (of ${ROWS})`);
    const arrow = await shell(`$SLUICE query "$SQL" --format arrow | ${reader} | base64 -w 0`);
    const rows = tableFromIPC(Buffer.from(arrow.stdout, 'base64'));
    expect(rows.numRows).toBe(ROWS);
    expect(rows.get(ROWS - 1)?.toJSON()).toEqual({ n: BigInt(ROWS - 1), text: `value-${ROWS - 1}` });
  });

  it.each(['csv', 'json', 'arrow'])('ends quietly, with 0, when the reader of %s has enough', async (format) => {
    const endless = `SELECT range AS n FROM range(1_000_000_000_000)`;
    const script = `{ $SLUICE query "$SQL" --format ${format}; echo "exit $?" >&2; } | head -c 10 | wc -c`;
    expect(await shell(script, { SQL: endless })).toMatchObject({ code: 0, stdout: '10\n', stderr: 'exit 0\n' });
  });

  it.each(['csv', 'json', 'arrow'])(
    'does not hold a large result of %s in memory for a slow reader',
    async (format) => {
      const large = `SELECT repeat('x', 200) || range AS text FROM range(600_000)`;
      const env = { SQL: large, NODE_OPTIONS: '--max-old-space-size=64' };
      const script = `$SLUICE query "$SQL" --format ${format} | (sleep 2; wc -c)`;
      const { stdout, stderr } = await shell(script, env);
      expect(stderr).toBe('');
      expect(Number(stdout)).toBeGreaterThan(600_000 * 205);
    },
  );
});

describe('a result in a file', LONG, () => {
  it.each(['SIGINT', 'SIGTERM'] as const)('is not there, nor a part of it, when %s ends the query', async (signal) => {
    const [dataDir, folder] = [await database(), temporaryDirectory()];
    const sql = `SELECT range AS n, 'value-' || range AS text FROM range(1_000_000_000_000)`;
    const args = ['query', '--output', join(folder, 'result.csv'), sql];
    const writing = await CliProcess.start(args, { env: { DATA_DIR: dataDir } });
    await vi.waitFor(() => expect(sizesIn(folder)).toEqual([expect.toSatisfy((bytes) => bytes > 0)]), 30_000);
    writing.kill(signal);
    expect(await writing.ended).toMatchObject({ code: null, signal });
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe.skipIf(process.platform !== 'linux')('the memory of a query', LONG, () => {
  it.each([
    ['the file', false],
    ['the running process', true],
  ])('is bounded, for a reader that is slow to take 320,000 rows of 20 columns: %s', async (_, live) => {
    const dataDir = await queriedDirectory(live);
    const kinds = ["repeat('x', 400) || range AS", 'range AS', 'range::DOUBLE AS', 'range::DECIMAL(18, 4) AS'];
    const columns = Array.from({ length: 20 }, (_, index) => `${kinds[index % kinds.length]} c${index}`);
    const env = { DATA_DIR: dataDir, SQL: `SELECT ${columns.join(', ')} FROM range(320_000)` };
    // Its peak is read while it waits for what it has written to be taken.
    const script = `mkfifo "$DATA_DIR/pipe"
      $SLUICE query "$SQL" --format arrow > "$DATA_DIR/pipe" & query=$!
      { sleep 2; head -c 100000000 > /dev/null; sleep 3; grep VmHWM /proc/$query/status; wc -c; } < "$DATA_DIR/pipe"`;
    const { stdout, stderr } = await runShell(script, { env, timeoutMs: 100_000 });
    expect(stderr).toBe('');
    const [, kibibytes, bytes] = /^VmHWM:\s+(\d+) kB\n(\d+)\n$/.exec(stdout) ?? [];
    expect(Number(bytes)).toBeGreaterThan(1e6);
    expect(Number(kibibytes) / 1024).toBeLessThan(300);
  });
});

describe('an output that cannot be written', LONG, () => {
  const script = async (command: string, to: string) =>
    runShell(`echo '{}' | $SLUICE ${command} > ${to}`, { env: { DATA_DIR: await database() } });

  it.each(['query "FROM range(10)"', 'verify --no-kafka', 'compact', 'parse', '--help', '--version', 'query --help'])(
    'is an error of: %s',
    async (command) => {
      const { code, stdout, stderr } = await script(command, '/dev/full');
      expect({ code, stdout }).toEqual({ code: 3, stdout: '' });
      expect(stderr).toMatch(/^.*"code":"SLUICE_OUTPUT","msg":"stdout cannot be written: ENOSPC.*\n$/);
    },
  );

  it('is an error when a disk takes only a part of the last piece', async ({ skip }) => {
    const disk = await mountedDisk('16k');
    if (disk === undefined) skip('no file system can be mounted here');
    const { code, stderr } = await script(`query "SELECT repeat('x', 30000)"`, `${disk}/out`);
    expect(code).toBe(3);
    expect(stderr).toMatch(/^.*"code":"SLUICE_OUTPUT".*ENOSPC.*\n$/);
  });

  it('keeps its exit code when only stderr is in the way', async () => {
    const { code } = await runShell('$SLUICE query "SELEC" 2> /dev/full', { env: { DATA_DIR: await database() } });
    expect(code).toBe(2);
  });
});

describe('a command whose reader is gone', LONG, () => {
  it.each(['--help', '--version', 'parse', 'compact', 'verify --no-kafka'])('ends quietly: %s', async (command) => {
    const script = `{ sleep 0.3; $SLUICE ${command}; echo "exit $?" >&2; } | true`;
    const env = { DATA_DIR: await database() };
    expect(await runShell(script, { env })).toMatchObject({ stdout: '', stderr: 'exit 0\n' });
  });

  it('still tells by its exit code that a check failed', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    await sink.stage(await makeBatch(dataDir, 0, 0, [order(token(1))]));
    await sink.commit();
    await select(sink, 'UPDATE sluice.positions SET next_offset = 7');
    await sink.close();
    const script = '{ sleep 0.3; $SLUICE verify --no-kafka; echo "exit $?" >&2; } | true';
    expect(await runShell(script, { env: { DATA_DIR: dataDir } })).toMatchObject({ stderr: 'exit 1\n' });
  });
});

describeKafka('a run', (bootstrap) => {
  const messages = (seed: number) => orderEvents({ count: 300, shares: {}, seed, startMs: Date.UTC(2025, seed, 1) });

  it('continues when its log and its summary are no longer read', LONG, async () => {
    const topic = await filledTopic(bootstrap(), 'unread', 2, messages(1));
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), { LOG_LEVEL: 'trace' });
    const run = await startRun(env);
    run.stopReading();
    await produce(bootstrap(), topic, messages(2));
    await consumedIs(env.DATA_DIR, 600);
    run.kill('SIGTERM');
    expect(await run.ended).toMatchObject({ code: 0, signal: null });
    await verifies(env);
  });

  it.each(['json', 'pretty'])('continues when the disk of its log is full: %s', LONG, async (format) => {
    const topic = await filledTopic(bootstrap(), 'full-log', 2, messages(1));
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), { LOG_FORMAT: format });
    const { code, stdout } = await runShell('$SLUICE run --until-end 2> /dev/full', { env });
    expect([code, JSON.parse(stdout).events]).toEqual([0, 300]);
  });
});

/** A database that no process has open. */
async function database(): Promise<string> {
  const dataDir = temporaryDirectory();
  await (await openSink(dataDir)).close();
  return dataDir;
}

function sizesIn(folder: string): number[] {
  return readdirSync(folder).map((name) => statSync(join(folder, name)).size);
}
