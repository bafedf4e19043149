/** Reads the database of a data directory: through the process that runs on it, or from the files when none does. */
import { createConnection, type Socket } from 'node:net';
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api';
import { asSluiceError, isLocked, SluiceError } from '../core/errors.js';
import { type ReplayOutcome, type ReplayPiece, requestText } from '../core/replay.js';
import { databasePath, hasDatabase } from '../storage/data-dir.js';
import { spillFolder } from '../storage/spill.js';
import { LineReader } from './lines.js';
import { OpenQuery, refuseAborted } from './open-query.js';
import { type QueryAnswer, type QueryRequest, queryAddress, type ReplayAnswer } from './query-server.js';
import {
  type QueryArrow,
  type QueryRows,
  type QuerySettings,
  readOnlyChunks,
  readOnlyRows,
  shownRows,
} from './read-only.js';
import type { RawValue } from './values.js';

export interface SqlClient {
  /** Whether a process runs on the data directory. */
  readonly live: boolean;
  /** @throws SluiceError SLUICE_QUERY; SLUICE_SINK if the database is damaged */
  query(sql: string, settings?: QuerySettings): Promise<QueryRows>;
  /** @throws SluiceError SLUICE_QUERY */
  arrow(sql: string, settings?: QuerySettings): Promise<QueryArrow>;
  close(): void;
}

/** What is read when no process runs. */
export interface ReadDatabase {
  /** A connection of its own for each query. */
  connect(): Promise<DuckDBConnection>;
  close(): void;
}

/**
 * @param dataDir absolute
 * @param openFiles opens what is read if no process runs; default: `analytics.db`
 * @throws SluiceError SLUICE_CONFIG when there is no database yet, SLUICE_LOCKED when a process holds it that does not
 * answer queries, SLUICE_SINK when it is damaged
 */
export async function openSql(
  dataDir: string,
  openFiles: (dataDir: string) => Promise<ReadDatabase> = openDatabase,
): Promise<SqlClient> {
  if (await isLive(dataDir)) return new SocketClient(queryAddress(dataDir));
  return readFiles(await openFiles(dataDir));
}

/** Reads what is there, whether or not a process runs. */
export function readFiles(database: ReadDatabase): SqlClient {
  return new FileClient(database);
}

/** Whether a process runs on the data directory, and answers queries. */
export async function isLive(dataDir: string): Promise<boolean> {
  const socket = await connect(queryAddress(dataDir));
  socket?.destroy();
  return socket !== undefined;
}

async function openDatabase(dataDir: string): Promise<ReadDatabase> {
  const path = databasePath(dataDir);
  if (!hasDatabase(dataDir)) {
    throw new SluiceError('SLUICE_CONFIG', `DATA_DIR=${dataDir} has no database yet: "sluice run" makes it`);
  }
  try {
    const instance = await DuckDBInstance.create(path, {
      access_mode: 'READ_ONLY',
      temp_directory: spillFolder(dataDir),
      autoinstall_known_extensions: 'false',
      autoload_known_extensions: 'false',
    });
    return { connect: () => instance.connect(), close: () => instance.closeSync() };
  } catch (cause) {
    throw asSluiceError(cause, isLocked(cause) ? 'SLUICE_LOCKED' : 'SLUICE_SINK', `${path} cannot be read`);
  }
}

/** All rows of a small result, as objects; wide integers and decimals as text, times in UTC. */
export async function allRows(client: SqlClient, sql: string): Promise<Record<string, unknown>[]> {
  const result = await client.query(sql);
  const { columns } = result;
  const rows: Record<string, unknown>[] = [];
  for await (const batch of shownRows(result, { wideNumbers: false })) {
    for (const values of batch) rows.push(Object.fromEntries(columns.map((column, index) => [column, values[index]])));
  }
  return rows;
}

/**
 * Has the process that runs on the data directory take a piece, as `ReplayTarget` says.
 * @throws SluiceError what that throws; SLUICE_QUERY if the process has ended, which may have been after it took it
 */
export async function replayRunning(dataDir: string, piece: ReplayPiece): Promise<ReplayOutcome | undefined> {
  const socket = await connect(queryAddress(dataDir));
  try {
    socket?.write(`${requestText(piece)}\n`);
    const line = socket && (await new LineReader(socket).line().catch(() => undefined));
    if (line === undefined) throw new SluiceError('SLUICE_QUERY', `the running process has ended: ${AGAIN}`);
    const answer = JSON.parse(line) as ReplayAnswer;
    if ('failed' in answer) throw SluiceError.fromMessage(answer.failed);
    if (!('replayed' in answer)) throw new SluiceError('SLUICE_QUERY', OTHER_VERSION);
    return answer.replayed ?? undefined;
  } finally {
    socket?.destroy();
  }
}

const AGAIN = 'what it took is taken once; to replay again takes the rest';

