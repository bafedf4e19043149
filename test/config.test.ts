import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { misspelledVariables, readConfig, readLogOptions } from '../src/config.js';
import { ORDERS_SPEC } from '../src/schema/spec-file.js';

describe('readConfig', () => {
  it('has the documented defaults', () => {
    const config = readConfig({}, false);
    expect(config).toMatchObject({
      kafka: {
        brokers: '127.0.0.1:9092',
        topic: 'cdc_orders',
        groupId: 'sluice',
        reader: 'auto',
        startFrom: 'earliest',
        properties: {},
      },
      pipeline: {
        batchRows: 32_768,
        batchBytes: 32 << 20,
        flushIntervalMs: 250,
        commitRows: 163_840,
        bufferBytes: 256 << 20,
      },
      parquet: { parquetWriter: 'duckdb', compression: 'zstd' },
      duckdb: { threads: 1, memoryLimit: 512_000_000, mergeFrom: 'parquet' },
      compaction: { afterFiles: 64, targetBytes: 128 << 20 },
      metrics: { port: 9464 },
      shutdownGraceMs: 30_000,
      threadPoolSize: 4,
      log: { level: 'info', format: 'json' },
      spec: ORDERS_SPEC,
    });
    expect(config.worker).toMatchObject({ highValueThreshold: '1000', lateAfterMs: 600_000 });
    expect(config.worker.workers).toBeGreaterThanOrEqual(1);
    expect(config.dataDir).toMatch(/^\/.*\/data$/);
  });

  it('takes an empty variable as not set', () => {
    const config = readConfig({ KAFKA_TOPIC: '' }, true);
    expect([config.kafka.topic, config.log.format]).toEqual(['cdc_orders', 'pretty']);
  });

  it.each([
    ['32MiB', 33_554_432],
    ['32 MB', 32_000_000],
    ['1.5mib', 1_572_864],
    ['2097152', 2_097_152],
  ])('takes %s for every size', (text, size) => {
    const sizes = [
      'BATCH_BYTES',
      'COMPACT_TARGET_BYTES',
      'DUCKDB_MEMORY_LIMIT',
      'TRANSACTION_BYTES',
      'MAX_MESSAGE_BYTES',
    ];
    const env = Object.fromEntries(sizes.map((name) => [name, text]));
    const { pipeline, compaction, duckdb, capture } = readConfig(env);
    const { transactionBytes, maxMessageBytes } = capture;
    expect([pipeline.batchBytes, compaction.targetBytes, transactionBytes, maxMessageBytes]).toEqual(
      Array(4).fill(size),
    );
    expect(duckdb.memoryLimit).toBe(size);
  });

  it('names this instance by host and data directory, the same at each start', () => {
    const instanceOf = (DATA_DIR: string) => readConfig({ DATA_DIR }).kafka.instanceId;
    expect(instanceOf('/data/a')).toMatch(/^sluice-[0-9a-f]{16}$/);
    expect(instanceOf('/data/a')).toBe(instanceOf('/data/a'));
    expect(instanceOf('/data/a')).not.toBe(instanceOf('/data/b'));
  });

  it('puts catalog and files of a lake into the data directory', () => {
    expect(readConfig({ DATA_DIR: '/data', SINK: 'ducklake' })).toMatchObject({
      sink: 'ducklake',
      lake: { catalog: '/data/catalog.ducklake', dataPath: '/data/lake' },
    });
    const elsewhere = { LAKE_CATALOG: 'postgres:host=db', LAKE_DATA_PATH: 's3://bucket/lake/' };
    expect(readConfig(elsewhere).lake).toMatchObject({ catalog: 'postgres:host=db', dataPath: 's3://bucket/lake' });
  });

  it('refuses to have files of a lake leave without their rows', () => {
    const ages = { RETAIN_CHANGES: '30d', RETAIN_QUARANTINE: '7d' };
    expect(readConfig({ SINK: 'ducklake', ...ages }).retention).toMatchObject({ changesMs: 30 * 86_400_000 });
    expect(() => readConfig({ SINK: 'ducklake', RETAIN_PARQUET: '7d' })).toThrow(/RETAIN_PARQUET: .*RETAIN_CHANGES/);
    expect(readConfig({ RETAIN_PARQUET: '7d' }).retention).toMatchObject({ parquetMs: 7 * 86_400_000 });
  });

  it('takes a batch of half of the buffers', () => {
    const { pipeline } = readConfig({ BATCH_BYTES: '16MiB', BUFFER_BYTES: '32MiB' });
    expect([pipeline.batchBytes, pipeline.bufferBytes]).toEqual([16 << 20, 32 << 20]);
  });

  it('passes librdkafka properties on', () => {
    const { properties } = readConfig({
      KAFKA_CONFIG_SECURITY_PROTOCOL: 'sasl_ssl',
      KAFKA_CONFIG_SASL_USERNAME: 'me',
    }).kafka;
    expect(properties).toEqual({ 'security.protocol': 'sasl_ssl', 'sasl.username': 'me' });
  });

  it('does not repeat a password', () => {
    const uri = 'mongodb://bob:p@ss@127.0.0.1:27017/\n';
    expect(() => readConfig({ MONGODB_URI: uri })).toThrow(
      'MONGODB_URI="mongodb://bob:***@127.0.0.1:27017/\\n": must be a mongodb:// or mongodb+srv:// URI',
    );
  });

  it('does not repeat the password of a catalog', () => {
    expect(() => readConfig({ LAKE_CATALOG: 'postgres:host=db password  = s3cret sslmode' })).toThrow(
      /^the configuration is not acceptable: LAKE_CATALOG="postgres:host=db password {2}=\*\*\*": /,
    );
    for (const start of ['postgresql:host=db', 'Postgres:host=db', 'host=db', 'postgres:pas=x', 'postgres:pwd=x']) {
      const refused = () => readConfig({ LAKE_CATALOG: `${start} pasword=s3cret` });
      expect(refused, start).toThrow(/LAKE_CATALOG=.*(must be the path of a file|there is no parameter (pas|pwd))/);
      expect(refused, start).not.toThrow(/s3cret/);
    }
    for (const uri of ['mysql://u:s3cret@db', '//u:s3cret@db/x', 'postgres//u:s3cret@db/x']) {
      expect(() => readConfig({ LAKE_CATALOG: uri }), uri).toThrow(/\*\*\*@db.*": must be the path/);
    }
  });

  it('takes any file for the catalog of a lake', () => {
    for (const file of ['/data/region=eu/catalog.ducklake', 'catalog', '../a b/c:d']) {
      expect(readConfig({ LAKE_CATALOG: file }).lake.catalog).toBe(resolve(file));
    }
  });

  it('refuses a writer that has no type for a column', () => {
    const folder = mkdtempSync(join(tmpdir(), 'sluice-config-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const columns = [
      { name: 'id', kind: 'text', required: true, role: 'key' },
      { name: 'token', kind: 'uuid' },
    ];
    const TABLE_SPEC = join(folder, 'spec.json');
    writeFileSync(TABLE_SPEC, JSON.stringify({ table: 't', view: 'v', columns }));
    expect(readConfig({ TABLE_SPEC }).spec.columns).toHaveLength(2);
    expect(() => readConfig({ TABLE_SPEC, PARQUET_WRITER: 'parquet-wasm' })).toThrow(/column token is of kind uuid/);
  });

  it('refuses a writer that cannot write where the files of a lake go', () => {
    const bucket = { SINK: 'ducklake', LAKE_DATA_PATH: 's3://bucket/lake', PARQUET_WRITER: 'parquet-wasm' };
    expect(() => readConfig(bucket)).toThrow(/acceptable: PARQUET_WRITER="parquet-wasm": /);
    for (const other of [{ SINK: 'duckdb' }, { LAKE_DATA_PATH: '/data/lake' }, { PARQUET_WRITER: 'duckdb' }]) {
      expect(readConfig({ ...bucket, ...other })).toMatchObject({ kafka: { topic: 'cdc_orders' } });
    }
    for (const wrong of [{ SINK: 'lake' }, { LAKE_DATA_PATH: 'gs://bucket' }, { PARQUET_WRITER: 'arrow' }]) {
      const [[name, value]] = Object.entries(wrong);
      expect(() => readConfig({ ...bucket, ...wrong })).toThrow(`acceptable: ${name}="${value}": must be `);
    }
  });

  it('needs a registry for Avro, and whole pairs of what goes with it', () => {
    const formats = { VALUE_FORMAT: 'avro', KEY_FORMAT: 'avro', SCHEMA_REGISTRY_USER: 'me' };
    for (const problem of [
      'VALUE_FORMAT="avro": needs',
      'KEY_FORMAT="avro": needs',
      'REGISTRY_PASSWORD: must be set',
    ]) {
      expect(() => readConfig(formats)).toThrow(problem);
    }
    const json = { VALUE_FORMAT: 'json-schema', KEY_FORMAT: 'json-schema' };
    expect(readConfig(json).registry).toMatchObject({ valueFormat: 'json-schema', keyFormat: 'json-schema' });
    expect(readConfig({ ...formats, ...json, SCHEMA_REGISTRY_PASSWORD: 'x' }).registry.url).toBeUndefined();
  });

  it('names every unacceptable variable at once, and what it may be', () => {
    const bad = {
      WORKERS: '0',
      BATCH_ROWS: '1e3',
      BATCH_BYTES: '5 cows',
      START_FROM: 'yesterday',
      KAFKA_SOURCE: 'fast',
      KAFKA_BROKERS: 'nohost',
      HIGH_VALUE_THRESHOLD: '1,000',
      METRICS_PORT: '99999',
      KAFKA_CONFIG_ENABLE_AUTO_COMMIT: 'true',
      KAFKA_CONFIG_SASL_MECANISM: 'PLAIN',
      KAFKA_CONFIG_SESSION_TIMEOUT_MS: 'long',
      TABLE_SPEC: 'no/such/spec.json',
      LATE_AFTER_MS: '9007199254740',
    };
    let message = '';
    try {
      readConfig(bad);
    } catch (error) {
      expect(error).toMatchObject({ code: 'SLUICE_CONFIG' });
      message = (error as Error).message;
    }
    for (const name of Object.keys(bad)) expect(message).toContain(name);
    expect(message).toContain('WORKERS="0": must be a whole number from 1 to 256');
    expect(message).toContain('must be one of earliest, latest');
    expect(message).toContain('KAFKA_CONFIG_SASL_MECANISM: No such configuration property: "sasl.mecanism"');
    expect(message).toContain('LATE_AFTER_MS="9007199254740": must be a whole number from 0 to 3153600000000');
    expect(message).toContain('table spec no/such/spec.json cannot be read');
  });

  it.each(['a:0', 'a:99999', 'a:9092,b:65536'])('refuses the brokers %s: there is no such port', (brokers) => {
    expect(() => readConfig({ KAFKA_BROKERS: brokers })).toThrow(/KAFKA_BROKERS=.*: must have ports from 1 to 65535/);
  });

  it.each(['/data/what?', 'a*b'])('refuses the data directory %s, which DuckDB takes for a pattern', (folder) => {
    expect(() => readConfig({ DATA_DIR: folder })).toThrow(/DATA_DIR=.*: must be a path without/);
  });

  it.each(['s3://bucket/x', 'file:///var/lib/sluice', 'GS://b', 'abfss://c@a.dfs.core.windows.net/x'])(
    'refuses the data directory %s, which would become a local folder of that name',
    (folder) => {
      expect(() => readConfig({ DATA_DIR: folder })).toThrow(
        expect.objectContaining({
          code: 'SLUICE_CONFIG',
          message: expect.stringContaining(`DATA_DIR="${folder}": must be a local folder`),
        }),
      );
    },
  );

  it('takes a local folder with a colon in its name', () => {
    expect(readConfig({ DATA_DIR: '/data/a:b' }).dataDir).toBe('/data/a:b');
  });

  it('refuses a batch that would take more than half of the buffers', () => {
    expect(() => readConfig({ BATCH_BYTES: '64MiB', BUFFER_BYTES: '100MiB' })).toThrow(
      /BATCH_BYTES: must be at most half/,
    );
  });
});

describe('misspelledVariables', () => {
  it.each([
    ['KAFKA_BROKER', 'KAFKA_BROKERS'],
    ['BATCHROWS', 'BATCH_ROWS'],
    ['DUCKDB_MEM_LIMIT', 'DUCKDB_MEMORY_LIMIT'],
    ['MONGO_URI', 'MONGODB_URI'],
    ['LOGLEVEL', 'LOG_LEVEL'],
    ['TRANSACTION_EVTES', 'TRANSACTION_BYTES'],
  ])('takes %s for %s', (variable, nearest) => {
    expect(misspelledVariables({ [variable]: 'x' })).toEqual([{ variable, nearest }]);
  });

  it('names the nearest of several, and none that is passed on to librdkafka', () => {
    expect(misspelledVariables({ BATCH_ROW: '1', KAFKA_CONFIG_BATCH_BYTES: '1' })).toEqual([
      { variable: 'BATCH_ROW', nearest: 'BATCH_ROWS' },
    ]);
    expect(misspelledVariables({ COMMIT_ROW: '1', LOG_FORMATS: 'x' })).toEqual([
      { variable: 'COMMIT_ROW', nearest: 'COMMIT_ROWS' },
      { variable: 'LOG_FORMATS', nearest: 'LOG_FORMAT' },
    ]);
  });

  it('takes no variable of others, or one that is read, for a mistake', () => {
    const others = [
      'HOME',
      'PATH',
      'LOGNAME',
      'XDG_DATA_DIRS',
      'KAFKA_OPTS',
      'KAFKA_HOME',
      'NODE_OPTIONS',
      'DUCKDB_PATH',
    ];
    const read = ['KAFKA_BROKERS', 'WORKERS', 'KAFKA_CONFIG_SASL_USERNAME'];
    expect(misspelledVariables(Object.fromEntries([...others, ...read].map((name) => [name, 'x'])))).toEqual([]);
  });
});

describe('readLogOptions', () => {
  it.each([
    [{}, false, 'info', 'json'],
    [{}, true, 'info', 'pretty'],
    [{ LOG_LEVEL: '', LOG_FORMAT: '' }, true, 'info', 'pretty'],
    [{ LOG_LEVEL: 'debug', LOG_FORMAT: 'json' }, true, 'debug', 'json'],
    [{ LOG_LEVEL: 'loud', LOG_FORMAT: 'xml' }, false, 'info', 'json'],
    [{ LOG_LEVEL: 'loud', LOG_FORMAT: 'pretty' }, false, 'info', 'pretty'],
  ])('of %o, on a terminal: %s', (env, isTerminal, level, format) => {
    expect(readLogOptions(env, isTerminal)).toEqual({ level, format });
  });

  it.each([true, false, undefined])('looks at stderr for a terminal: %s', (isTTY) => {
    const before = Object.getOwnPropertyDescriptor(process.stderr, 'isTTY');
    onTestFinished(() => {
      if (before === undefined) Reflect.deleteProperty(process.stderr, 'isTTY');
      else Object.defineProperty(process.stderr, 'isTTY', before);
    });
    Object.defineProperty(process.stderr, 'isTTY', { value: isTTY, configurable: true });
    const format = isTTY === true ? 'pretty' : 'json';
    expect(readLogOptions({})).toMatchObject({ format });
    expect(readConfig({}).log).toMatchObject({ format });
  });
});
