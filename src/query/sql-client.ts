/** Reads a data directory's database: through the process that runs on it, or from the file when none does. */
import { existsSync } from 'node:fs';
import { createConnection, type Socket } from 'node:net';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { asSluiceError, isLocked, SluiceError } from '../core/errors.js';
import { databasePath } from '../storage/data-dir.js';
import { linesOf } from './lines.js';
import { type QueryAnswer, queryAddress } from './query-server.js';
import { type QueryRows, readOnlyRows } from './read-only.js';

export interface SqlClient {
  /** Whether a process runs on the data directory. */
  readonly live: boolean;
  /** @throws SluiceError SLUICE_QUERY */
  query(sql: string): Promise<QueryRows>;
  close(): void;
}

/**
 * @param dataDir absolute
 * @throws SluiceError SLUICE_CONFIG when there is no database yet, SLUICE_LOCKED when a process holds it that does not
 * answer queries, SLUICE_SINK when it is damaged
 */
export async function openSql(dataDir: string): Promise<SqlClient> {
  const path = databasePath(dataDir);
  const socket = await connect(queryAddress(dataDir));
  if (socket !== undefined) {
    socket.destroy();
    return new SocketClient(queryAddress(dataDir));
  }
  if (!existsSync(path)) {
    throw new SluiceError('SLUICE_CONFIG', `DATA_DIR=${dataDir} has no database yet: "sluice run" makes it`);
  }
  try {
    const instance = await DuckDBInstance.create(path, {
      access_mode: 'READ_ONLY',
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    return new FileClient(instance);
  } catch (cause) {
    throw asSluiceError(cause, isLocked(cause) ? 'SLUICE_LOCKED' : 'SLUICE_SINK', `${path} cannot be read`);
  }
}

/** All rows of a small result, as objects. */
export async function allRows(client: SqlClient, sql: string): Promise<Record<string, unknown>[]> {
  const { columns, batches } = await client.query(sql);
  const rows: Record<string, unknown>[] = [];
  for await (const batch of batches) {
    for (const values of batch) rows.push(Object.fromEntries(columns.map((column, index) => [column, values[index]])));
  }
  return rows;
}

function connect(path: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createConnection(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', () => resolve(undefined));
  });
}

class FileClient implements SqlClient {
  readonly live = false;
  readonly #instance: DuckDBInstance;
  readonly #connections: DuckDBConnection[] = [];

  constructor(instance: DuckDBInstance) {
    this.#instance = instance;
  }

  async query(sql: string): Promise<QueryRows> {
    const connection = await this.#instance.connect();
    this.#connections.push(connection);
    return readOnlyRows(connection, sql);
  }

  close(): void {
    for (const connection of this.#connections) connection.closeSync();
    this.#instance.closeSync();
  }
}

const CUT_OFF =
  'the running process closed the connection before the answer was complete: it has ended, or ' +
  'what reads the rows stood still for a minute';

class SocketClient implements SqlClient {
  readonly live = true;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async query(sql: string): Promise<QueryRows> {
    const socket = await connect(this.#path);
    if (socket === undefined) throw new SluiceError('SLUICE_QUERY', 'the running process has ended');
    socket.write(`${JSON.stringify({ sql })}\n`);
    const answers = readAnswers(socket);
    const { value: head } = await answers.next();
    if (head === undefined || !('columns' in head))
      throw new SluiceError('SLUICE_QUERY', 'the running process has ended');
    return { columns: head.columns, types: head.types, batches: rowsOfAnswers(answers) };
  }

  close(): void {}
}

async function* readAnswers(socket: Socket): AsyncGenerator<QueryAnswer> {
  try {
    for await (const line of linesOf(socket)) {
      const answer = JSON.parse(line) as QueryAnswer;
      if ('error' in answer) throw new SluiceError('SLUICE_QUERY', answer.error);
      yield answer;
      if ('done' in answer) return;
    }
    throw new SluiceError('SLUICE_QUERY', CUT_OFF);
  } catch (thrown) {
    throw asSluiceError(thrown, 'SLUICE_QUERY', CUT_OFF);
  } finally {
    socket.destroy();
  }
}

async function* rowsOfAnswers(answers: AsyncIterable<QueryAnswer>): AsyncIterable<readonly (readonly unknown[])[]> {
  for await (const answer of answers) if ('rows' in answer) yield answer.rows;
}
