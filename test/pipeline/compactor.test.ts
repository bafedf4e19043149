import pino from 'pino';
import { expect, it } from 'vitest';
import { SluiceError } from '../../src/core/errors.js';
import { NOTHING_COMPACTED } from '../../src/core/flow.js';
import { Metrics } from '../../src/metrics/metrics.js';
import { Compactor } from '../../src/pipeline/compactor.js';

it('warns of files that stay as they are, while others are joined, and counts it', async () => {
  const lines: string[] = [];
  const log = pino({ base: undefined, timestamp: false }, { write: (line) => lines.push(line) });
  const metrics = new Metrics();
  const receipt = { filesBefore: 3, filesAfter: 1, bytesBefore: 30, bytesAfter: 20 };
  const compact = async () => ({ ...NOTHING_COMPACTED, ...receipt, left: ['2 Parquet files stay as they are: why'] });
  new Compactor({ sink: { compact }, metrics, log }).start();
  await new Promise((resolve) => setImmediate(resolve));
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { level: 30, ...receipt, msg: 'small Parquet files joined' },
    { level: 40, code: 'SLUICE_SINK', msg: '2 Parquet files stay as they are: why' },
  ]);
  expect((await metrics.errors.get()).values).toMatchObject([{ labels: { code: 'SLUICE_SINK' }, value: 1 }]);
  expect((await metrics.filesCompacted.get()).values).toMatchObject([{ value: 3 }]);
});

it('logs what the sink has removed', async () => {
  const lines: string[] = [];
  const log = pino({ base: undefined, timestamp: false }, { write: (line) => lines.push(line) });
  const removed = [{ file: 'p0/1.parquet', why: 'a commit that was not finished' }];
  new Compactor({
    sink: { compact: async () => ({ ...NOTHING_COMPACTED, removed }) },
    metrics: new Metrics(),
    log,
  }).start();
  await new Promise((resolve) => setImmediate(resolve));
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { level: 40, ...removed[0], msg: 'removed p0/1.parquet: a commit that was not finished' },
  ]);
});

it('has one join at a time, and the next one after it, also if it failed', async () => {
  const ends: ((error?: Error) => void)[] = [];
  const compact = () =>
    new Promise<typeof NOTHING_COMPACTED>((resolve, reject) => {
      ends.push((error) => (error === undefined ? resolve(NOTHING_COMPACTED) : reject(error)));
    });
  const lines: string[] = [];
  const log = pino({ base: undefined, timestamp: false }, { write: (line) => lines.push(line) });
  const metrics = new Metrics();
  const compactor = new Compactor({ sink: { compact }, metrics, log });
  for (const [round, failure] of [undefined, new SluiceError('SLUICE_DATA_DIR', 'disk full'), undefined].entries()) {
    compactor.start();
    compactor.start();
    expect(ends).toHaveLength(round + 1);
    ends[round](failure);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(lines.map((line) => JSON.parse(line))).toEqual([
    { level: 40, code: 'SLUICE_DATA_DIR', msg: 'small Parquet files stay as they are: disk full' },
  ]);
  expect((await metrics.errors.get()).values).toMatchObject([{ labels: { code: 'SLUICE_DATA_DIR' }, value: 1 }]);
});
