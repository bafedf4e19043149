import { once } from 'node:events';
import { type IncomingMessage, request, type Server } from 'node:http';
import { pathToFileURL } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { LivePage, type PageContent } from '../../src/http/page.js';
import { serve, urlOf } from '../../src/http/server.js';
import { temporaryDirectory } from '../support/batches.js';

const TOKEN = 'a-token-of-many-letters';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const JSON_OF_MANY_BYTES = {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: 'x'.repeat(3 << 20),
};

/** A page whose files are gone, as while a new version is installed over the one that runs. */
async function serving(token?: string): Promise<{ readonly server: Server; readonly url: string }> {
  const content = { folder: pathToFileURL(`${temporaryDirectory()}/`), about: {} } as PageContent;
  const page = new LivePage(content);
  const server = await serve(
    { host: '127.0.0.1', port: 0, portName: '--port', token, open: [] },
    (access) => page.routes(access),
    page.files.unauthorized,
  );
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return { server, url: urlOf(server, '127.0.0.1') };
}

it('answers with an error when its files are gone, and goes on', async () => {
  const { url } = await serving(TOKEN);
  expect((await fetch(url, { headers: { accept: 'text/html' } })).status).toBe(500);
  expect((await fetch(url, { headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(500);
  expect((await fetch(url)).status).toBe(401);
});

it('goes on after errors of its server', async () => {
  const { server, url } = await serving();
  for (let times = 0; times < 3; times++) server.emit('error', new Error('EMFILE'));
  expect((await fetch(`${url}api/about`)).status).toBe(200);
});

it('says that a request is too long', async () => {
  const { url } = await serving();
  const answer = await fetch(`${url}api/query`, JSON_OF_MANY_BYTES);
  expect(answer.status).toBe(400);
  expect(await answer.json()).toEqual({ error: 'more than 2097152 bytes are not taken' });
});

it('keeps no more of who is not known than a token is long', async () => {
  const { url } = await serving(TOKEN);
  const login = request(`${url}login`, { method: 'POST', headers: FORM });
  login.on('error', () => {});
  const answered = once(login, 'response');
  login.write(`token=${'x'.repeat(8 << 10)}`);
  // Not its end: a server that waits for it would keep what it has.
  const [answer] = (await answered) as [IncomingMessage];
  expect(answer.statusCode).toBe(500);
  login.destroy();
  const known = { method: 'POST', headers: FORM, body: `token=${TOKEN}`, redirect: 'manual' } as const;
  expect((await fetch(`${url}login`, known)).status).toBe(303);
});
