import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SluiceError } from '../../src/core/errors.js';
import { RETRY_PAUSES_MS, withRetries } from '../../src/core/retry.js';

const passing = new SluiceError('SLUICE_LAKE', 'gone for now', { retryable: true });

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it.each([
  ['while it is done', 1, 0],
  ['in the pause after it', RETRY_PAUSES_MS[0] / 2, 1],
])('tries nothing again after its signal, which comes %s', async (_, signalMs, retries) => {
  const ending = new AbortController();
  const onRetry = vi.fn();
  const durationMs = retries === 0 ? 2 : 0;
  const work = vi.fn(async () => {
    await new Promise((resolve) => setTimeout(resolve, durationMs));
    throw passing;
  });
  const failed = expect(withRetries(work, { onRetry, signal: ending.signal })).rejects.toBe(passing);
  setTimeout(() => ending.abort(), signalMs);
  await vi.advanceTimersByTimeAsync(10_000);
  await failed;
  expect([work.mock.calls.length, onRetry.mock.calls.length]).toEqual([1, retries]);
});
