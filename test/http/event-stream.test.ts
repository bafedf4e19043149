import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { EventStream } from '../../src/http/event-stream.js';
import { serve, urlOf } from '../../src/http/server.js';

it('makes an event for all who listen, and none while nobody does', async () => {
  let made = 0;
  const stream = new EventStream(async () => ({ made: ++made }), 10);
  const options = { host: '127.0.0.1', port: 0, portName: '--port', token: undefined, open: [] };
  const server = await serve(options, () => [{ path: '/events', kind: 'api', handle: stream.listen }]);
  onTestFinished(() => void server.close());
  const listen = async () => {
    const asked = request(`${urlOf(server, '127.0.0.1')}events`).end();
    asked.on('error', () => {});
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    return response.on('error', () => {});
  };
  const [first, second] = [await listen(), await listen()];
  expect(first.headers['content-type']).toBe('text/event-stream');
  const [text] = await once(first.setEncoding('utf8'), 'data');
  expect(text).toMatch(/^data: \{"made":\d+\}\n\n/);
  await once(second, 'data');
  // One that is gone, and one that is sent away, leave nothing behind.
  first.destroy();
  const ended = new Promise((resolve) => second.once('close', resolve));
  stream.close();
  await ended;
  const before = made;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(made).toBeLessThanOrEqual(before + 1);
  // All places are free again.
  const all = await Promise.all(Array.from({ length: 16 }, listen));
  expect(all.map(({ statusCode }) => statusCode)).toEqual(Array(16).fill(200));
  expect((await listen()).statusCode).toBe(503);
  stream.close();
});
