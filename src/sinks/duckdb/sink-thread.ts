/** The sink's thread: answers calls from a message port, and queries on a socket. */
import { parentPort, workerData } from 'node:worker_threads';
import { asSluiceError } from '../../core/errors.js';
import type { SinkCall, SinkReply } from '../../core/flow.js';
import { QueryServer } from '../../query/query-server.js';
import { RunningQueries } from '../../query/running-queries.js';
import { DuckDbSink, type DuckDbSinkOptions } from './sink.js';

const options = workerData as DuckDbSinkOptions;
const queries = new RunningQueries();
const sink = new DuckDbSink(options, queries);
let server: QueryServer | undefined;

async function call({ method, args }: SinkCall): Promise<unknown> {
  const operation = sink[method] as (...args: unknown[]) => Promise<unknown>;
  if (method === 'close') await server?.close();
  const value = await operation.apply(sink, [...args]);
  if (method === 'open') server = await QueryServer.start(sink.instance, options.dataDir, queries);
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
