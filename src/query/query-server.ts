/**
 * Queries on the running process: DuckDB's file lock keeps other processes out, so they ask here.
 *
 * A Unix socket in the data directory, for its owner only. One request per connection, lines of JSON:
 *
 *   → {"sql": "SELECT …"}
 *   ← {"columns": ["a", "b"], "types": ["number", "other"]}, then {"rows": [[…], …]} as often as it takes, then
 *     {"done": true}
 *   ← {"error": "…"} in place of any of these
 *
 * A query gives way to commits: few run at a time, their results are sent as fast as they are read, and one whose
 * client has gone or stands still is interrupted.
 */
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { DuckDBInstance } from '@duckdb/node-api';
import { asSluiceError } from '../core/errors.js';
import { type JsonType, readOnlyRows } from './read-only.js';

/** One line of an answer. */
export type QueryAnswer =
  | { readonly columns: readonly string[]; readonly types: readonly JsonType[] }
  | { readonly rows: readonly (readonly unknown[])[] }
  | { readonly done: true }
  | { readonly error: string };

/** The socket; if a socket cannot be in the data directory, a file with the path of one that is elsewhere. */
export function querySocketPath(dataDir: string): string {
  return join(dataDir, 'query.sock');
}

/** What to connect to, whether or not somebody listens there. */
export function queryAddress(dataDir: string): string {
  const path = querySocketPath(dataDir);
  const isPointer = statSync(path, { throwIfNoEntry: false })?.isFile() === true;
  return isPointer ? readFileSync(path, 'utf8') : path;
}

const OWNER_ONLY = 0o600;
const MAX_REQUEST_BYTES = 1 << 20;
/** A socket's path has to fit in a fixed field of the operating system's: 104 bytes on some, with its end mark. */
const MAX_PATH_BYTES = 103;
/** DuckDB's calls share four threads with Kafka's client and the commits: queries must leave some of them free. */
const MAX_RUNNING = 2;
const STALLED_MS = 60_000;

export class QueryServer {
  readonly #server: Server;
  readonly #turns = new Turns(MAX_RUNNING);
  readonly #sockets = new Set<Socket>();
  /** Files and folders to be removed at the end. */
  readonly #paths: string[] = [];

  private constructor(instance: DuckDBInstance) {
    this.#server = createServer((socket) => this.#serve(socket, instance));
  }

  /**
   * The caller holds the database's lock, so that a socket that is there is a dead process's.
   * @throws SluiceError SLUICE_DATA_DIR if there can be no socket
   */
  static async start(instance: DuckDBInstance, dataDir: string): Promise<QueryServer> {
    const started = new QueryServer(instance);
    const path = querySocketPath(dataDir);
    try {
      rmSync(path, { force: true });
      await started.#listen(path);
    } catch (cause) {
      await started.close();
      throw asSluiceError(cause, 'SLUICE_DATA_DIR', `${path} cannot be made`);
    }
    started.#server.unref();
    return started;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const path of this.#paths.reverse()) rmSync(path, { force: true, recursive: true });
  }

  /** The socket is made in a folder that is closed to others, and gets its name when it is closed to them itself. */
  async #listen(path: string): Promise<void> {
    const isLong = Buffer.byteLength(path) + '/.query-XXXXXX'.length > MAX_PATH_BYTES;
    const folder = mkdtempSync(join(isLong ? tmpdir() : dirname(path), '.query-'));
    this.#paths.push(folder, path);
    const socket = join(folder, 'query.sock');
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(socket, resolve);
    });
    chmodSync(socket, OWNER_ONLY);
    if (isLong) {
      writeFileSync(path, socket, { mode: OWNER_ONLY });
    } else {
      renameSync(socket, path);
      rmdirSync(folder);
    }
  }

  #serve(socket: Socket, instance: DuckDBInstance): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let received = Buffer.alloc(0);
    const receive = (bytes: Buffer) => {
      received = Buffer.concat([received, bytes]);
      const end = received.indexOf('\n');
      if (received.length > MAX_REQUEST_BYTES) socket.destroy();
      else if (end !== -1) {
        socket.off('data', receive).resume();
        this.#answer(socket, instance, received.toString('utf8', 0, end));
      }
    };
    socket.on('data', receive);
  }

  #answer(socket: Socket, instance: DuckDBInstance, line: string): void {
    this.#turns
      .take(() => answer(socket, instance, line))
      .catch((error: Error) => {
        socket.end(`${JSON.stringify({ error: error.message } satisfies QueryAnswer)}\n`);
      });
  }
}

/** At most so many tasks at a time, the others in the order in which they came. */
class Turns {
  readonly #waiting: (() => void)[] = [];
  #free: number;

  constructor(atOnce: number) {
    this.#free = atOnce;
  }

  async take(task: () => Promise<void>): Promise<void> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      await task();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}

async function answer(socket: Socket, instance: DuckDBInstance, line: string): Promise<void> {
  if (socket.destroyed) return;
  const { sql } = JSON.parse(line) as { sql: string };
  const connection = await instance.connect();
  const interrupt = () => connection.interrupt();
  socket.on('close', interrupt);
  try {
    const { columns, types, batches } = await readOnlyRows(connection, sql);
    await send(socket, { columns, types });
    for await (const rows of batches) {
      if (socket.destroyed) return;
      await send(socket, { rows });
    }
    await send(socket, { done: true });
    socket.end();
  } finally {
    socket.off('close', interrupt);
    connection.closeSync();
  }
}

/** Resolves when the client has room for more, or is gone. */
async function send(socket: Socket, message: QueryAnswer): Promise<void> {
  if (socket.destroyed || socket.write(`${JSON.stringify(message)}\n`)) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(() => socket.destroy(), STALLED_MS);
    const proceed = () => {
      clearTimeout(timer);
      socket.off('drain', proceed).off('close', proceed);
      resolve();
    };
    socket.on('drain', proceed).on('close', proceed);
  });
}
