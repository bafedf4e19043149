/** Each check of `sluice doctor` against the fault that it is for. */
import { once } from 'node:events';
import { existsSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { directoryLine } from '../../src/commands/doctor-data.js';
import { lakeLines } from '../../src/commands/doctor-lake.js';
import type { DoctorLine } from '../../src/commands/doctor-line.js';
import { type Config, readConfig } from '../../src/config.js';
import { listFiles } from '../../src/storage/data-dir.js';
import { filledTopic, runEnv, runUntilEnd, startRun, stop } from '../e2e/support.js';
import { makeBatch, openSink, TOPIC, temporaryDirectory } from '../support/batches.js';
import { runCli, temporaryDataDir } from '../support/cli.js';
import { mountedDisk, remount } from '../support/disk.js';
import { EXTENSION_DIRECTORY, whyNoExtensions } from '../support/duckdb-extensions.js';
import { orderEvents } from '../support/events.js';
import { describeKafka, uniqueTopic } from '../support/kafka/shared.js';
import { lakeOptions, openLakeSink } from '../support/lakes.js';
import { freePort } from '../support/ports.js';
import { describePostgres } from '../support/postgres.js';
import { createTopic, deleteRecordsBefore, deleteTopic, produce } from '../support/produce.js';
import { FakeRegistry } from '../support/registry.js';

const LONG = { timeout: 120_000 };

interface Examined {
  readonly code: number | null;
  readonly checks: readonly DoctorLine[];
}

async function doctor(env: Record<string, string>): Promise<Examined> {
  const { code, signal, stdout, stderr } = await runCli(['doctor', '--json'], {
    env: { LOG_FORMAT: 'json', ...env },
  });
  expect(stdout, `${code} ${signal} ${stderr}`).not.toBe('');
  const { ok, checks } = JSON.parse(stdout);
  expect(code).toBe(ok ? 0 : 1);
  return { code, checks };
}

const named = ({ checks }: Examined, check: string) => checks.find((line) => line.check === check);
const bad = ({ checks }: Examined) => checks.filter(({ outcome }) => outcome !== 'ok').map(({ check }) => check);

/** All lines of a part of the checks; what it opened is closed. */
async function linesOf(part: AsyncGenerator<DoctorLine, { close(): void } | undefined>): Promise<DoctorLine[]> {
  const lines: DoctorLine[] = [];
  for (;;) {
    const { done, value } = await part.next();
    if (done) {
      value?.close();
      return lines;
    }
    lines.push(value);
  }
}

const configOf = (dataDir: string, more: Record<string, string> = {}): Config =>
  readConfig({ DATA_DIR: dataDir, KAFKA_TOPIC: TOPIC, ...more }, false);

describe('doctor', () => {
  it('names a variable that is not acceptable, and one that is not read', LONG, async () => {
    const wrong = await doctor({ WORKERS: 'x', DATA_DIR: 's3://b' });
    expect(wrong.checks).toEqual([
      expect.objectContaining({ check: 'configuration', outcome: 'fail', code: 'SLUICE_CONFIG' }),
    ]);
    expect(wrong.checks[0].text).toMatch(/: WORKERS="x": must be .*; DATA_DIR="s3:\/\/b": must/);
  });

  it('says line by line what is ready without a broker', LONG, async () => {
    const dataDir = join(await temporaryDataDir(), 'new');
    const env = { KAFKA_BROKERS: '127.0.0.1:1', METRICS_PORT: `${await freePort()}`, DATA_DIR: dataDir };
    const { code, stdout } = await runCli(['doctor'], {
      env: { ...env, WORKERS: '8', KAFKA_TOPICS: 'misspelled' },
    });
    expect(code).toBe(1);
    const starts = stdout.split('\n').map((line) => line.split(/: (?!SLUICE_)/)[0]);
    expect(starts).toEqual([
      'warn  configuration',
      'fail  broker: SLUICE_KAFKA_UNREACHABLE',
      'skip  topic',
      'skip  consumer group',
      'ok    data directory',
      'ok    disk',
      'ok    HTTP port',
      'warn  threads',
      '1 check failed',
      '',
    ]);
    expect(stdout).toMatch(/configuration: KAFKA_TOPICS is not read: is it KAFKA_TOPIC\?/);
    expect(stdout).toMatch(/broker: .*Connection refused; start it or correct KAFKA_BROKERS/);
    expect(stdout).toMatch(/threads: .*set UV_THREADPOOL_SIZE=11/);
    expect(existsSync(dataDir)).toBe(false);
  });
});

describe('the data directory', () => {
  it('of another topic, with another spec, or with files that no database explains', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    await sink.initPositions([{ partition: 0, nextOffset: 0, reason: 'earliest' }]);
    await sink.stage(await makeBatch(dataDir, 0, 0, ['{"change_id":"a","order_id":"b"}']));
    await sink.commit();
    await sink.close();
    const before = listFiles(dataDir).sort();
    const [line] = await linesOf(directoryLine(configOf(dataDir)));
    expect(line).toMatchObject({ outcome: 'ok', text: expect.stringMatching(/of cdc_orders, with 1 Parquet files/) });

    const [other] = await linesOf(directoryLine(configOf(dataDir, { KAFKA_TOPIC: 'others' })));
    expect(other).toMatchObject({ outcome: 'fail', code: 'SLUICE_CONFIG' });
    expect(other.text).toMatch(/holds the topic cdc_orders, KAFKA_TOPIC is others/);

    const spec = join(temporaryDirectory(), 'spec.json');
    const columns = [{ name: 'order_id', path: 'order_id', kind: 'text', required: true, role: 'key' }];
    writeFileSync(spec, JSON.stringify({ table: 'others', view: 'orders', columns }));
    const [changed] = await linesOf(directoryLine(configOf(dataDir, { TABLE_SPEC: spec })));
    expect(changed).toMatchObject({ outcome: 'fail', code: 'SLUICE_SPEC_CHANGED' });

    const file = before.find((name) => name.endsWith('.parquet'))!;
    renameSync(file, `${file}.away`);
    const [lacking] = await linesOf(directoryLine(configOf(dataDir)));
    expect(lacking).toMatchObject({ outcome: 'fail', code: 'SLUICE_SINK' });
    renameSync(`${file}.away`, file);
    expect(listFiles(dataDir).sort()).toEqual(before);

    rmSync(join(dataDir, 'analytics.db'));
    const [orphans] = await linesOf(directoryLine(configOf(dataDir)));
    expect(orphans).toMatchObject({ outcome: 'fail', code: 'SLUICE_UNEXPLAINED_FILES' });
  });

  it('that cannot be made, because there is a file in its place', async () => {
    const file = join(temporaryDirectory(), 'file');
    writeFileSync(file, '');
    for (const dataDir of [file, join(file, 'below')]) {
      const [line] = await linesOf(directoryLine(configOf(dataDir)));
      expect(line).toMatchObject({ outcome: 'fail', code: 'SLUICE_DATA_DIR' });
    }
  });

  it('on a disk that is full, and on one that is read-only', LONG, async ({ skip }) => {
    const disk = await mountedDisk('40m');
    if (disk === undefined) return skip('mounting is not allowed');
    writeFileSync(join(disk, 'fill'), Buffer.alloc(20 << 20));
    remount(disk, 'ro');
    const env = { KAFKA_BROKERS: '127.0.0.1:1', METRICS_PORT: '0', DATA_DIR: join(disk, 'data') };
    const examined = await doctor(env);
    expect(named(examined, 'data directory')).toMatchObject({ outcome: 'fail', code: 'SLUICE_DATA_DIR' });
    expect(named(examined, 'data directory')!.text).toMatch(/EROFS/);
    expect(named(examined, 'disk')).toMatchObject({ outcome: 'fail', text: expect.stringMatching(/free space/) });
    expect(readdirSync(disk)).toEqual(['fill']);
    const warned = await doctor({ ...env, BATCH_BYTES: '1MiB' });
    expect(named(warned, 'disk')).toMatchObject({ outcome: 'warn', text: expect.stringMatching(/write-ahead log/) });
  });
});

