/** An S3 server for one test file: moto's, on a free port of the loopback, with its objects in memory. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe } from 'vitest';
import { literal } from '../../src/core/sql.js';
import { TcpProxy } from './proxy.js';
import { INSTALL_TIMEOUT_MS, pythonWith, whyNoPython } from './python.js';
import { onFreePort, ServerProcess } from './server-process.js';

/** moto takes any. */
const KEY_ID = 'test-key';
const SECRET = 'test-secret';
const REGION = 'us-east-1';

/**
 * A `describe` with an S3 server of its own; skipped without Python. One serves many tests, each with a bucket.
 * @param body gets a function that tells the server, to be called within hooks and tests
 */
export function describeS3(name: string, body: (s3: () => S3) => void): void {
  describe.skipIf(whyNoPython() !== undefined)(name, () => {
    let folder: string;
    let s3: S3 | undefined;
    beforeAll(async () => {
      const python = await pythonWith('requirements-s3.txt');
      folder = await mkdtemp(path.join(tmpdir(), 'sluice-s3-'));
      s3 = await S3.start(python, folder);
    }, INSTALL_TIMEOUT_MS);
    afterAll(async () => {
      await s3?.quit();
      await rm(folder, { recursive: true, force: true });
    });
    body(() => s3 as S3);
  });
}

/** Clients reach it through a proxy: a stop is an outage, and moto would forget its objects. */
export class S3 {
  readonly #process: ServerProcess;
  readonly #proxy: TcpProxy;
  #buckets = 0;

  private constructor(process: ServerProcess, proxy: TcpProxy) {
    this.#process = process;
    this.#proxy = proxy;
  }

  static async start(python: string, folder: string): Promise<S3> {
    const { PATH, HOME } = process.env;
    return onFreePort(async (port) => {
      const server = new ServerProcess({
        name: `moto at 127.0.0.1:${port}`,
        program: python,
        args: ['-m', 'moto.server', '-H', '127.0.0.1', '-p', `${port}`],
        output: path.join(folder, 'moto.log'),
        ready: 'Running on',
        options: { cwd: folder, env: { PATH, HOME, PYTHONUNBUFFERED: '1' } },
      });
      await server.start();
      return new S3(server, await TcpProxy.start(port));
    });
  }

  /** `127.0.0.1:port`, the same over stops. */
  get endpoint(): string {
    return `127.0.0.1:${this.#proxy.port}`;
  }

  /** SQL for DuckDB, with httpfs loaded, to reach it by `s3://bucket/…`. */
  get secretSql(): string {
    const keys = `KEY_ID ${literal(KEY_ID)}, SECRET ${literal(SECRET)}, REGION ${literal(REGION)}`;
    return `CREATE SECRET (TYPE s3, ${keys}, ENDPOINT ${literal(this.endpoint)}, URL_STYLE 'path', USE_SSL false)`;
  }

  /** @returns the name of a new, empty bucket */
  async createBucket(): Promise<string> {
    const name = `bucket-${++this.#buckets}`;
    const response = await fetch(`http://${this.endpoint}/${name}`, { method: 'PUT' });
    if (!response.ok) throw new Error(`no bucket ${name}: ${await response.text()}`);
    return name;
  }

  /** Breaks connections and refuses new ones; objects stay. Does nothing if it is stopped already. */
  stop(): void {
    this.#proxy.close();
  }

  /** Serves again, on the same port. Does nothing if it is not stopped. */
  async start(): Promise<void> {
    await this.#proxy.reopen();
  }

  /** For good. */
  async quit(): Promise<void> {
    this.stop();
    await this.#process.end('SIGKILL');
  }
}
