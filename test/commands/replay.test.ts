import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { replay } from '../../src/commands/replay.js';
import { readConfig } from '../../src/config.js';
import { createLogger } from '../../src/core/log.js';
import { QueryServer } from '../../src/query/query-server.js';
import { replayRunning } from '../../src/query/sql-client.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import { specHash } from '../../src/schema/spec-hash.js';
import type { DuckDbSink } from '../../src/sinks/duckdb/sink.js';
import { makeBatch, openSink, select, temporaryDirectory } from '../support/batches.js';
import { content, parquetFiles, recovered, verified } from '../support/recovering.js';
import { changeDatabase, queryDatabase } from '../support/verifying.js';

const columns = (required: boolean) => [
  { name: 'id', kind: 'text', required: true, role: 'change_id' },
  { name: 'key', kind: 'text', required: true, role: 'key' },
  { name: 'operation', kind: 'text', role: 'operation' },
  { name: 'at', kind: 'timestamp', role: 'event_time' },
  { name: 'shop', kind: 'text', required },
];
const specText = (required: boolean, more: object[] = [], expectations: object[] = []) =>
  JSON.stringify({ table: 'cdc_orders', view: 'orders', columns: [...columns(required), ...more], expectations });
const STRICT = parseSpec(specText(true), 'of the test');
const LOOSE = parseSpec(specText(false), 'of the test');

const message = (id: string, more: object = {}) => JSON.stringify({ id, key: id, operation: 'insert', ...more });
const whole = (id: string) => message(id, { shop: 's' });

/**
 * Partition 0: a file with bad messages in it, and a batch that has no file; partition 1: a duplicate of a row, and one
 * of another quarantined message, and a marker.
 */
async function written(choices: { joined?: boolean; state?: 'table' } = {}): Promise<string> {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir, { spec: STRICT, ...(choices.state && { state: choices.state }) });
  const stage = async (partition: number, start: number, values: (string | null)[]) =>
    sink.stage(await makeBatch(dataDir, partition, start, values, { spec: STRICT }));
  await stage(0, 0, [whole('a'), message('b', { at: '2023-11-14T00:00:00Z' }), '{', whole('c'), null]);
  await sink.commit();
  await stage(0, 5, [message('d'), '[]']);
  await sink.commit();
  await stage(0, 7, [whole('e')]);
  await stage(1, 0, [whole('f'), message('a'), message('b'), message('g', { operation: 'snapshot_begin' })]);
  await sink.commit();
  if (choices.joined === true) await sink.compact({ everything: true });
  await sink.close();
  return dataDir;
}

function specFile(dataDir: string, text: string): string {
  const file = join(dataDir, 'spec.json');
  writeFileSync(file, text);
  return file;
}

const LOG = createLogger({ level: 'silent', format: 'json' });

const replayed = (
  dataDir: string,
  choices: { dryRun?: boolean; reason?: string; spec?: string; bytes?: string } = {},
) => {
  const { spec = specText(false), dryRun = false, reason, bytes = '32MiB' } = choices;
  const config = readConfig({ DATA_DIR: dataDir, TABLE_SPEC: specFile(dataDir, spec), BATCH_BYTES: bytes });
  return replay(config, { dryRun, reason, log: LOG });
};

const ROWS = 'SELECT * FROM cdc_orders ORDER BY kafka_partition, kafka_offset';
const QUARANTINE = 'SELECT partition_id, message_offset, reason FROM sluice.quarantine ORDER BY ALL';
const REPLAYS = 'SELECT partition_id, message_offset, outcome FROM sluice.replays ORDER BY ALL';

it.each([
  ['in files of their own', {}],
  ['in a joined file', { joined: true }],
  ['with STATE=table', { state: 'table' }],
] as const)('takes what is a row now, once, and verify agrees: %s', async (_, choices) => {
  const dataDir = await written(choices);
  const { byReason, rows } = await replayed(dataDir);
  expect(Object.fromEntries(byReason)).toEqual({
    malformed: { rows: 0, tombstones: 0, stay: 1 },
    missing_required: { rows: 5, tombstones: 0, stay: 0 },
    not_object: { rows: 0, tombstones: 0, stay: 1 },
  });
  expect(rows).toEqual({ merged: 2, duplicate: 2, marker: 1 });
  expect(await queryDatabase(dataDir, QUARANTINE)).toEqual([
    [0, 2n, 'malformed'],
    [0, 6n, 'not_object'],
  ]);
  expect(await queryDatabase(dataDir, REPLAYS)).toEqual([
    [0, 1n, 'merged'],
    [0, 5n, 'merged'],
    [1, 1n, 'duplicate'],
    [1, 2n, 'duplicate'],
    [1, 3n, 'marker'],
  ]);
  expect(await verified(dataDir)).toMatchObject({ problems: [] });

  // As a run with this spec would have made them, but for the duplicates, of which the first to be committed stays.
  const sink = await openSink(dataDir, { spec: parseSpec(specText(false), 'of the test') });
  const { rows: made, ...others } = await content(sink);
  await sink.close();
  expect(made.map((row) => [row[0], row.at(-4), row.at(-3)])).toEqual([
    ['a', 0, 0n],
    ['b', 0, 1n],
    ['c', 0, 3n],
    ['d', 0, 5n],
    ['e', 0, 7n],
    ['f', 1, 0n],
  ]);
  const files = parquetFiles(dataDir);
  expect(await replayed(dataDir)).toMatchObject({ rows: { merged: 0, duplicate: 0, marker: 0 } });
  expect(parquetFiles(dataDir)).toEqual(files);
  const again = await openSink(dataDir, { spec: parseSpec(specText(false), 'of the test') });
  expect(await content(again)).toEqual({ rows: made, ...others });
});

