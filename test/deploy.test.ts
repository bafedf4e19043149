/** Holds deploy/ to the schemas of Compose and Kubernetes, and to what a process expects of its surroundings. */
import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { misspelledVariables, readConfig } from '../src/config.js';
import { isPostgres } from '../src/sinks/ducklake/settings.js';
import { temporaryDirectory } from './support/batches.js';
import { INSTALL_TIMEOUT_MS, pythonWith, runPython, whyNoPython } from './support/python.js';

const DEPLOY = fileURLToPath(new URL('../deploy', import.meta.url));
const MANIFESTS = ['run', 'capture', 'lake'] as const;
const FILES = ['compose.yaml', ...MANIFESTS.map((name) => `kubernetes/${name}/${name}.yaml`)].map((name) =>
  join(DEPLOY, name),
);

interface Service {
  readonly hostname?: string;
  readonly profiles?: readonly string[];
  readonly volumes?: readonly string[];
  readonly ports?: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Container {
  readonly args: readonly string[];
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly envFrom: readonly { readonly secretRef: { readonly name: string } }[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly securityContext: unknown;
  readonly volumeMounts?: readonly { readonly mountPath: string }[];
}

type Labels = Readonly<Record<string, string>>;

interface Workload {
  readonly spec: {
    readonly serviceName?: string;
    readonly selector: { readonly matchLabels: Labels };
    readonly template: {
      readonly metadata: { readonly labels: Labels };
      readonly spec: {
        readonly securityContext: { readonly runAsUser: number };
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly [Container];
      };
    };
  };
}

/** Of each kind a file has at most one. */
interface Manifests {
  readonly Secret: { readonly metadata: { readonly name: string }; readonly stringData: Record<string, string> };
  readonly Service?: { readonly metadata: { readonly name: string }; readonly spec: { readonly selector: Labels } };
  readonly PodDisruptionBudget?: { readonly spec: { readonly selector: { readonly matchLabels: Labels } } };
  readonly StatefulSet?: Workload;
  readonly Deployment?: Workload;
}

interface Checked {
  readonly compose: { readonly services: Readonly<Record<string, Service>> };
  /** By file. */
  readonly manifests: readonly (readonly { readonly kind: keyof Manifests }[])[];
}

describe.skipIf(whyNoPython() !== undefined)('deploy/', () => {
  let python: string;
  let checked: Checked;
  const manifests = new Map<string, Manifests>();
  beforeAll(async () => {
    python = await pythonWith('requirements-deploy.txt');
    checked = await check(FILES);
    for (const [index, name] of MANIFESTS.entries()) {
      const byKind = checked.manifests[index].map((manifest) => [manifest.kind, manifest]);
      manifests.set(name, Object.fromEntries(byKind) as never);
    }
  }, INSTALL_TIMEOUT_MS);

  const check = async (files: readonly string[]) => (await runPython(python, 'check_deploy.py', files)) as Checked;

  it.each([
    [0, 'healthcheck:', 'healthchek'],
    [1, 'livenessProbe:', 'livenesProbe'],
  ])('is held to schemas that know each key (%i)', async (index, key, misspelt) => {
    const damaged = join(temporaryDirectory(), 'damaged.yaml');
    writeFileSync(damaged, readFileSync(FILES[index], 'utf8').replace(key, `${misspelt}:`));
    await expect(check(FILES.with(index, damaged))).rejects.toThrow(misspelt);
  });

  it('has a lake of three processes in the compose file, each known by a name of its own', () => {
    const { run, ...services } = checked.compose.services;
    const lake = Object.values(services).filter(({ environment }) => environment?.SINK === 'ducklake');
    expect(new Set(lake.map(({ hostname }) => hostname)).size).toBe(3);
    for (const { environment, profiles, volumes } of lake) {
      const config = expectAccepted(environment);
      expect(isPostgres(config.lake.catalog)).toBe(true);
      expect(config.kafka.groupId).not.toBe(expectAccepted(run.environment).kafka.groupId);
      expect(profiles).toEqual(['lake']);
      expect(volumes).toEqual([`lake:${config.lake.dataPath}`]);
    }
  });

  it.each(MANIFESTS)('has manifests of %s, whose parts name each other and whose environment is acceptable', (name) => {
    const { Secret: secret, Service: service, PodDisruptionBudget: budget, ...workloads } = manifests.get(name)!;
    const workload = workloads.StatefulSet ?? workloads.Deployment!;
    const { metadata, spec } = workload.spec.template;
    const [container] = spec.containers;
    for (const labels of [
      service?.spec.selector,
      budget?.spec.selector.matchLabels,
      workload.spec.selector.matchLabels,
    ]) {
      if (labels !== undefined) expect(labels).toEqual(metadata.labels);
    }
    expect(workload.spec.serviceName).toBe(service?.metadata.name);
    expect(container.args).toEqual([name === 'lake' ? 'run' : name]);
    expect(container.envFrom).toEqual([{ secretRef: { name: secret.metadata.name } }]);
    const environment = environmentOf(manifests.get(name)!);
    // A token that all can read is none.
    const asItStands = { ...environment, HTTP_TOKEN: secret.stringData.HTTP_TOKEN };
    expect(() => readConfig(asItStands, false)).toThrow('HTTP_TOKEN');
    const config = expectAccepted(environment);
    expect(config.sink).toBe(name === 'lake' ? 'ducklake' : 'duckdb');
    expect(isPostgres(config.lake.catalog)).toBe(name === 'lake');
    if (name !== 'capture') expect(container.volumeMounts).toMatchObject([{ mountPath: config.dataDir }]);
    expect(spec.terminationGracePeriodSeconds * 1000).toBeGreaterThan(config.shutdownGraceMs);
  });

  it.each(MANIFESTS)('has %s run as the user of the image, on a root that it cannot write', (name) => {
    const { StatefulSet: set, Deployment: deployment } = manifests.get(name)!;
    const { containers, securityContext } = (set ?? deployment)!.spec.template.spec;
    const [user] = /(?<=^USER )\d+/m.exec(readFileSync(join(DEPLOY, 'Dockerfile'), 'utf8'))!;
    expect(securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: Number(user) });
    expect(containers[0].securityContext).toMatchObject({ readOnlyRootFilesystem: true });
  });

  it.each(MANIFESTS)('has probes of %s that ask where the process answers, without its token', (name) => {
    const { StatefulSet: set, Deployment: deployment } = manifests.get(name)!;
    const { startupProbe, livenessProbe, readinessProbe, ports } = (set ?? deployment)!.spec.template.spec
      .containers[0];
    const { metrics, http } = readConfig(environmentOf(manifests.get(name)!));
    const paths = [startupProbe, livenessProbe, readinessProbe].map(({ httpGet }) => `${httpGet.port}${httpGet.path}`);
    expect(paths).toEqual(['http/healthz', 'http/healthz', 'http/readyz']);
    expect(ports).toEqual([{ name: 'http', containerPort: metrics.port }]);
    expect(http).toMatchObject({ host: '0.0.0.0', open: expect.arrayContaining(['health']) });
  });

  it('shows the page of the compose file to this machine only', () => {
    const { environment, ports } = checked.compose.services.run;
    const { metrics, http } = expectAccepted(environment);
    expect(http).toMatchObject({ host: '0.0.0.0', token: expect.any(String) });
    expect(ports).toEqual([`127.0.0.1:${metrics.port}:${metrics.port}`]);
  });

  it('has Prometheus scrape services that answer it', () => {
    const settings = readFileSync(join(DEPLOY, 'prometheus', 'prometheus.yml'), 'utf8');
    const targets = [...settings.matchAll(/"(\w+):(\d+)"/g)];
    expect(targets.map(([, service]) => service)).toEqual(['run', 'capture']);
    for (const [, service, port] of targets) {
      const { metrics, http } = expectAccepted(checked.compose.services[service].environment);
      expect(metrics.port).toBe(Number(port));
      expect(http).toMatchObject({ host: '0.0.0.0', open: expect.arrayContaining(['metrics']) });
    }
  });
});

it('has the compose file make a token that nobody else has, once', () => {
  const file = madeToken();
  const token = readFileSync(file, 'utf8');
  execFileSync(process.execPath, [join(DEPLOY, 'token.mjs'), file]);
  expect(readFileSync(file, 'utf8')).toBe(token);
  expect(readFileSync(madeToken(), 'utf8')).not.toBe(token);
});

it('makes no token that is empty if it is killed, but the next time', () => {
  const directory = temporaryDirectory();
  const file = join(directory, 'token');
  const full = ['-c', 'ulimit -f 0; exec "$0" "$@"', process.execPath, join(DEPLOY, 'token.mjs'), file];
  expect(spawnSync('sh', full).status).not.toBe(0);
  expect(existsSync(file)).toBe(false);
  execFileSync(process.execPath, [join(DEPLOY, 'token.mjs'), file]);
  expect(readFileSync(file, 'utf8')).toMatch(/^[\w-]{32}\n$/);
  expect(readdirSync(directory)).toEqual(['token']);
});

it('has a health check of the image that asks with the token, and needs no answer if there is no port', async () => {
  const server = createServer(({ url, headers }, response) => {
    response.writeHead(url === '/healthz' && headers.authorization === 'Bearer of-sixteen-or-more' ? 200 : 503).end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const check = (env: Record<string, string>) =>
    promisify(execFile)(process.execPath, [join(DEPLOY, 'healthcheck.mjs')], { env }).then(
      () => 'healthy',
      ({ code }) => code,
    );
  const METRICS_PORT = String((server.address() as AddressInfo).port);
  const HTTP_TOKEN_FILE = join(temporaryDirectory(), 'token');
  writeFileSync(HTTP_TOKEN_FILE, 'of-sixteen-or-more\n');
  expect(await check({ METRICS_PORT, HTTP_TOKEN: 'of-sixteen-or-more' })).toBe('healthy');
  expect(await check({ METRICS_PORT, HTTP_TOKEN_FILE })).toBe('healthy');
  expect(await check({ METRICS_PORT, HTTP_TOKEN: 'of-sixteen-or-more', HTTP_TOKEN_FILE: '' })).toBe('healthy');
  expect(await check({ METRICS_PORT })).toBe(1);
  expect(await check({ METRICS_PORT: '0' })).toBe('healthy');
});

it.each([
  ['build', 'RUN npm run build:addon', 'scripts/addon-package.mjs'],
  ['extensions', 'RUN CI=true node', 'scripts/setup/duckdb-extensions.mjs'],
])('has in the stage %s of the image what its first script imports', async (stage, command, script) => {
  const text = readFileSync(join(DEPLOY, 'Dockerfile'), 'utf8');
  const start = text.search(new RegExp(`^FROM .* AS ${stage}$`, 'm'));
  const folder = temporaryDirectory();
  for (const [, names, to] of text.slice(start, text.indexOf(command)).matchAll(/^COPY (.*) (\S+)$/gm)) {
    for (const name of names.split(' ').filter((copied) => copied.startsWith('scripts'))) {
      const target = to.endsWith('/') ? join(to, basename(name)) : to;
      cpSync(join(DEPLOY, '..', name), join(folder, target), { recursive: true });
    }
  }
  const entryPoints = [join(folder, script)];
  const bundle = build({
    entryPoints,
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    logLevel: 'silent',
  });
  await expect(bundle).resolves.toMatchObject({ errors: [] });
});

/** The Secret of a manifest has a token that is too short to be taken. */
function environmentOf({
  Secret: secret,
  StatefulSet: set,
  Deployment: deployment,
}: Manifests): Record<string, string> {
  const [{ env }] = (set ?? deployment)!.spec.template.spec.containers;
  const variables = Object.fromEntries(env.map(({ name, value }) => [name, value]));
  return { ...secret.stringData, ...variables, HTTP_TOKEN: 'of-sixteen-or-more' };
}

/** @returns what the program makes of it; of the compose file, beside the token that its first service makes */
function expectAccepted({ HTTP_TOKEN_FILE, ...environment }: Readonly<Record<string, string>>) {
  expect(misspelledVariables(environment)).toEqual([]);
  const token = HTTP_TOKEN_FILE === undefined ? {} : { HTTP_TOKEN_FILE: madeToken() };
  return readConfig({ ...environment, ...token }, false);
}

function madeToken(): string {
  const file = join(temporaryDirectory(), 'token');
  execFileSync(process.execPath, [join(DEPLOY, 'token.mjs'), file]);
  return file;
}
