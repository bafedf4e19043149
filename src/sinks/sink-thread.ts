/** The sink's thread: answers calls from a message port, and queries on a socket. */
import { parentPort, workerData } from 'node:worker_threads';
import { asSluiceError } from '../core/errors.js';
import type { SinkCall, SinkReply } from '../core/flow.js';
import type { Sink } from '../core/sink.js';
import { QueryServer } from '../query/query-server.js';
import { type QueriedDatabase, RunningQueries } from '../query/running-queries.js';
import type { SinkOptions } from './sink-client.js';

const { kind, options } = workerData as SinkOptions;
const queries = new RunningQueries();
const opened = openSink();
let server: QueryServer | undefined;

/** Loads the sink that is wanted, and not the other one. */
async function openSink(): Promise<Sink & QueriedDatabase> {
  if (kind === 'duckdb') {
    const { DuckDbSink } = await import('./duckdb/sink.js');
    return new DuckDbSink(options, queries);
  }
  const { DuckLakeSink } = await import('./ducklake/sink.js');
  return new DuckLakeSink(options);
}

/** The calls that are not answered yet. */
const calls = new Set<Promise<unknown>>();

/** @param others calls that came before and are not answered yet */
async function call({ method, args }: SinkCall, others: readonly Promise<unknown>[]): Promise<unknown> {
  const sink = await opened;
  const operation = sink[method] as (...args: unknown[]) => Promise<unknown>;
  if (method === 'close') await server?.close();
  const value = await operation.apply(sink, [...args]);
  // The thread is ended after this answer: what was called before is answered before.
  if (method === 'close') await Promise.allSettled(others);
  if (method === 'open') server = await QueryServer.start(sink, options.dataDir, queries);
  return value;
}

parentPort?.on('message', (request: SinkCall) => {
  const called = call(request, [...calls]);
  calls.add(called);
  const answered = called.then(
    (value) => reply({ id: request.id, ok: true, value }),
    (thrown) =>
      reply({ id: request.id, ok: false, error: asSluiceError(thrown, 'SLUICE_SINK', 'the sink').toMessage() }),
  );
  void answered.then(() => calls.delete(called));
});

function reply(message: SinkReply): void {
  parentPort?.postMessage(message);
}
