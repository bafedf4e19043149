/** What a registry that cannot be used is said to need, against real servers. */
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type ClientOptions, RegistryClient } from '../../src/registry/client.js';
import { temporaryDirectory } from '../support/batches.js';
import { FakeRegistry } from '../support/registry.js';

interface Failure {
  readonly message: string;
  readonly retryable: boolean;
}

/** What asking it fails with. */
async function failure(url: string, more: Partial<ClientOptions> = {}): Promise<Failure> {
  const none = { user: undefined, password: undefined, ca: undefined, cert: undefined, key: undefined };
  const client = new RegistryClient({ ...none, ...more, url });
  onTestFinished(() => client.close());
  return await client.schema(1).then(
    () => expect.fail('it was answered'),
    (thrown: Failure) => thrown,
  );
}

it('that does not answer is to be started', async () => {
  const registry = await FakeRegistry.start();
  await registry.down();
  const { message, retryable } = await failure(registry.url);
  expect(message).toMatch(/ECONNREFUSED .*: start it, or correct SCHEMA_REGISTRY_URL$/);
  expect(retryable).toBe(true);
});

it('behind a wrong path, or that refuses access', async () => {
  const registry = await FakeRegistry.start();
  registry.broken = 404;
  expect((await failure(registry.url)).message).toMatch(/HTTP 404 .* Has SCHEMA_REGISTRY_URL the path of its API\?$/);
  registry.auth = 'me:secret';
  expect((await failure(registry.url)).message).toMatch(/HTTP 401.*: set SCHEMA_REGISTRY_USER and/);
  const wrong = await failure(registry.url, { user: 'me', password: 'public' });
  expect(wrong.message).toMatch(/HTTP 401.*: correct SCHEMA_REGISTRY_USER and/);
  expect(wrong.retryable).toBe(false);
});

it('without GUIDs, by any 404 says that it does not know one, once it has answered', async () => {
  const registry = await FakeRegistry.start();
  const id = registry.register('s', { type: 'object' }, { type: 'JSON' });
  const client = new RegistryClient({
    ...{ url: registry.url, user: undefined, password: undefined, ca: undefined, cert: undefined, key: undefined },
  });
  onTestFinished(() => client.close());
  await client.schema(id);
  registry.broken = 404;
  expect(await client.schema('6c7b8a1e-0000-4000-8000-000000000000')).toBeUndefined();
});

/** A certificate of its own authority, and its key. */
function certificate(name: string): { cert: string; key: string } {
  const folder = temporaryDirectory();
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', `/CN=${name}`];
  execFileSync(
    'openssl',
    [...['req', '-x509', ...kind, '-addext', `subjectAltName=${name}`, '-keyout', key, '-out', cert]],
    { stdio: 'ignore' },
  );
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
}

async function served(options: ServerOptions): Promise<string> {
  const server = createServer(options, (_, response) => response.end('{"schema":"1"}'));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

describe.skipIf(spawnSync('openssl', ['version']).status !== 0)('with TLS', () => {
  it('is told from one that is not trusted, of another name, or that wants a certificate', async () => {
    const [own, other] = [certificate('IP:127.0.0.1'), certificate('DNS:other.example')];
    const url = await served(own);
    const untrusted = await failure(url);
    expect(untrusted.message).toMatch(/self-signed certificate.*: set SCHEMA_REGISTRY_CA/);
    expect(untrusted.retryable).toBe(false);
    expect((await failure(url.replace('https:', 'http:'), { ca: own.cert })).message).toMatch(/: is it https:\/\/, or/);
    const named = await failure(await served(other), { ca: other.cert });
    expect(named.message).toMatch(/: SCHEMA_REGISTRY_URL must have a name that its certificate is for$/);
    const mutual = await served({ ...own, ca: own.cert, requestCert: true, maxVersion: 'TLSv1.2' });
    const lacking = await failure(mutual, { ca: own.cert });
    expect(lacking.message).toMatch(/: set SCHEMA_REGISTRY_CERT and SCHEMA_REGISTRY_KEY/);
    const refused = await failure(mutual, { ca: own.cert, ...other });
    expect(refused.message).toMatch(/SCHEMA_REGISTRY_CERT/);
  });
});
