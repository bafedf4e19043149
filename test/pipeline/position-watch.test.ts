import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { Chunk } from '../../src/core/chunk.js';
import { SluiceError } from '../../src/core/errors.js';
import { PositionWatch } from '../../src/pipeline/position-watch.js';
import { silent } from '../support/fakes.js';

const fill = vi.fn(async () => ({ kind: 'idle' as const }));
const inRange = vi.fn(async () => true);
const resolveAnew = vi.fn(async () => {});

beforeEach(() => {
  for (const mock of [fill, inRange, resolveAnew]) mock.mockClear();
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
});

/** A fill after eleven seconds more without a message. @returns how often was looked, and resolved */
function watching() {
  const parts = { source: { fill }, partitions: { lag: 1 }, assignment: { inRange }, log: silent, resolveAnew };
  const watch = new PositionWatch(parts);
  return async () => {
    vi.advanceTimersByTime(11_000);
    expect(await watch.fill(new Chunk(), 1)).toEqual({ kind: 'idle' });
    return [inRange.mock.calls.length, resolveAnew.mock.calls.length];
  };
}

it('looks again later if no broker says whether it has the positions', async () => {
  const look = watching();
  inRange.mockRejectedValueOnce(new SluiceError('SLUICE_KAFKA', 'timed out', { retryable: true }));
  expect(await look()).toEqual([1, 0]);
  expect(await look()).toEqual([2, 0]);
  inRange.mockResolvedValueOnce(false);
  expect(await look()).toEqual([3, 1]);
});

it('fails if brokers refuse to say it', async () => {
  inRange.mockRejectedValueOnce(new SluiceError('SLUICE_KAFKA', 'not authorized'));
  await expect(watching()()).rejects.toThrow('not authorized');
});
