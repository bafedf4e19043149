/**
 * Queries on the running process: DuckDB's file lock keeps other processes out, so they ask here.
 *
 * A Unix socket in the data directory, for its owner only. One request per connection, lines of JSON:
 *
 *   → {"sql": "SELECT …"}
 *   ← {"columns": ["a", "b"]}, then {"rows": [[…], …]} as often as it takes, then {"done": true}
 *   ← {"error": "…"} in place of any of these
 */
import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { DuckDBInstance } from '@duckdb/node-api';
import { readOnlyRows } from './read-only.js';

/** One line of an answer. */
export type QueryAnswer =
  | { readonly columns: readonly string[] }
  | { readonly rows: readonly (readonly unknown[])[] }
  | { readonly done: true }
  | { readonly error: string };

export function querySocketPath(dataDir: string): string {
  return join(dataDir, 'query.sock');
}

const OWNER_ONLY = 0o600;
const MAX_REQUEST_BYTES = 1 << 20;

export class QueryServer {
  readonly #server: Server;
  readonly #path: string;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server, path: string) {
    this.#server = server;
    this.#path = path;
  }

  /** The caller holds the database's lock, so that a socket that is there is a dead process's. */
  static async start(instance: DuckDBInstance, dataDir: string): Promise<QueryServer> {
    const path = querySocketPath(dataDir);
    rmSync(path, { force: true });
    const server = createServer((socket) => started.#serve(socket, instance));
    const started = new QueryServer(server, path);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(path, resolve);
    });
    chmodSync(path, OWNER_ONLY);
    server.unref();
    return started;
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
    rmSync(this.#path, { force: true });
  }

  #serve(socket: Socket, instance: DuckDBInstance): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let received = 0;
    socket.on('data', (bytes) => {
      received += bytes.length;
      if (received > MAX_REQUEST_BYTES) socket.destroy();
    });
    createInterface(socket).once('line', (line) => {
      answer(socket, instance, line).catch((error: Error) => {
        socket.end(`${JSON.stringify({ error: error.message } satisfies QueryAnswer)}\n`);
      });
    });
  }
}

async function answer(socket: Socket, instance: DuckDBInstance, line: string): Promise<void> {
  const send = async (message: QueryAnswer) => {
    if (!socket.destroyed && !socket.write(`${JSON.stringify(message)}\n`)) {
      await new Promise<void>((resolve) => {
        const goOn = () => {
          socket.off('drain', goOn).off('close', goOn);
          resolve();
        };
        socket.on('drain', goOn).on('close', goOn);
      });
    }
  };
  const { sql } = JSON.parse(line) as { sql: string };
  const connection = await instance.connect();
  try {
    const { columns, batches } = await readOnlyRows(connection, sql);
    await send({ columns });
    for await (const rows of batches) {
      if (socket.destroyed) return;
      await send({ rows });
    }
    await send({ done: true });
    socket.end();
  } finally {
    connection.closeSync();
  }
}
