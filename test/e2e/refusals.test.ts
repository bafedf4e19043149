/** What `run` refuses: one line with a code, the right exit code, and nothing lost once the cause is gone. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runCli, temporaryDataDir } from '../support/cli.js';
import { mountedDisk, remount } from '../support/disk.js';
import { orderEvents } from '../support/events.js';
import { describeKafka, uniqueTopic } from '../support/kafka/shared.js';
import { createTopic, deleteRecordsBefore, deleteTopic, produce } from '../support/produce.js';
import {
  consumedIs,
  filledTopic,
  hiddenFiles,
  LAKE_ENV,
  queryFile,
  refusal,
  runEnv,
  runUntilEnd,
  SINKS,
  startRun,
  stop,
  verifies,
} from './support.js';

const LONG = { timeout: 120_000 };

describe('a configuration that is not acceptable', () => {
  it('names every variable and exits with 2', LONG, async () => {
    const wrong = {
      KAFKA_BROKERS: 'no port',
      KAFKA_TOPIC: 'not a topic',
      START_FROM: 'middle',
      WORKERS: '0',
      BATCH_ROWS: 'many',
      BATCH_BYTES: '1 acre',
      FLUSH_INTERVAL_MS: '-1',
      COMMIT_ROWS: '1e6',
      BUFFER_BYTES: '1',
      HIGH_VALUE_THRESHOLD: '-5',
      LATE_AFTER_MS: 'late',
      PARQUET_WRITER: 'pen',
      PARQUET_COMPRESSION: 'brotli',
      DUCKDB_THREADS: '0',
      DUCKDB_MEMORY_LIMIT: 'much',
      SHUTDOWN_GRACE_MS: 'x',
      METRICS_PORT: '70000',
      LOG_LEVEL: 'loud',
      LOG_FORMAT: 'xml',
      KAFKA_CONFIG_ISOLATION_LEVEL: 'read_uncommitted',
    };
    const { code, stdout, stderr } = await refusal(['run'], wrong);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('SLUICE_CONFIG');
    const { msg } = JSON.parse(stderr) as { msg: string };
    const named = msg.match(/^\s+([A-Z_]+)(?==|:)/gm)?.map((name) => name.trim());
    expect(new Set(named)).toEqual(new Set(Object.keys(wrong)));
  });

  it('is a table spec that does not exist, or arguments that no command has', LONG, async () => {
    const spec = await refusal(['run'], { TABLE_SPEC: 'nowhere.json', DATA_DIR: await temporaryDataDir() });
    expect(spec).toMatchObject({ code: 2, error: expect.stringMatching(/SLUICE_CONFIG.*nowhere\.json/) });
    const arguments_ = await runCli(['run', '--twice']);
    expect(arguments_).toMatchObject({ code: 2, stderr: expect.stringContaining('--twice') });
  });
});

describe('a data directory that is a file', () => {
  it.each(['query FROM orders', 'status', 'verify', 'compact', 'demo'])(
    'ends with SLUICE_DATA_DIR: %s',
    async (command) => {
      const DATA_DIR = join(await temporaryDataDir(), 'file');
      writeFileSync(DATA_DIR, '');
      const [name, ...sql] = command.split(' ');
      const { code, error } = await refusal([name, ...(sql.length > 0 ? [sql.join(' ')] : [])], { DATA_DIR });
      expect([code, error]).toEqual([3, expect.stringMatching(/SLUICE_DATA_DIR.*ENOTDIR.*correct its owner or mode/)]);
    },
  );
});

describe('a broker that does not answer', () => {
  it('ends the run with SLUICE_KAFKA_UNREACHABLE', LONG, async () => {
    const { code, error } = await refusal(['run'], runEnv('127.0.0.1:1', 'cdc_orders', await temporaryDataDir()));
    expect(code).toBe(3);
    expect(error).toMatch(/SLUICE_KAFKA_UNREACHABLE.*127\.0\.0\.1:1/);
  });
});

describeKafka('a topic', (bootstrap) => {
  it('without messages is done at once', LONG, async () => {
    const env = runEnv(bootstrap(), await filledTopic(bootstrap(), 'empty', 4, []), await temporaryDataDir());
    expect(await runUntilEnd(env)).toMatchObject({ events: 0, merged: 0, batches: 0 });
    await verifies(env);
  });

  it('that does not exist ends the run with SLUICE_UNKNOWN_TOPIC', LONG, async () => {
    const topic = uniqueTopic('absent');
    const env = runEnv(bootstrap(), topic, await temporaryDataDir());
    expect(await refusal(['run'], env)).toMatchObject({
      code: 3,
      error: expect.stringMatching(new RegExp(`SLUICE_UNKNOWN_TOPIC.*${topic}`)),
    });
    await createTopic(bootstrap(), topic, 2);
    await produce(bootstrap(), topic, orderEvents({ count: 100, shares: {} }));
    expect(await runUntilEnd(env)).toMatchObject({ events: 100, merged: 100 });
  });

  it('that is deleted ends the run with SLUICE_UNKNOWN_TOPIC', LONG, async () => {
    const topic = await filledTopic(bootstrap(), 'deleted', 2, orderEvents({ count: 500, shares: {} }));
    const env = runEnv(bootstrap(), topic, await temporaryDataDir(), {
      KAFKA_CONFIG_TOPIC_METADATA_REFRESH_INTERVAL_MS: '500',
      KAFKA_CONFIG_TOPIC_METADATA_PROPAGATION_MAX_MS: '1000',
    });
    const run = await startRun(env);
    await consumedIs(env.DATA_DIR, 500);
    await deleteTopic(bootstrap(), topic);
    const { code, stderr } = await run.ended;
    expect(code, stderr).toBe(3);
    expect(stderr).toMatch(/SLUICE_UNKNOWN_TOPIC/);
    expect(await queryFile(env.DATA_DIR, 'SELECT count(*)::INTEGER FROM cdc_orders')).toEqual([[500]]);
  });

  it('whose next messages were deleted ends the run with SLUICE_OFFSET_OUT_OF_RANGE', LONG, async () => {
    const topic = await filledTopic(bootstrap(), 'gone', 1, orderEvents({ count: 100, shares: {} }));
    const env = runEnv(bootstrap(), topic, await temporaryDataDir());
    await runUntilEnd(env);
    await produce(bootstrap(), topic, orderEvents({ count: 100, seed: 2, shares: {}, startMs: Date.UTC(2025, 5, 1) }));
    await deleteRecordsBefore(bootstrap(), topic, 0, 150);
    const { code, error } = await refusal(['run'], env);
    expect(code).toBe(3);
    expect(error).toMatch(/SLUICE_OFFSET_OUT_OF_RANGE.*partition 0.*position 100.*150 to 200/);
    expect(await queryFile(env.DATA_DIR, 'SELECT next_offset::INTEGER FROM sluice.positions')).toEqual([[100]]);
    const anew = { ...env, DATA_DIR: await temporaryDataDir(), KAFKA_GROUP_ID: `${topic}-anew` };
    expect(await runUntilEnd(anew)).toMatchObject({ events: 50, merged: 50 });
    await verifies(anew);
  });

  it('other than that of the data directory is refused', LONG, async () => {
    const topic = await filledTopic(bootstrap(), 'first', 1, orderEvents({ count: 10, shares: {} }));
    const env = runEnv(bootstrap(), topic, await temporaryDataDir());
    await runUntilEnd(env);
    const other = await filledTopic(bootstrap(), 'second', 1, orderEvents({ count: 10, shares: {} }));
    const { code, error } = await refusal(['run'], { ...env, KAFKA_TOPIC: other });
    expect(code).toBe(2);
    expect(error).toContain(topic);
    expect(error).toContain(other);
    await verifies(env);
  });
});

describeKafka('a second process', (bootstrap) => {
  it('on the same data directory is refused with SLUICE_LOCKED, and told who holds it', LONG, async () => {
    const topic = await filledTopic(bootstrap(), 'locked', 2, orderEvents({ count: 200, shares: {} }));
    const env = runEnv(bootstrap(), topic, await temporaryDataDir());
    const run = await startRun(env);
    const { code, error } = await refusal(['run'], { ...env, KAFKA_GROUP_ID: `${topic}-other` });
    expect(code).toBe(3);
    expect(error).toMatch(/SLUICE_LOCKED/);
    expect(error).toContain(`PID ${run.pid}`);
    await consumedIs(env.DATA_DIR, 200);
    await stop(run);
    await verifies(env);
  });

  it('of the same group is refused with SLUICE_PARTIAL_ASSIGNMENT; the first continues after it', LONG, async () => {
    const topic = await filledTopic(bootstrap(), 'group', 4, orderEvents({ count: 2000 }));
    const env = runEnv(bootstrap(), topic, await temporaryDataDir());
    const first = await startRun(env);
    await consumedIs(env.DATA_DIR, 2000);
    const { code, error } = await refusal(['run'], { ...env, DATA_DIR: await temporaryDataDir() });
    expect(code).toBe(3);
    expect(error).toMatch(/SLUICE_PARTIAL_ASSIGNMENT/);
    await produce(bootstrap(), topic, orderEvents({ count: 2000, seed: 2, startMs: Date.UTC(2025, 5, 1) }));
    await consumedIs(env.DATA_DIR, 4000);
    await stop(first);
    await verifies(env);
  });
});

describeKafka('a data directory', (bootstrap) => {
  it('that cannot be made ends the run with SLUICE_DATA_DIR', LONG, async () => {
    const file = join(await temporaryDataDir(), 'file');
    writeFileSync(file, 'not a folder');
    const topic = await filledTopic(bootstrap(), 'nowhere', 1, []);
    const { code, error } = await refusal(['run'], runEnv(bootstrap(), topic, join(file, 'data')));
    expect(code).toBe(3);
    expect(error).toMatch(/SLUICE_DATA_DIR/);
  });

  it.for(SINKS)(
    'on a read-only file system ends the run with SLUICE_DATA_DIR: SINK=%s',
    LONG,
    async (sink, { skip }) => {
      const disk = await mountedDisk('4m');
      if (disk === undefined) skip('no file system can be mounted here');
      const topic = await filledTopic(bootstrap(), 'readonly', 1, orderEvents({ count: 100 }));
      const env = runEnv(bootstrap(), topic, join(disk!, 'data'), { ...LAKE_ENV, SINK: sink });
      remount(disk!, 'ro');
      const { code, error } = await refusal(['run'], env);
      expect(code).toBe(3);
      expect(error).toMatch(/SLUICE_DATA_DIR/);
      remount(disk!, 'rw,size=256m');
      expect(await runUntilEnd(env)).toMatchObject({ events: 100 });
      await verifies(env);
    },
  );

  it.for([...SINKS.map((sink) => ['duckdb', sink]), ['parquet-wasm', 'duckdb']])(
    'on a full disk ends the run with SLUICE_DATA_DIR; with space it continues, and nothing is lost: %s, SINK=%s',
    LONG,
    async ([parquetWriter, sink], { skip }) => {
      const disk = await mountedDisk('3m');
      if (disk === undefined) skip('no file system can be mounted here');
      const topic = await filledTopic(bootstrap(), 'full', 2, orderEvents({ count: 30_000, ids: 'random' }));
      const env = runEnv(bootstrap(), topic, join(disk!, 'data'), {
        BATCH_ROWS: '1000',
        COMMIT_ROWS: '2000',
        PARQUET_WRITER: parquetWriter,
        ...{ ...LAKE_ENV, SINK: sink },
      });
      mkdirSync(env.DATA_DIR);
      const { code, error } = await refusal(['run', '--until-end'], env);
      expect(code).toBe(3);
      expect(error).toMatch(/SLUICE_DATA_DIR/);
      remount(disk!, 'size=256m');
      await runUntilEnd(env);
      await verifies(env);
      expect(hiddenFiles(env.DATA_DIR)).toEqual([]);
      const sums = 'SELECT sum(rows_consumed)::INTEGER, count(DISTINCT (partition_id, start_offset)) = count(*)';
      expect(await queryFile(env.DATA_DIR, `${sums} FROM sluice.batches`)).toEqual([[30_000, true]]);
    },
  );
});
