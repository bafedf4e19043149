/** A data directory for queries. */
import { onTestFinished } from 'vitest';
import { QueryServer } from '../../src/query/query-server.js';
import { makeBatch, openSink, order, temporaryDirectory, token } from './batches.js';

const MESSAGES = [
  order(token(1), { amount: '99999999999999.9999', status: 'a "b", c' }),
  order(token(2), { status: '' }),
];

/** A statement that does not end by itself, and gives no row. */
export const ENDLESS =
  'SELECT count(*) FROM range(10_000_000_000) a, range(1_000_000) b WHERE hash(a.range, b.range) = 1';

/** A data directory with two rows; with a server on it when `live`. */
export async function queriedDirectory(live: boolean): Promise<string> {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  await sink.stage(await makeBatch(dataDir, 0, 0, MESSAGES));
  await sink.commit();
  if (live) {
    const server = await QueryServer.start(sink, dataDir);
    onTestFinished(() => server.close());
  } else await sink.close();
  return dataDir;
}
