import { describe, expect, it } from 'vitest';
import { resetLake } from '../../../src/sinks/ducklake/reset.js';
import { order, temporaryDirectory, token } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../../support/lakes.js';

describe.skipIf(whyNoExtensions() !== undefined)('a lake whose position an operator moved ahead', () => {
  it('does not know a leader epoch until the next message', async () => {
    const options = lakeOptions(temporaryDirectory());
    let epoch = 0;
    const take = async (startOffset: number, leaderEpoch: number) => {
      const sink = await openLakeSink(options);
      const batch = await makeLakeBatch(options, 0, startOffset, [order(token(startOffset))], { epoch: ++epoch });
      await sink.stage({ ...batch, leaderEpoch });
      await sink.commit();
      await sink.close();
    };
    const position = async () => {
      const sink = await openLakeSink(options);
      epoch++;
      const [found] = await sink.claim([0]);
      await sink.close();
      return found;
    };
    await take(0, 3);
    expect(await position()).toMatchObject({ nextOffset: 1, leaderEpoch: 3 });
    const request = { partition: 0, asked: '10', offset: 10, isEarliest: false, low: 0 };
    expect(await resetLake(options, request)).toMatchObject({ from: 1, to: 10 });
    expect(await position()).toMatchObject({ nextOffset: 10, leaderEpoch: undefined });
    await take(10, 5);
    expect(await position()).toMatchObject({ nextOffset: 11, leaderEpoch: 5 });
  });
});