describe.skipIf(whyNoExtensions() !== undefined)('a lake', () => {
  const LAKE = { SINK: 'ducklake', DUCKDB_EXTENSION_DIRECTORY: EXTENSION_DIRECTORY };

  it('whose extensions are not there, or would be downloaded', async () => {
    const folder = temporaryDirectory();
    const without = configOf(folder, { ...LAKE, DUCKDB_EXTENSION_DIRECTORY: folder });
    expect(await linesOf(lakeLines(without))).toMatchObject([
      { check: 'DuckDB extensions', outcome: 'fail', code: 'SLUICE_LAKE' },
      { check: 'lake catalog', outcome: 'skip' },
      { check: 'lake files', outcome: 'skip' },
    ]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('whose object store does not answer', LONG, async () => {
    const s3 = { LAKE_DATA_PATH: 's3://bucket/lake', AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${await freePort()}` };
    const lines = await linesOf(lakeLines(configOf(temporaryDirectory(), { ...LAKE, ...s3 })));
    expect(lines[2]).toMatchObject({ outcome: 'fail', code: 'SLUICE_LAKE' });
    expect(lines[2].text).toMatch(/LAKE_DATA_PATH=s3:\/\/bucket\/lake cannot be reached/);
  });

  it('in a file: is not made, and is of one topic', async () => {
    const dataDir = temporaryDirectory();
    const [, none] = await linesOf(lakeLines(configOf(dataDir, LAKE)));
    expect(none).toMatchObject({ outcome: 'ok', text: expect.stringMatching(/no lake yet/) });
    expect(readdirSync(dataDir)).toEqual([]);
    await (await openLakeSink(lakeOptions(dataDir))).close();
    const [, own] = await linesOf(lakeLines(configOf(dataDir, LAKE)));
    expect(own).toMatchObject({ outcome: 'ok', text: expect.stringMatching(/is of cdc_orders/) });
    const [, other] = await linesOf(lakeLines(configOf(dataDir, { ...LAKE, KAFKA_TOPIC: 'others' })));
    expect(other).toMatchObject({ outcome: 'fail', text: expect.stringMatching(/KAFKA_TOPIC is others/) });
  });

  describePostgres(
    'in a Postgres with passwords',
    (postgres) => {
      it('that takes the password, or not, or whose user may make no tables', LONG, async () => {
        const right = await postgres().createDatabase();
        const examined = (catalog: string) =>
          linesOf(lakeLines(configOf(temporaryDirectory(), { ...LAKE, LAKE_CATALOG: `postgres:${catalog}` })));
        const [, taken] = await examined(right);
        expect(taken).toMatchObject({ outcome: 'ok', text: expect.stringMatching(/^Postgres \d+.*no lake yet/) });
        const [, refused] = await examined(right.replace(/password='[^ ]+( secret)?'/, "password='wrong secret'"));
        expect(refused).toMatchObject({ outcome: 'fail', code: 'SLUICE_LAKE' });
        expect(refused.text).toMatch(/password authentication failed/);
        expect(refused.text).not.toContain('wrong secret');
        await postgres().query(right, `CREATE USER reader PASSWORD 'it''s secret'`);
        const [, reader] = await examined(right.replace(/user='?sluice'?/, 'user=reader'));
        expect(reader).toMatchObject({ outcome: 'fail', text: expect.stringMatching(/may not make tables/) });
      });
    },
    { password: true },
  );
});

describeKafka('with a broker', (bootstrap) => {
  const events = (count: number) => [...orderEvents({ count, shares: {} })];

  it('everything is ready, and a start works; not beside it, and not with its lost messages', LONG, async () => {
    const topic = await filledTopic(bootstrap(), 'ready', 2, events(50));
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), { UV_THREADPOOL_SIZE: '8' });
    const first = await doctor(env);
    expect(bad(first)).toEqual([]);
    expect(named(first, 'topic')?.text).toBe(`${topic} has 2 partitions, 50 offsets`);
    expect(named(first, 'consumer group')?.text).toMatch(/has 0 members/);

    const run = await startRun(env);
    const beside = await doctor(env);
    expect(bad(beside)).toEqual(['data directory']);
    expect(named(beside, 'data directory')).toMatchObject({ outcome: 'fail', code: 'SLUICE_LOCKED' });
    const elsewhere = await doctor({ ...env, DATA_DIR: await temporaryDataDir() });
    expect(named(elsewhere, 'consumer group')).toMatchObject({ outcome: 'fail', code: 'SLUICE_PARTIAL_ASSIGNMENT' });
    await stop(run);

    const after = await doctor(env);
    expect(bad(after)).toEqual([]);
    expect(named(after, 'positions')?.outcome).toBe('ok');
    await produce(
      bootstrap(),
      topic,
      events(50).map((event) => ({ ...event, partition: 0 })),
    );
    await deleteRecordsBefore(bootstrap(), topic, 0, 60);
    const lost = await doctor(env);
    expect(bad(lost)).toEqual(['positions']);
    expect(named(lost, 'positions')).toMatchObject({ outcome: 'fail', code: 'SLUICE_OFFSET_OUT_OF_RANGE' });
    expect(named(lost, 'topic')?.text).toMatch(/1 of them begin after offset 0/);
  });

  it('a topic that is not there, or was made anew', LONG, async () => {
    const topic = uniqueTopic('absent');
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), { UV_THREADPOOL_SIZE: '8' });
    const absent = await doctor(env);
    expect(bad(absent)).toEqual(['topic', 'consumer group']);
    expect(named(absent, 'topic')).toMatchObject({ outcome: 'fail', code: 'SLUICE_UNKNOWN_TOPIC' });
    await createTopic(bootstrap(), topic, 1);
    await produce(bootstrap(), topic, events(10));
    await runUntilEnd(env);
    await deleteTopic(bootstrap(), topic);
    await createTopic(bootstrap(), topic, 1);
    const anew = await doctor(env);
    expect(named(anew, 'positions')).toMatchObject({ outcome: 'fail', code: 'SLUICE_TOPIC_CHANGED' });
  });

  it('a registry that is broken or refuses, and a port that is taken', LONG, async () => {
    const registry = await FakeRegistry.start();
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const topic = await filledTopic(bootstrap(), 'registry', 1, []);
    const avro = { VALUE_FORMAT: 'avro', SCHEMA_REGISTRY_URL: registry.url, METRICS_PORT: `${port}` };
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), { ...avro, UV_THREADPOOL_SIZE: '8' });
    const taken = await doctor(env);
    server.close();
    expect(bad(taken)).toEqual(['HTTP port']);
    expect(named(taken, 'HTTP port')).toMatchObject({ outcome: 'fail', text: expect.stringMatching(/another port/) });
    expect(named(taken, 'schema registry')?.text).toMatch(/-value is not there yet/);
    registry.broken = 503;
    const broken = await doctor(env);
    expect(bad(broken)).toEqual(['schema registry']);
    expect(named(broken, 'schema registry')).toMatchObject({
      outcome: 'warn',
      text: expect.stringMatching(/HTTP 503/),
    });
    registry.auth = 'reader:secret';
    const refused = await doctor(env);
    expect(named(refused, 'schema registry')).toMatchObject({ outcome: 'fail', code: 'SLUICE_REGISTRY' });
    expect(named(refused, 'schema registry')?.text).toMatch(/set SCHEMA_REGISTRY_USER/);
  });
});