it('makes the rows that a run makes', async () => {
  const [dataDir, calmDir] = [await written(), temporaryDirectory()];
  await replayed(dataDir);
  const spec = parseSpec(specText(false), 'of the test');
  const sink = await openSink(calmDir, { spec });
  const first = [whole('a'), message('b', { at: '2023-11-14T00:00:00Z' }), '{', whole('c'), null];
  await sink.stage(await makeBatch(calmDir, 0, 0, first, { spec }));
  await sink.stage(await makeBatch(calmDir, 0, 5, [message('d'), '[]', whole('e')], { spec }));
  await sink.stage(await makeBatch(calmDir, 1, 0, [whole('f')], { spec }));
  await sink.commit();
  await sink.close();
  expect(await queryDatabase(dataDir, ROWS)).toEqual(await queryDatabase(calmDir, ROWS));
  const marks = `SELECT partition_id, watermark, late FROM sluice.positions
    JOIN (SELECT partition_id, sum(rows_late)::INTEGER AS late FROM sluice.batches GROUP BY ALL) USING (partition_id)
    ORDER BY ALL`;
  expect(await queryDatabase(dataDir, marks)).toEqual(await queryDatabase(calmDir, marks));
  expect((await queryDatabase(dataDir, marks))[0]).toEqual([0, expect.anything(), 1]);
});

it('changes nothing with --dry-run, and nothing of another reason', async () => {
  const dataDir = await written();
  const before = readFileSync(join(dataDir, 'analytics.db'));
  expect(await replayed(dataDir, { dryRun: true })).toMatchObject({
    byReason: new Map(
      [
        ['malformed', { stay: 1 }],
        ['missing_required', { rows: 5 }],
        ['not_object', { stay: 1 }],
      ].map(([reason, counts]) => [reason, expect.objectContaining(counts)]) as [string, object][],
    ),
    rows: undefined,
  });
  expect(readFileSync(join(dataDir, 'analytics.db')).equals(before)).toBe(true);
  expect((await replayed(dataDir, { reason: 'malformed' })).rows).toEqual({ merged: 0, duplicate: 0, marker: 0 });
  expect(await queryDatabase(dataDir, QUARANTINE)).toHaveLength(7);
});

it('asks nothing of many rows, as they are some of a batch of long ago', async () => {
  const dataDir = await written();
  const tests = [
    { name: 'fresh', action: 'stop', freshness: { max_ms: 1000 } },
    { name: 'shops', action: 'stop', column: 'shop', nulls: { max_share: 0, per: 'batch' } },
  ];
  expect((await replayed(dataDir, { spec: specText(false, [], tests) })).rows).toMatchObject({ merged: 2 });
});

it('survives the loss of the database: the files have the rows', async () => {
  const dataDir = await written();
  await replayed(dataDir, { spec: specText(false, [{ name: 'note', kind: 'text' }]) });
  // In the table it is the last column, as it came later.
  const columns = 'SELECT id, note, * EXCLUDE (id, note) FROM cdc_orders ORDER BY kafka_partition, kafka_offset';
  const before = await queryDatabase(dataDir, columns);
  rmSync(join(dataDir, 'analytics.db'));
  await recovered(dataDir, 'fromParquet', { TABLE_SPEC: join(dataDir, 'spec.json') });
  expect((await verified(dataDir)).problems).toEqual([]);
  expect(await queryDatabase(dataDir, columns)).toEqual(before);
});

it('keeps no message as a row and in the quarantine when an older database is recovered from', async () => {
  const dataDir = await written();
  const old = readFileSync(join(dataDir, 'analytics.db'));
  await replayed(dataDir);
  writeFileSync(join(dataDir, 'analytics.db'), old);
  await recovered(dataDir, 'fromParquet', { TABLE_SPEC: join(dataDir, 'spec.json') });
  expect(await queryDatabase(dataDir, QUARANTINE)).toEqual([
    [0, 2n, 'malformed'],
    [0, 6n, 'not_object'],
  ]);
  expect((await verified(dataDir)).problems).toEqual([]);
});

