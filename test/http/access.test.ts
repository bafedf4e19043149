import { writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../src/config.js';
import type { RouteKind } from '../../src/http/access.js';
import { reply, type ServerOptions, serve, urlOf } from '../../src/http/server.js';
import { temporaryDirectory } from '../support/batches.js';

const TOKEN = 'a-token-of-many-letters';
const KINDS: readonly RouteKind[] = ['health', 'metrics', 'page', 'api', 'login', 'style'];

type Headers = Readonly<Record<string, string>>;

/** A server with a path of each kind, which sets the cookie for the token of the query. @returns asks it */
async function serving(options: Partial<ServerOptions> = {}) {
  const all: ServerOptions = { host: '127.0.0.1', port: 0, portName: '--port', token: undefined, open: [], ...options };
  const server = await serve(all, (access) =>
    KINDS.map((kind) => ({
      path: `/${kind}`,
      kind,
      handle: (asked, response) => {
        const cookie = access.login(asked, String(asked.headers['x-given']));
        if (cookie !== undefined) response.setHeader('set-cookie', cookie);
        reply(response, 200, 'yes');
      },
    })),
  );
  onTestFinished(() => void server.close());
  const url = urlOf(server, '127.0.0.1');
  return (path: string, headers: Headers = {}, method = 'GET') =>
    new Promise<{ status: number | undefined; cookie: string; headers: unknown }>((resolve, reject) => {
      const asked = request(`${url}${path}`, { headers: { connection: 'close', ...headers }, method }, (response) => {
        response.resume();
        const [cookie = ''] = response.headers['set-cookie'] ?? [];
        resolve({ status: response.statusCode, cookie, headers: response.headers });
      });
      asked.on('error', reject).end();
    });
}

type Ask = Awaited<ReturnType<typeof serving>>;

const statuses = (ask: Ask, headers: Headers) =>
  Promise.all(KINDS.map(async (kind) => `${kind} ${(await ask(kind, headers)).status}`));

describe('without a token', () => {
  it.each(['127.0.0.1', 'localhost:9464', 'LOCALHOST', '127.9.9.9', '[::1]:80'])('answers as %s', async (host) => {
    const ask = await serving();
    expect(new Set(await statuses(ask, { host }))).toEqual(new Set(KINDS.map((kind) => `${kind} 200`)));
  });

  it.each(['rebound.example', 'localhost.example:9464', '127.0.0.1.example', '10.0.0.1', '[::2]', 'a b'])(
    'does not answer as "%s"',
    async (host) => {
      const ask = await serving();
      for (const status of await statuses(ask, { host })) expect(status).toMatch(/ (421|400)$/);
    },
  );

  it('answers by the name that it listens on', async () => {
    const ask = await serving({ host: 'localhost' });
    expect((await ask('api', { host: 'localhost:1' })).status).toBe(200);
  });

  it.each<[Headers, number]>([
    [{}, 200],
    [{ 'sec-fetch-site': 'same-origin', origin: 'http://127.0.0.1:9' }, 200],
    [{ 'sec-fetch-site': 'none' }, 200],
    [{ 'sec-fetch-site': 'same-site' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ origin: 'http://127.0.0.1:9' }, 200],
    [{ origin: 'https://127.0.0.1:9' }, 200],
    [{ origin: 'http://127.0.0.1:10' }, 403],
    [{ origin: 'http://elsewhere.example' }, 403],
    [{ origin: 'null' }, 403],
  ])('takes what asks from its own pages: %j is %i', async (headers, status) => {
    const ask = await serving();
    const given = { host: '127.0.0.1:9', ...headers };
    expect((await ask('api', given)).status).toBe(status);
    expect((await ask('login', given)).status).toBe(status);
    // A link of another site leads to the page.
    expect((await ask('page', given)).status).toBe(200);
  });

  it('says what it has, and which methods', async () => {
    const ask = await serving();
    expect((await ask('elsewhere')).status).toBe(404);
    expect((await ask('../../package.json')).status).toBe(404);
    expect((await ask('api', {}, 'POST')).status).toBe(405);
    expect((await ask('page', {}, 'HEAD')).status).toBe(200);
    expect((await ask('page')).headers).toMatchObject({
      'content-security-policy': expect.stringMatching(/^default-src 'none'; script-src 'self'; style-src 'self'; /),
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
    });
  });
});

describe('with a token', () => {
  it('asks everyone for it, but for the login and what is open', async () => {
    const ask = await serving({ token: TOKEN, open: ['health'] });
    expect(await statuses(ask, {})).toEqual([
      ...['health 200', 'metrics 401', 'page 401', 'api 401', 'login 200', 'style 200'],
    ]);
    expect((await ask('elsewhere')).status).toBe(401);
    expect((await ask('api', { authorization: `Bearer ${TOKEN}` })).status).toBe(200);
    for (const authorization of ['Bearer', `Bearer ${TOKEN}x`, `Bearer ${TOKEN.slice(1)}`, `Basic ${TOKEN}`, TOKEN]) {
      expect((await ask('api', { authorization })).status, authorization).toBe(401);
    }
  });

  it('takes the cookie of a login, which is over with the token', async () => {
    const ask = await serving({ token: TOKEN });
    expect((await ask('login', { 'x-given': 'wrong' })).cookie).toBe('');
    const { cookie } = await ask('login', { 'x-given': TOKEN });
    expect(cookie).toMatch(/^sluice_\d+=[0-9a-f]{64}; Path=\/; HttpOnly; SameSite=Strict$/);
    const [pair] = cookie.split(';');
    expect((await ask('api', { cookie: `other=1; ${pair}` })).status).toBe(200);
    expect((await ask('api', { cookie: `${pair}0` })).status).toBe(401);
    expect((await ask('api', { cookie: pair, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    const changed = await serving({ token: `${TOKEN}-2` });
    expect((await changed('api', { cookie: pair.replace(/\d+=/, '0=') })).status).toBe(401);
  });

  it('answers under any name: the token tells who asks', async () => {
    const ask = await serving({ token: TOKEN, open: ['metrics'] });
    expect((await ask('metrics', { host: 'sluice-lake-0.sluice-lake' })).status).toBe(200);
  });
});

describe('the settings', () => {
  const http = (env: Headers) => readConfig(env, false).http;

  it('are the loopback interface without a token; health and metrics are open', () => {
    expect(http({})).toEqual({ host: '127.0.0.1', token: undefined, open: ['health', 'metrics'] });
    expect(http({ HTTP_OPEN: 'none' }).open).toEqual([]);
    expect(http({ HTTP_OPEN: 'metrics' }).open).toEqual(['metrics']);
    for (const host of ['localhost', '127.0.0.2', '::1']) expect(http({ HTTP_HOST: host }).host).toBe(host);
  });

  it.each(['0.0.0.0', '::', '10.0.0.1', 'example.org', '127.example.org'])('need a token on %s', (host) => {
    expect(() => http({ HTTP_HOST: host })).toThrow(/HTTP_HOST=.*set HTTP_TOKEN/);
    expect(http({ HTTP_HOST: host, HTTP_TOKEN: TOKEN }).token).toBe(TOKEN);
  });

  it('take the token from a file, and show it to nobody', () => {
    const file = join(temporaryDirectory(), 'token');
    writeFileSync(file, `${TOKEN}\n`);
    expect(http({ HTTP_TOKEN_FILE: file, HTTP_HOST: '0.0.0.0' }).token).toBe(TOKEN);
    expect(() => http({ HTTP_TOKEN_FILE: `${file}-2` })).toThrow(/HTTP_TOKEN_FILE=.*cannot be read/);
    expect(() => http({ HTTP_TOKEN_FILE: file, HTTP_TOKEN: TOKEN })).toThrow(/one of them is enough/);
    expect(() => http({ HTTP_OPEN: 'page' })).toThrow(/HTTP_OPEN=.*must be none, or some of health, metrics/);
    for (const token of ['secret', 'secret of many letters']) {
      expect(() => http({ HTTP_TOKEN: token })).toThrow(/HTTP_TOKEN: a token must have 16 characters/);
      expect(() => http({ HTTP_TOKEN: token })).not.toThrow(/secret/);
    }
  });
});
