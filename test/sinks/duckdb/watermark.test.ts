import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { AHEAD_MS } from '../../../src/core/event-time.js';
import { makeBatch, openSink, order, select, temporaryDirectory, token } from '../../support/batches.js';

/** Of all messages that makeBatch makes. */
const KAFKA_MS = 1_700_000_000_000;
const FAR = 8_640_000_000_000_000;
const BOUND = BigInt(KAFKA_MS + AHEAD_MS) * 1000n;

describe('the watermark', () => {
  it('does not follow an event from the year 275760', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    const early = KAFKA_MS - 5000;
    await sink.stage(
      await makeBatch(dataDir, 0, 0, [order(token(1), { event_time: early }), order(token(2), { event_time: FAR })]),
    );
    await sink.stage(await makeBatch(dataDir, 1, 0, [order(token(3), { event_time: early })]));
    const { positions } = await sink.commit();
    expect(positions.map(({ watermark }) => watermark)).toEqual([BOUND, BigInt(early) * 1000n]);
    expect(await select(sink, 'SELECT max(epoch_ms(event_time)) FROM cdc_orders')).toEqual([[BigInt(FAR)]]);
  });

  it('follows no timestamp of a producer that counts nanoseconds', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    const orders = [order(token(1), { event_time: FAR }), 'no JSON'];
    await sink.stage(await makeBatch(dataDir, 0, 0, orders, { timestamp: 1.7e18 }));
    const [{ watermark = 0n }] = (await sink.commit()).positions;
    expect(watermark).toBeLessThanOrEqual(BigInt(Date.now() + AHEAD_MS) * 1000n);
    const times = 'SELECT kafka_timestamp FROM cdc_orders UNION ALL SELECT kafka_timestamp FROM sluice.quarantine';
    expect(await select(sink, times)).toEqual([[null], [null]]);
  });

  it('comes back from where such an event had taken it before', async () => {
    const dataDir = temporaryDirectory();
    const first = await openSink(dataDir);
    await first.close();
    const instance = await DuckDBInstance.create(join(dataDir, 'analytics.db'));
    const connection = await instance.connect();
    await connection.run(`UPDATE sluice.positions SET watermark = make_timestamptz(${FAR} * 1000)`);
    connection.closeSync();
    instance.closeSync();
    const sink = await openSink(dataDir);
    await sink.stage(await makeBatch(dataDir, 0, 0, [order(token(1), { event_time: KAFKA_MS })]));
    const [{ watermark }] = (await sink.commit()).positions;
    expect(watermark).toBe(BigInt(KAFKA_MS) * 1000n);
  });
});
