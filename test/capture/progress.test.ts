import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { captureProgress } from '../../src/capture/progress.js';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

it('says what a capture does: documents of a snapshot, then changes and how old the position is', () => {
  const metrics = { changes: 0, positionAgeSeconds: 0 };
  let capture: { snapshotDocuments: number | undefined } | undefined;
  const { text } = captureProgress(() => capture, metrics);
  expect(text()).toBe('reading where the topic stands');
  capture = { snapshotDocuments: 12_000 };
  metrics.changes = 11_000;
  vi.advanceTimersByTime(1000);
  expect(text()).toBe('snapshot: 12,000 documents');
  capture = { snapshotDocuments: undefined };
  Object.assign(metrics, { changes: 14_000, positionAgeSeconds: 2.6 });
  vi.advanceTimersByTime(2000);
  expect(text()).toBe('14,000 changes  1,500/s  position 3 s old');
});
