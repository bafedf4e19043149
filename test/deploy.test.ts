/** Holds deploy/ to the schemas of Compose and Kubernetes, and to what a process expects of its surroundings. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { misspelledVariables, readConfig } from '../src/config.js';
import { isPostgres } from '../src/sinks/ducklake/settings.js';
import { temporaryDirectory } from './support/batches.js';
import { INSTALL_TIMEOUT_MS, pythonWith, runPython, whyNoPython } from './support/python.js';

const DEPLOY = fileURLToPath(new URL('../deploy', import.meta.url));
const FILES = ['compose.yaml', 'kubernetes.yaml'].map((name) => join(DEPLOY, name));

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
  readonly env: readonly { readonly name: string; readonly value: string }[];
  readonly envFrom: readonly { readonly secretRef: { readonly name: string } }[];
  readonly startupProbe: Probe;
  readonly livenessProbe: Probe;
  readonly readinessProbe: Probe;
  readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
  readonly volumeMounts: readonly { readonly mountPath: string }[];
}

type Labels = Readonly<Record<string, string>>;

/** Of each kind there is one. */
interface Manifests {
  readonly Secret: { readonly metadata: { readonly name: string }; readonly stringData: Record<string, string> };
  readonly Service: { readonly metadata: { readonly name: string }; readonly spec: { readonly selector: Labels } };
  readonly PodDisruptionBudget: { readonly spec: { readonly selector: { readonly matchLabels: Labels } } };
  readonly StatefulSet: {
    readonly spec: {
      readonly serviceName: string;
      readonly selector: { readonly matchLabels: Labels };
      readonly template: {
        readonly metadata: { readonly labels: Labels };
        readonly spec: { readonly terminationGracePeriodSeconds: number; readonly containers: readonly [Container] };
      };
    };
  };
}

interface Checked {
  readonly compose: { readonly services: Readonly<Record<string, Service>> };
  readonly manifests: readonly { readonly kind: keyof Manifests }[];
}

describe.skipIf(whyNoPython() !== undefined)('deploy/', () => {
  let python: string;
  let checked: Checked;
  let manifests: Manifests;
  beforeAll(async () => {
    python = await pythonWith('requirements-deploy.txt');
    checked = await check(FILES);
    manifests = Object.fromEntries(checked.manifests.map((manifest) => [manifest.kind, manifest])) as never;
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
      expect(config.kafka.groupId).not.toBe(readConfig(run.environment).kafka.groupId);
      expect(profiles).toEqual(['lake']);
      expect(volumes).toEqual([`lake:${config.lake.dataPath}`]);
    }
  });

  it('has a lake in the manifests, whose parts name each other and whose environment is acceptable', () => {
    const { Secret: secret, Service: service, PodDisruptionBudget: budget, StatefulSet: set } = manifests;
    const { metadata, spec } = set.spec.template;
    const [container] = spec.containers;
    for (const labels of [service.spec.selector, budget.spec.selector.matchLabels, set.spec.selector.matchLabels]) {
      expect(labels).toEqual(metadata.labels);
    }
    expect(set.spec.serviceName).toBe(service.metadata.name);
    expect(container.envFrom).toEqual([{ secretRef: { name: secret.metadata.name } }]);
    const config = expectAccepted(environmentOf(manifests));
    expect(config.sink).toBe('ducklake');
    expect(isPostgres(config.lake.catalog)).toBe(true);
    expect(container.volumeMounts).toMatchObject([{ mountPath: config.dataDir }]);
    expect(spec.terminationGracePeriodSeconds * 1000).toBeGreaterThan(config.shutdownGraceMs);
  });

  it('has probes that ask where the process answers, without its token', () => {
    const { startupProbe, livenessProbe, readinessProbe, ports } =
      manifests.StatefulSet.spec.template.spec.containers[0];
    const { metrics, http } = readConfig(environmentOf(manifests));
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

function environmentOf({ Secret: secret, StatefulSet: set }: Manifests): Record<string, string> {
  const [{ env }] = set.spec.template.spec.containers;
  return { ...secret.stringData, ...Object.fromEntries(env.map(({ name, value }) => [name, value])) };
}

/** @returns what the program makes of it */
function expectAccepted(environment: Readonly<Record<string, string>>) {
  expect(misspelledVariables(environment)).toEqual([]);
  return readConfig(environment, false);
}
