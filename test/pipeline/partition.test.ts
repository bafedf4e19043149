import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Partitions } from '../../src/pipeline/partition.js';

let partitions: Partitions;
const position = (partition: number, nextOffset: number) => ({
  partition,
  nextOffset,
  leaderEpoch: undefined,
  watermark: undefined,
});

beforeEach(() => {
  // Each log ends at 100.
  partitions = new Partitions({ lag: (_, nextOffset) => 100 - nextOffset });
  partitions.note([position(0, 10), position(3, 20)]);
});

describe('Partitions', () => {
  it('count what is read only, and no other, as the lag', () => {
    expect(partitions.lag).toBe(0);
    partitions.get(0).nextOffset = 40;
    expect(partitions.lag).toBe(60);
    expect(partitions.get(0).uncommitted).toBe(90);
    partitions.get(3).nextOffset = 95;
    expect(partitions.lag).toBe(65);
  });

  it('keep what is read when a position moves', () => {
    const partition = partitions.get(0);
    partition.nextOffset = 40;
    partitions.note([position(0, 30)]);
    expect(partitions.get(0)).toBe(partition);
    expect(partition).toMatchObject({ nextOffset: 40, committed: { nextOffset: 30 } });
    expect(partitions.size).toBe(2);
  });

  it('have no other but those that the sink knows', () => {
    expect(partitions.has(1)).toBe(false);
    expect(() => partitions.get(1)).toThrow(/partition 1 is assigned/);
  });

  it('count what is to be committed of those that are read', () => {
    expect(partitions.backlog).toBe(0);
    partitions.get(3).nextOffset = 95;
    expect(partitions.backlog).toBe(80);
    partitions.get(0).nextOffset = 0;
    expect(partitions.backlog).toBe(170);
  });

  it('count the messages in open batches', () => {
    const batch = { startOffset: 0, leaderEpoch: undefined, chunks: [], rows: 5, valueBytes: 1, openedMs: 0, dueMs: 0 };
    expect(partitions.openRows).toBe(0);
    partitions.get(0).openBatch = batch;
    partitions.get(3).openBatch = { ...batch, rows: 7 };
    expect(partitions.openRows).toBe(12);
  });

  it('are read from an offset on until that stops', () => {
    expect([partitions.isAnyRead, partitions.isRead(0), partitions.isRead(1)]).toEqual([false, false, false]);
    partitions.get(0).nextOffset = 0;
    partitions.get(3).nextOffset = 20;
    expect([partitions.isAnyRead, partitions.isRead(0), partitions.isRead(1)]).toEqual([true, true, false]);
    partitions.stopReading([0, 1]);
    expect([partitions.isAnyRead, partitions.isRead(0), partitions.isRead(3)]).toEqual([true, false, true]);
    partitions.stopReading([3]);
    expect(partitions.isAnyRead).toBe(false);
  });

  it('are those that the sink knows, until they are forgotten', () => {
    expect(partitions.of([3, 1]).map(({ number }) => number)).toEqual([3]);
    partitions.forget([3, 1]);
    expect([...partitions.all].map(({ number }) => number)).toEqual([0]);
  });

  it('have reached the end where the run stops, if it stops', () => {
    const partition = partitions.get(0);
    expect(partition.hasReachedEnd).toBe(true);
    partition.endOffset = 0;
    expect(partition.hasReachedEnd).toBe(false);
    partition.nextOffset = 0;
    expect(partition.hasReachedEnd).toBe(true);
    partition.endOffset = 1;
    expect(partition.hasReachedEnd).toBe(false);
    partition.nextOffset = 5;
    expect(partition.hasReachedEnd).toBe(true);
  });

  it('know when a position moved last', () => {
    const clock = vi.spyOn(performance, 'now').mockReturnValue(7);
    onTestFinished(() => clock.mockRestore());
    expect(partitions.get(0).committedAtMs).not.toBe(7);
    partitions.note([position(0, 10)]);
    expect(partitions.get(0).committedAtMs).toBe(7);
  });
});
