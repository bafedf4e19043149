import { expect, it, onTestFinished, vi } from 'vitest';
import { Stop } from '../../src/pipeline/stop.js';

it('has one grace period, from the first stop on', () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const stop = new Stop(1000);
  vi.advanceTimersByTime(5000);
  expect([stop.leftMs, stop.signal.aborted]).toEqual([1000, false]);
  stop.abort();
  vi.advanceTimersByTime(400);
  stop.abort();
  expect([stop.leftMs, stop.signal.aborted]).toEqual([600, true]);
  vi.advanceTimersByTime(1000);
  expect(stop.leftMs).toBe(0);
});
