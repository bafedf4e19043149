/** Events on their way: in order, again after a failure that passes, and never lost without a word. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { createLogger } from '../../src/core/log.js';
import { Outbox } from '../../src/lineage/outbox.js';
import { fileTransport, httpTransport, Refused, type Transport } from '../../src/lineage/transports.js';
import { temporaryDirectory } from '../support/batches.js';
import { LineageServer } from '../support/openlineage.js';

const silent = createLogger({ level: 'silent', format: 'json' });

function open(transport: Transport) {
  const counts: Record<string, number> = { sent: 0, refused: 0, lost: 0, retries: 0 };
  const warn = vi.spyOn(silent, 'warn');
  warn.mockClear();
  const hooks = { onResult: (result: string) => counts[result]++, onRetry: () => counts.retries++ };
  return { outbox: new Outbox(transport, hooks, silent), counts, warn };
}

const of = (send: Transport['send']): Transport => ({ name: 'test', send });

it('sends in order, with path and key, and waits for the last at its end', async () => {
  const server = await LineageServer.start();
  const { outbox, counts } = open(httpTransport({ url: server.url, endpoint: 'api/v1/lineage', apiKey: 'secret' }));
  for (const event of ['1', '2', '3']) outbox.add(event);
  await outbox.close();
  expect(server.requests.map(({ body }) => body)).toEqual(['1', '2', '3']);
  expect(server.requests[0]).toMatchObject({ path: '/api/v1/lineage', authorization: 'Bearer secret' });
  expect(counts).toEqual({ sent: 3, refused: 0, lost: 0, retries: 0 });
});

it('tries again after a failure that passes, and says it once', async () => {
  const server = await LineageServer.start();
  server.status = 503;
  const { outbox, counts, warn } = open(httpTransport({ url: server.url, endpoint: 'x', apiKey: undefined }));
  outbox.add('1');
  outbox.add('2');
  await vi.waitFor(() => expect(counts.retries).toBeGreaterThanOrEqual(2), 10_000);
  server.status = 201;
  await outbox.close();
  expect(server.requests.at(-2)?.body).toBe('1');
  expect(server.requests.at(-1)?.body).toBe('2');
  expect(counts).toMatchObject({ sent: 2, lost: 0 });
  expect(warn).toHaveBeenCalledTimes(1);
});

it('gives up what the server refuses, and goes on', async () => {
  const server = await LineageServer.start();
  server.status = 401;
  const { outbox, counts, warn } = open(httpTransport({ url: server.url, endpoint: 'x', apiKey: undefined }));
  outbox.add('1');
  await vi.waitFor(() => expect(counts.refused).toBe(1));
  server.status = 200;
  outbox.add('2');
  await outbox.close();
  expect(counts).toEqual({ sent: 1, refused: 1, lost: 0, retries: 0 });
  expect(warn).toHaveBeenCalledTimes(1);
});

it('is full after a while, and counts what is lost at the end', async () => {
  const { outbox, counts, warn } = open(of(() => Promise.reject(new Error('away'))));
  let events = 0;
  for (; !outbox.isFull; events++) outbox.add(String(events));
  expect(events).toBe(16);
  outbox.add('the last one');
  await outbox.close();
  expect(counts).toMatchObject({ sent: 0, lost: 17 });
  expect(warn).toHaveBeenLastCalledWith({ events: 17 }, expect.stringContaining('lost'));
});

it('does not wait for ever for a server that does not answer', async () => {
  const { outbox, counts } = open(
    of((_, signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('late'))))),
  );
  outbox.add('1');
  await outbox.close();
  expect(counts).toMatchObject({ sent: 0, lost: 1 });
});

it('a refusal is of the event alone', async () => {
  const bodies: string[] = [];
  const { outbox, counts } = open(
    of(async (event) => {
      if (event === '1') throw new Refused('HTTP 400');
      bodies.push(event);
    }),
  );
  for (const event of ['1', '2', '3']) outbox.add(event);
  await outbox.close();
  expect(bodies).toEqual(['2', '3']);
  expect(counts).toMatchObject({ sent: 2, refused: 1 });
});

it('appends a line per event to a file', async () => {
  const path = join(temporaryDirectory(), 'events.jsonl');
  const { outbox } = open(fileTransport(path));
  outbox.add('{"a":1}');
  outbox.add('{"a":2}');
  await outbox.close();
  expect(readFileSync(path, 'utf8')).toBe('{"a":1}\n{"a":2}\n');
});

it('follows no redirect, which would make a request of it that takes no event', async () => {
  const server = await LineageServer.start();
  server.status = 301;
  const { outbox, counts, warn } = open(httpTransport({ url: server.url, endpoint: 'x', apiKey: undefined }));
  outbox.add('1');
  await outbox.close();
  expect(counts).toMatchObject({ sent: 0, refused: 1 });
  expect(warn.mock.calls[0][0]).toContain('a redirect to');
});

it('does not wait for a pipe that nobody reads', async () => {
  const { outbox, counts } = open(of(() => new Promise(() => {})));
  vi.useFakeTimers();
  outbox.add('1');
  const closing = outbox.close();
  await vi.advanceTimersByTimeAsync(5000);
  await closing;
  vi.useRealTimers();
  expect(counts).toMatchObject({ lost: 1 });
});
