import { expect, it } from 'vitest';
import { makeBatch, openSink, order, temporaryDirectory, token } from '../../support/batches.js';

const microseconds = (date: string) => BigInt(Date.parse(date)) * 1000n;

it('a watermark never goes back, and batches without event times leave it', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  const watermarks: (bigint | undefined)[] = [];
  for (const [offset, event_time] of [undefined, '2026-01-02', '2026-01-01', undefined, '2026-01-03'].entries()) {
    await sink.stage(await makeBatch(dataDir, 0, offset, [order(token(offset), { event_time })]));
    watermarks.push((await sink.commit()).positions[0].watermark);
  }
  const [second, third] = [microseconds('2026-01-02'), microseconds('2026-01-03')];
  expect(watermarks).toEqual([undefined, second, second, second, third]);
});