it('is finished by the next start, or by a recovery, if only the rename is missing', async () => {
  const dataDir = await written();
  const names = parquetFiles(dataDir);
  const olds = names.map((name) => readFileSync(join(dataDir, name)));
  await replayed(dataDir);
  const undone = () => {
    for (const [index, name] of names.entries()) {
      const path = join(dataDir, name);
      if (readFileSync(path).equals(olds[index])) continue;
      renameSync(path, path.replace(/([^/]+)$/, '.$1.tmp'));
      writeFileSync(path, olds[index]);
    }
  };
  undone();
  expect((await verified(dataDir)).notes.join('\n')).toMatch(/the next start puts the new .* in place/);
  await (await openSink(dataDir, { spec: parseSpec(specText(false), 'of the test') })).close();
  expect(await verified(dataDir)).toMatchObject({ problems: [] });
  const rows = await queryDatabase(dataDir, ROWS);
  undone();
  await recovered(dataDir, 'fromParquet', { TABLE_SPEC: join(dataDir, 'spec.json') });
  expect(await queryDatabase(dataDir, ROWS)).toEqual(rows);
  expect(existsSync(join(dataDir, 'parquet', 'cdc_orders', '.replay'))).toBe(false);
});

it.each([
  ['a row', `DELETE FROM cdc_orders WHERE id = 'd'`, /partition 0, offset 5: .*is no row/],
  ['a marker', 'DELETE FROM sluice.markers', /partition 1, offset 3: .*is no marker/],
  [
    'a message put back',
    `INSERT INTO sluice.quarantine BY NAME SELECT topic: 'cdc_orders', partition_id: 0, message_offset: 5, reason: 'x'`,
    /partition 0, offset 5: .*still in the quarantine/,
  ],
])('verify finds %s that was changed by hand', async (_, sql, problem) => {
  const dataDir = await written();
  await replayed(dataDir);
  await changeDatabase(dataDir, sql);
  expect((await verified(dataDir)).problems.join('\n')).toMatch(problem);
});

describe('beside a process that runs', () => {
  async function running(): Promise<{ dataDir: string; sink: DuckDbSink; server: QueryServer }> {
    const dataDir = await written();
    const sink = await openSink(dataDir, { spec: LOOSE });
    const server = await QueryServer.start(sink, dataDir);
    onTestFinished(() => server.close());
    return { dataDir, sink, server };
  }

  it('is done by that one between its commits, once, by whoever asks for it', async () => {
    const { dataDir, sink } = await running();
    // A piece for each message. Their ids come again with the commits.
    const both = Promise.all([replayed(dataDir, { bytes: '1' }), replayed(dataDir, { bytes: '1' })]);
    const last = { merged: 0, duplicate: 0 };
    for (const [index, id] of ['b', 'd', 'x', 'b', 'y', 'd'].entries()) {
      await sink.stage(await makeBatch(dataDir, 1, 4 + index, [whole(id)], { spec: LOOSE }));
      const { stats } = await sink.commit();
      last.merged += stats.merged;
      last.duplicate += stats.duplicate;
    }
    const sums = { merged: last.merged, duplicate: last.duplicate, marker: 0 };
    for (const { rows } of await both) {
      for (const name of ['merged', 'duplicate', 'marker'] as const) sums[name] += rows![name];
    }
    // Of b and d, one of each was merged: the one that came first.
    expect(sums).toEqual({ merged: 4, duplicate: 6, marker: 1 });
    expect(await select(sink, 'SELECT id FROM cdc_orders ORDER BY id')).toEqual(
      ['a', 'b', 'c', 'd', 'e', 'f', 'x', 'y'].map((id) => [id]),
    );
    expect(await select(sink, 'SELECT count(*)::INTEGER FROM sluice.replays')).toEqual([[5]]);
    expect(await verified(dataDir)).toMatchObject({ problems: [] });
    expect((await replayed(dataDir)).rows).toEqual({ merged: 0, duplicate: 0, marker: 0 });
    expect(existsSync(join(dataDir, 'parquet', 'cdc_orders', '.replay'))).toBe(false);
  });

  it('is refused with another table spec than that one has', async () => {
    const { dataDir, sink } = await running();
    const other = specText(false, [{ name: 'note', kind: 'text' }]);
    await expect(replayed(dataDir, { spec: other })).rejects.toMatchObject({ code: 'SLUICE_SPEC_CHANGED' });
    // What it was asked for before it was started again.
    const piece = { specHash: specHash(STRICT), batches: [] };
    await expect(replayRunning(dataDir, piece)).rejects.toMatchObject({ code: 'SLUICE_SPEC_CHANGED' });
    expect(await select(sink, QUARANTINE)).toHaveLength(7);
  });

  it('gives up what it has not committed when that one ends', async () => {
    const { dataDir, sink, server } = await running();
    const replaying = replayed(dataDir, { bytes: '1' }).then(
      () => undefined,
      (error) => error,
    );
    await vi.waitFor(async () => expect(await select(sink, QUARANTINE)).not.toHaveLength(7), {
      interval: 1,
      timeout: 20_000,
    });
    await server.close();
    await sink.close();
    expect(await replaying).toMatchObject({ code: expect.stringMatching(/SLUICE_QUERY|SLUICE_SINK/) });
    expect(await verified(dataDir)).toMatchObject({ problems: [] });
    const left = await queryDatabase(dataDir, QUARANTINE);
    const { rows } = await replayed(dataDir);
    expect(rows!.merged + rows!.duplicate + rows!.marker).toBe(left.length - 2);
    expect(await verified(dataDir)).toMatchObject({ problems: [] });
  });
});
