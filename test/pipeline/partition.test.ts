import { beforeEach, describe, expect, it } from 'vitest';
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
});
