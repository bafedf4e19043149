/** Apicurio Registry, a schema registry with Confluent's API, in memory: fetched once, kept in the project's cache. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { CACHE, whyNoKafka } from './kafka/jars.js';
import { onFreePort, ServerProcess } from './server-process.js';

const execFileAsync = promisify(execFile);

const VERSION = '2.6.13.Final';
const NAME = 'apicurio-registry-app';
const MAVEN_TIMEOUT_MS = 600_000;
/** Of a JVM on a machine that has other work. */
const READY_TIMEOUT_MS = 180_000;
/** Of the Maven plugin that fetches it. */
const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy';

/** Says why it cannot be started here, undefined if it can. */
export const whyNoApicurio = whyNoKafka;

/** The folder of the program; the first call fetches 142 MB through Maven. */
async function install(): Promise<string> {
  const home = path.join(CACHE, `apicurio-${VERSION}`);
  if (existsSync(home)) return home;
  await mkdir(CACHE, { recursive: true });
  const unfinished = await mkdtemp(path.join(CACHE, 'apicurio-unfinished-'));
  try {
    const args = [`-Dmaven.repo.local=${path.join(CACHE, 'm2')}`, `-DoutputDirectory=${unfinished}`];
    const artifact = `-Dartifact=io.apicurio:${NAME}:${VERSION}:tar.gz:all`;
    await execFileAsync('mvn', ['-q', '-B', PLUGIN, artifact, ...args], { timeout: MAVEN_TIMEOUT_MS });
    const archive = path.join(unfinished, `${NAME}-${VERSION}-all.tar.gz`);
    await execFileAsync('tar', ['xzf', archive, '-C', unfinished]);
    await rm(archive);
    await rename(unfinished, home);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    if (!existsSync(home)) throw error;
  }
  return home;
}

export class Apicurio {
  readonly #process: ServerProcess;
  /** Of its API. */
  readonly url: string;

  private constructor(process: ServerProcess, url: string) {
    this.#process = process;
    this.url = url;
  }

  static async start(): Promise<Apicurio> {
    const home = await install();
    return onFreePort(async (port) => {
      const process = new ServerProcess({
        name: `Apicurio at 127.0.0.1:${port}`,
        program: 'java',
        args: ['-Xmx256m', '-jar', path.join(home, `${NAME}-${VERSION}-runner.jar`)],
        output: path.join(CACHE, `apicurio-${port}.log`),
        ready: 'Listening on',
        readyTimeoutMs: READY_TIMEOUT_MS,
        options: {
          env: { ...globalThis.process.env, QUARKUS_HTTP_HOST: '127.0.0.1', QUARKUS_HTTP_PORT: String(port) },
        },
      });
      await process.start();
      return new Apicurio(process, `http://127.0.0.1:${port}/apis/ccompat/v7`);
    });
  }

  /** Registers a schema. @returns its id */
  async register(subject: string, schema: unknown, type = 'AVRO', references: readonly object[] = []): Promise<number> {
    const response = await fetch(`${this.url}/subjects/${subject}/versions`, {
      method: 'POST',
      headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
      body: JSON.stringify({ schema: JSON.stringify(schema), schemaType: type, references }),
    });
    if (!response.ok) throw new Error(`${subject} is not registered: ${response.status} ${await response.text()}`);
    return ((await response.json()) as { id: number }).id;
  }

  /** Ends it; what it knows is lost. */
  stop(): Promise<void> {
    return this.#process.end('SIGKILL');
  }

  /** Starts it again, empty. */
  restart(): Promise<void> {
    return this.#process.start();
  }
}
