/** The sink thread: the sink behind a message port, and the query socket beside it. */
import { parentPort, workerData } from 'node:worker_threads';
import { asSluiceError } from '../../core/errors.js';
import type { SinkCall, SinkReply } from '../../core/flow.js';
import { QueryServer } from '../../query/query-server.js';
import { DuckDbSink, type DuckDbSinkOptions } from './sink.js';

const options = workerData as DuckDbSinkOptions;
const sink = new DuckDbSink(options);
let queries: QueryServer | undefined;

async function call({ method, args }: SinkCall): Promise<unknown> {
  const operation = sink[method] as (...args: unknown[]) => Promise<unknown>;
  if (method === 'close') await queries?.close();
  const value = await operation.apply(sink, [...args]);
  if (method === 'open') queries = await QueryServer.start(sink.instance, options.dataDir);
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