/** @throws SluiceError SLUICE_LOCKED if it may not */
function connect(path: string): Promise<Socket | undefined> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(path);
    socket.once('connect', () => resolve(socket));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EACCES' || error.code === 'EPERM') reject(new SluiceError('SLUICE_LOCKED', notMine(path)));
      else resolve(undefined);
    });
  });
}

const notMine = (path: string) =>
  `the process that runs on the data directory answers only its own user, by ${path}: ask as that user`;

class FileClient implements SqlClient {
  readonly live = false;
  readonly #database: ReadDatabase;
  readonly #queries = new Set<OpenQuery>();

  constructor(database: ReadDatabase) {
    this.#database = database;
  }

  async query(sql: string, settings?: QuerySettings): Promise<QueryRows> {
    const query = await this.#open(settings);
    const { batches, ...head } = await query.start((connection) => readOnlyRows(connection, sql, settings));
    return { ...head, batches: query.taken(batches) };
  }

  async arrow(sql: string, settings?: QuerySettings): Promise<QueryArrow> {
    const { arrowStream } = await import('./arrow-stream.js');
    const query = await this.#open(settings);
    const { chunks, ...head } = await query.start((connection) => readOnlyChunks(connection, sql, settings));
    return { ...head, pieces: query.taken(arrowStream({ ...head, chunks })) };
  }

  async #open({ signal }: QuerySettings = {}): Promise<OpenQuery> {
    const connection = await this.#database.connect();
    const query = new OpenQuery(connection, signal, () => this.#queries.delete(query));
    this.#queries.add(query);
    return query;
  }

  close(): void {
    for (const query of this.#queries) query.close();
    this.#database.close();
  }
}

const CUT_OFF =
  'the running process closed the connection before the answer was complete: it has ended, or ' +
  'what reads the rows stood still for a minute';

const OTHER_VERSION = 'the running process is of another version of Sluice: ask with that one, or restart it';

class SocketClient implements SqlClient {
  readonly live = true;
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async query(sql: string, settings: QuerySettings = {}): Promise<QueryRows> {
    const { maxBlockBytes, ...asked } = settings;
    const { head, lines, socket } = await this.#ask({ sql, ...asked });
    return { ...head, timeZone: settings.timeZone ?? 'UTC', batches: rowsOf(lines, socket, maxBlockBytes) };
  }

  async arrow(sql: string, settings: QuerySettings = {}): Promise<QueryArrow> {
    const { head, lines, socket } = await this.#ask({ sql, ...settings, arrow: true });
    return { ...head, timeZone: settings.timeZone ?? 'UTC', pieces: bytesOf(lines, socket) };
  }

  close(): void {}

  async #ask({ signal, ...request }: QueryRequest & Pick<QuerySettings, 'signal'>) {
    const socket = await connect(this.#path);
    if (socket === undefined) throw new SluiceError('SLUICE_QUERY', 'the running process has ended');
    signal?.addEventListener('abort', () => socket.destroy());
    try {
      refuseAborted(signal);
      socket.write(`${JSON.stringify(request)}\n`);
      const lines = new LineReader(socket);
      const head = await nextAnswer(lines);
      if (!('columns' in head)) throw new SluiceError('SLUICE_QUERY', OTHER_VERSION);
      return { head, lines, socket };
    } catch (thrown) {
      socket.destroy();
      throw thrown;
    }
  }
}

/** @throws SluiceError SLUICE_QUERY if it is an error or has more bytes than this, or none came */
async function nextAnswer(lines: LineReader, maxBytes?: number): Promise<QueryAnswer> {
  const line = await lines.line(maxBytes).catch((thrown) => {
    if (thrown instanceof SluiceError) throw thrown;
    return undefined;
  });
  if (line === undefined) throw new SluiceError('SLUICE_QUERY', CUT_OFF);
  const answer = JSON.parse(line) as QueryAnswer;
  if ('error' in answer) throw new SluiceError('SLUICE_QUERY', answer.error);
  return answer;
}

async function* rowsOf(
  lines: LineReader,
  socket: Socket,
  maxBytes?: number,
): AsyncGenerator<readonly (readonly RawValue[])[]> {
  try {
    for (;;) {
      const answer = await nextAnswer(lines, maxBytes);
      if ('done' in answer) return;
      if (!('rows' in answer)) throw new SluiceError('SLUICE_QUERY', OTHER_VERSION);
      yield answer.rows;
    }
  } finally {
    socket.destroy();
  }
}

async function* bytesOf(lines: LineReader, socket: Socket): AsyncGenerator<Uint8Array> {
  try {
    for (;;) {
      const answer = await nextAnswer(lines);
      if ('done' in answer) return;
      if (!('bytes' in answer)) throw new SluiceError('SLUICE_QUERY', OTHER_VERSION);
      const bytes = await lines.bytes(answer.bytes).catch(() => undefined);
      if (bytes === undefined) throw new SluiceError('SLUICE_QUERY', CUT_OFF);
      yield bytes;
    }
  } finally {
    socket.destroy();
  }
}
