import { describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.js';

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
      batchRows: 32_768,
      batchBytes: 32 << 20,
      flushIntervalMs: 250,
      commitRows: 163_840,
      bufferBytes: 256 << 20,
      highValueThreshold: '1000',
      lateAfterMs: 600_000,
      parquetWriter: 'duckdb',
      parquetCompression: 'zstd',
      duckdb: { threads: 1, memoryLimit: '512MB' },
      metricsPort: 9464,
      metricsGraceMs: 15_000,
      log: { level: 'info', format: 'json' },
    });
    expect(config.workers).toBeGreaterThanOrEqual(1);
    expect(config.dataDir).toMatch(/^\/.*\/data$/);
  });

  it('reads sizes with binary units, and takes an empty variable as not set', () => {
    const config = readConfig({ BATCH_BYTES: '8 MiB', BUFFER_BYTES: '1GiB', KAFKA_TOPIC: '' }, true);
    expect([config.batchBytes, config.bufferBytes, config.kafka.topic]).toEqual([8 << 20, 1 << 30, 'cdc_orders']);
    expect(config.log.format).toBe('pretty');
  });

  it('passes librdkafka properties on', () => {
    const { properties } = readConfig({
      KAFKA_CONFIG_SECURITY_PROTOCOL: 'sasl_ssl',
      KAFKA_CONFIG_SASL_USERNAME: 'me',
    }).kafka;
    expect(properties).toEqual({ 'security.protocol': 'sasl_ssl', 'sasl.username': 'me' });
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
