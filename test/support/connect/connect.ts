/** A Kafka Connect worker in standalone mode for tests, with the connectors that PLUGINS names. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CACHE, fetchJars, installKafka, kafkaVersion } from '../kafka/jars.js';
import { onFreePort, ServerProcess } from '../server-process.js';

const execFileAsync = promisify(execFile);

const POM = fileURLToPath(new URL('pom.xml', import.meta.url));
/** Profiles of pom.xml. Each has a folder of its own, and so a class loader of its own. */
const PLUGINS = ['debezium-postgres', 'debezium-mongodb', 'mongodb'] as const;
export type Plugin = (typeof PLUGINS)[number];
/** For `beforeAll`: Maven fetches 75 MB the first time. */
export const FETCH_TIMEOUT_MS = 600_000;
const RUNNING_TIMEOUT_MS = 60_000;
const POLL_MS = 100;
const JVM_FLAGS = ['-Xmx768m', '-XX:+UseSerialGC', '-XX:-UsePerfData', '-Xshare:auto'];
const LOG_FLAGS = [
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
  '-Dorg.slf4j.simpleLogger.log.org.apache.kafka.connect.runtime.Connect=info',
];

export interface Connect {
  /** What the worker has printed since its last start. */
  readonly log: string;
  /** Makes a connector, or changes its configuration, and waits until its task runs. @throws if it fails instead */
  configure(connector: string, config: Readonly<Record<string, string>>): Promise<void>;
  /** What the worker says of a connector's task: `RUNNING`, or `FAILED` and its stack trace. */
  status(connector: string): Promise<{ readonly state: string; readonly trace: string }>;
  /** As a crash; what the worker knows of source positions is kept, connectors are not. */
  kill(): Promise<void>;
  /** Starts it again on the same port and positions. Does nothing if it is up. */
  start(): Promise<void>;
}

/** JsonConverter for keys and values. @param schemas whether a message has its schema beside its payload */
export function jsonConverters(schemas: boolean): Record<string, string> {
  const converter = 'org.apache.kafka.connect.json.JsonConverter';
  return Object.fromEntries(
    ['key', 'value'].flatMap((part) => [
      [`${part}.converter`, converter],
      [`${part}.converter.schemas.enable`, `${schemas}`],
    ]),
  );
}

/** @param folder for its files; one that a worker has used before is taken up again */
export async function startConnect(bootstrap: string, folder: string, plugins: readonly Plugin[]): Promise<Connect> {
  const home = await install();
  return onFreePort(async (port) => {
    const worker = new LocalConnect(home, bootstrap, folder, port, plugins);
    await worker.start();
    return worker;
  });
}

class LocalConnect implements Connect {
  readonly #url: string;
  readonly #process: ServerProcess;
  readonly #properties: Readonly<Record<string, string>>;
  readonly #file: string;

  constructor(home: string, bootstrap: string, folder: string, port: number, plugins: readonly Plugin[]) {
    this.#url = `http://127.0.0.1:${port}`;
    this.#file = path.join(folder, 'worker.properties');
    this.#properties = {
      'bootstrap.servers': bootstrap,
      listeners: this.#url,
      'plugin.path': plugins.map((plugin) => path.join(home, plugin)).join(','),
      // Else a start looks through all classes, which takes most of its time.
      'plugin.discovery': 'service_load',
      'offset.storage.file.filename': path.join(folder, 'offsets'),
      'offset.flush.interval.ms': '500',
      ...jsonConverters(false),
    };
    this.#process = new ServerProcess({
      name: `Kafka Connect at ${this.#url}`,
      program: 'java',
      args: [
        ...[...JVM_FLAGS, ...LOG_FLAGS, '-cp', path.join(home, 'runtime', '*')],
        ...['org.apache.kafka.connect.cli.ConnectStandalone', this.#file],
      ],
      output: path.join(folder, 'connect.log'),
      ready: 'Kafka Connect started',
    });
  }

  get log(): string {
    return this.#process.printed;
  }

  async start(): Promise<void> {
    if (this.#process.running) return;
    await writeFile(
      this.#file,
      Object.entries(this.#properties).map(([name, value]) => `${name}=${value}\n`),
    );
    await this.#process.start();
  }

  async kill(): Promise<void> {
    await this.#process.end('SIGKILL');
  }

  async configure(connector: string, config: Readonly<Record<string, string>>): Promise<void> {
    const response = await fetch(`${this.#url}/connectors/${connector}/config`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ 'tasks.max': '1', ...config }),
    });
    if (!response.ok) throw new Error(`the connector ${connector} was refused: ${await response.text()}`);
    for (const overdue = Date.now() + RUNNING_TIMEOUT_MS; ; await sleep(POLL_MS)) {
      const { state, trace } = await this.status(connector);
      if (state === 'RUNNING') return;
      if (state === 'FAILED' || Date.now() > overdue) throw new Error(`the connector ${connector}: ${state}\n${trace}`);
    }
  }

  async status(connector: string): Promise<{ state: string; trace: string }> {
    const response = await fetch(`${this.#url}/connectors/${connector}/status`);
    if (!response.ok) return { state: 'UNKNOWN', trace: await response.text() };
    const { tasks } = (await response.json()) as { tasks: { state: string; trace?: string }[] };
    return { state: tasks[0]?.state ?? 'UNASSIGNED', trace: tasks[0]?.trace ?? '' };
  }
}

/** Adds to a folder of plugins the lists that `service_load` goes by, where its jars have none. */
async function listPlugins(folder: string, runtime: string): Promise<void> {
  const classpath = [path.join(runtime, '*'), (await installKafka()).classpath].join(path.delimiter);
  const tool = ['-cp', classpath, 'org.apache.kafka.tools.ConnectPluginPath', 'sync-manifests'];
  await execFileAsync('java', [...tool, '--plugin-path', folder]);
}

/** @returns the folder that has the runtime's and each plugin's jars; fetched once per version of pom.xml and Kafka */
async function install(): Promise<string> {
  const version = await kafkaVersion();
  const identity = createHash('sha256')
    .update(await readFile(POM))
    .update(version)
    .digest('hex');
  const home = path.join(CACHE, `connect-${identity.slice(0, 12)}`);
  if (existsSync(home)) return home;
  await mkdir(CACHE, { recursive: true });
  const unfinished = await mkdtemp(path.join(CACHE, 'connect-unfinished-'));
  try {
    const fetchProfile = (profile: string, folder: string) =>
      fetchJars(POM, path.join(unfinished, folder), [`-P${profile}`, `-Dkafka.version=${version}`]);
    await fetchProfile('runtime', 'runtime');
    // A path of plugins has a folder for each.
    for (const plugin of PLUGINS) await fetchProfile(plugin, path.join(plugin, plugin));
    await listPlugins(path.join(unfinished, 'mongodb'), path.join(unfinished, 'runtime'));
    await rename(unfinished, home);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    // Another test process was faster: what it made is the same.
    if (!existsSync(home)) throw error;
  }
  return home;
}
