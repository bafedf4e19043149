import { beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { Ending } from '../../src/commands/ending.js';
import { SluiceError } from '../../src/core/errors.js';

const GRACE_MS = 30_000;
const stuck = { close: () => new Promise<void>(() => {}) };
const quick = { close: async () => {} };

let onStuck: ReturnType<typeof vi.fn>;
let stop: AbortController;

beforeEach(() => {
  vi.useFakeTimers();
  onStuck = vi.fn();
  stop = new AbortController();
  onTestFinished(() => void vi.useRealTimers());
});

/** @param sink of a lake in Postgres, unless it needs the whole topic */
const endingOf = (close: () => Promise<void>, needsWholeTopic = false, standstill?: SluiceError) =>
  new Ending({ close, needsWholeTopic, standstill }, { signal: stop.signal, onStuck }, GRACE_MS);

const told = (code: string, message: string) => [
  [expect.objectContaining({ code, message: expect.stringContaining(message) })],
];

it('has a limit from the signal on, whatever the run is at', async () => {
  endingOf(stuck.close);
  await vi.advanceTimersByTimeAsync(1_000_000);
  expect(onStuck).not.toHaveBeenCalled();
  stop.abort();
  await vi.advanceTimersByTimeAsync(GRACE_MS + 9999);
  expect(onStuck).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(onStuck.mock.calls).toEqual(told('SLUICE_LAKE', 'the run did not end within 40 s'));
});

it('says which part of a lake’s process does not close, also without a signal', async () => {
  void endingOf(stuck.close).close(stuck, quick, undefined);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(onStuck.mock.calls).toEqual(told('SLUICE_LAKE', 'the Kafka client and the sink did not end within 10 s'));
});

it('gives a sink on a local disk its time, and what else there is ten seconds after it', async () => {
  const ending = endingOf(() => new Promise((resolve) => setTimeout(resolve, 599_000)), true);
  stop.abort();
  void ending.close(stuck, quick, quick);
  await vi.advanceTimersByTimeAsync(601_000);
  expect(onStuck).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(onStuck.mock.calls).toEqual(told('SLUICE_KAFKA', 'the Kafka client did not end within 10 s'));
});

it('tells what the run failed with while a sink on a local disk closes, which it ends after ten minutes', async () => {
  const onWaiting = vi.fn();
  const ending = endingOf(stuck.close, true);
  ending.failed(new SluiceError('SLUICE_KAFKA', 'gone'), onWaiting);
  void ending.close(quick, stuck, quick);
  await vi.advanceTimersByTimeAsync(9999);
  expect(onWaiting).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  const waiting = 'gone; and still waiting for the workers and the sink';
  expect(onWaiting.mock.calls).toEqual(told('SLUICE_KAFKA', waiting));
  await vi.advanceTimersByTimeAsync(589_999);
  expect(onStuck).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(1);
  expect(onStuck.mock.calls).toEqual(
    told('SLUICE_KAFKA', 'gone; and the workers and the sink did not end within 600 s'),
  );
  expect(onWaiting).toHaveBeenCalledOnce();
});

it('does not name Kafka for a sink that does not close', async () => {
  void endingOf(stuck.close, true).close(quick, quick, quick);
  await vi.advanceTimersByTimeAsync(600_000);
  expect(onStuck.mock.calls).toEqual(told('SLUICE_SINK', 'the sink did not end within 600 s'));
});

it('says what a run waits for that is done, and ends it after a signal only', async () => {
  const onWaiting = vi.fn();
  const ending = endingOf(async () => {}, true);
  ending.done(onWaiting);
  void ending.close(stuck, quick, quick);
  await vi.advanceTimersByTimeAsync(3_600_000);
  expect(onWaiting.mock.calls).toEqual([['all is committed; still waiting for the Kafka client to end']]);
  expect(onStuck).not.toHaveBeenCalled();
  stop.abort();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(onStuck.mock.calls).toEqual(told('SLUICE_KAFKA', 'the Kafka client did not end within 10 s'));
});

it('tells what the run failed with, too', async () => {
  const ending = endingOf(async () => {}, true);
  const onWaiting = vi.fn();
  ending.failed(new SluiceError('SLUICE_DATA_DIR', 'the disk is full'), onWaiting);
  void ending.close(stuck, quick, quick);
  await vi.advanceTimersByTimeAsync(10_000);
  const both = 'the disk is full; and the Kafka client did not end within 10 s';
  expect(onStuck.mock.calls).toEqual(told('SLUICE_DATA_DIR', both));
  expect(onWaiting).not.toHaveBeenCalled();
});

it('tells of nothing when all is closed, however that went', async () => {
  const ending = endingOf(async () => Promise.reject(new Error('no more')));
  stop.abort();
  await ending.close(quick, quick, quick);
  ending.over();
  await vi.advanceTimersByTimeAsync(1_000_000);
  expect(onStuck).not.toHaveBeenCalled();
});

it('tells at last of a thread that was given up', async () => {
  const standstill = new SluiceError('SLUICE_LAKE', 'the lake has not answered');
  const ending = endingOf(async () => {}, false, standstill);
  await ending.close(quick, undefined, undefined);
  expect(onStuck).not.toHaveBeenCalled();
  ending.over();
  expect(onStuck).toHaveBeenCalledExactlyOnceWith(standstill);
});
