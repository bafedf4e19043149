/** The merge thread: the sink behind a message port, and the query socket beside it. */
import { parentPort, workerData } from 'node:worker_threads';
import { asSluiceError } from '../../core/errors.js';
import type { SinkCall, SinkReply } from '../../core/flow.js';
import { QueryServer } from '../../query/query-server.js';
import { RunningQueries } from '../../query/running-queries.js';
import { Merge, type MergeOptions } from './merge.js';

const options = workerData as MergeOptions;
const queries = new RunningQueries();
const merge = new Merge(options, queries);
let server: QueryServer | undefined;

async function call({ method, args }: SinkCall): Promise<unknown> {
  const operation = merge[method] as (...args: unknown[]) => Promise<unknown>;
  if (method === 'close') await server?.close();
  const value = await operation.apply(merge, [...args]);
  if (method === 'open') server = await QueryServer.start(merge.instance, options.dataDir, queries);
  return value;
}

parentPort?.on('message', (request: SinkCall) => {
  call(request).then(
    (value) => reply({ id: request.id, ok: true, value }),
    (thrown) =>
      reply({ id: request.id, ok: false, error: asSluiceError(thrown, 'SLUICE_SINK', 'the sink').toMessage() }),
  );
});

function reply(message: SinkReply): void {
  parentPort?.postMessage(message);
}
