/**
 * A second server with MongoDB's protocol, unlike the stand-in of ReplicaSet.java: SecantusDB, on WiredTiger. It has
 * transactions, documents before a change, users, TLS and fail points, and its data and oplog outlive it. Its licence
 * is the GPL: it is a process of its own, from its wheel, and nothing of it is part of this project.
 *
 * Debezium's connector and that of MongoDB run against it (integrations/mongodb-connectors.test.ts): the initial copy,
 * the stream, documents before a change, and the connector's events as text, as schemas and as documents alone.
 *
 * What it cannot do, as of 0.7.0b3:
 *
 * - elections and more than one node; the stand-in has them
 * - documents as they were right after a change: what it gives for them is the document as it is when read, and null
 *   where it is gone; those before a change never expire
 * - ids that are whole numbers beyond 2^53: a double and a 64-bit integer that it rounds to are one `_id`
 * - resume tokens that sort: they are BSON documents in hex
 * - ending the stream of a collection that is dropped: a capture of it was still running minutes later
 * - keeping what it acknowledged over a SIGKILL: WiredTiger's log may still be in memory, so tests restart it orderly
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { MongoClient } from 'mongodb';
import { pythonWith } from '../python.js';
import { onFreePort, ServerProcess } from '../server-process.js';
import type { ReplicaSet } from './server.js';

const execFileAsync = promisify(execFile);
const USER = 'sluice';
const PASSWORD = "it's/secret";

export interface SecantusOptions {
  /** Whether clients need a password (SCRAM-SHA-256), which `uri` then has. Default: false. */
  readonly password?: boolean;
  /** Whether clients need TLS, and the authority that `uri` then names. Default: false. */
  readonly tls?: boolean;
}

export interface Secantus extends ReplicaSet {
  /** Ends it and its connections, and starts it again on the same port and data. */
  restart(): Promise<void>;
}

/** Starts one with data of its own. The first time, its wheel and those that it needs are downloaded. */
export async function startSecantus({ password = false, tls = false }: SecantusOptions = {}): Promise<Secantus> {
  const python = await pythonWith('requirements-mongo.txt');
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-mongo-'));
  if (tls) await execFileAsync(python, ['-m', 'trustme', '-i', '127.0.0.1', '-d', folder]);
  return onFreePort(async (port) => {
    const open = new LocalSecantus(python, folder, port, { password: false, tls });
    await open.start();
    if (!password) return open;
    const client = await new MongoClient(open.uri).connect();
    await client.db('admin').command({ createUser: USER, pwd: PASSWORD, roles: ['root'] });
    await client.close();
    await open.stop();
    const closed = new LocalSecantus(python, folder, port, { password, tls });
    await closed.start();
    return closed;
  });
}

class LocalSecantus implements Secantus {
  readonly uri: string;
  readonly #folder: string;
  readonly #process: ServerProcess;

  constructor(python: string, folder: string, port: number, { password, tls }: Required<SecantusOptions>) {
    this.#folder = folder;
    const at = (name: string) => path.join(folder, name);
    const secure = tls ? `&tls=true&tlsCAFile=${encodeURIComponent(at('client.pem'))}` : '';
    const login = password ? `${USER}:${encodeURIComponent(PASSWORD)}@` : '';
    this.uri = `mongodb://${login}127.0.0.1:${port}/?replicaSet=secantus${secure}`;
    const secured = tls ? ['--tls-cert-file', at('server.pem'), '--tls-key-file', at('server.key')] : [];
    const { PATH, HOME } = process.env;
    this.#process = new ServerProcess({
      name: `SecantusDB at 127.0.0.1:${port}`,
      program: python,
      args: [
        ...['-m', 'secantus', '--host', '127.0.0.1', '--port', `${port}`, '--storage-path', at('data')],
        ...['--enable-test-commands', '--noop-heartbeat-seconds', '1', '--cache-size', '128M'],
        ...[...secured, ...(password ? ['--auth'] : [])],
      ],
      output: at('secantus.log'),
      ready: 'secantus listening',
      options: { cwd: folder, env: { PATH, HOME, PYTHONUNBUFFERED: '1' } },
    });
  }

  async start(): Promise<void> {
    await this.#process.start();
  }

  async stop(): Promise<void> {
    await this.#process.end('SIGTERM');
  }

  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  async kill(): Promise<void> {
    await this.#process.end('SIGKILL');
    await rm(this.#folder, { recursive: true, force: true });
  }
}
