/**
 * Queries on the running process: DuckDB's file lock keeps other processes out, so they ask here.
 *
 * A Unix socket in the data directory, for its owner only. One request per connection, lines of JSON:
 *
 *   → {"sql": "SELECT …", "timeZone": "UTC", "parameters": {"name": "text"}, "arrow": false}; `sql` is enough
 *   ← {"columns": ["a", "b"], "types": [{"typeId": 4}, …]}, then {"rows": [[…], …]} as often as it takes, then
 *     {"done": true}; types and values have the forms of values.ts
 *   ← for "arrow", in place of rows {"bytes": 4711} and so many bytes of an Arrow IPC stream, whole messages of it
 *   ← {"error": "…"} in place of any of these
 *
 * `sluice replay` asks here as well, for a piece of messages to be taken out of the quarantine (core/replay.ts).
 * Whoever can ask is the owner of the data directory; the page by HTTP only passes statements on.
 *
 *   → {"replay": piece}
 *   ← {"replayed": what became of them}, null if some are gone; {"failed": {"code": "SLUICE_…", "message": "…", …}}
 *
 * A query gives way to commits: few run at a time, their results are sent as fast as they are read, and one is ended
 * if a commit needs its memory, if its client has gone, or if its client is slow: while a query lasts, DuckDB keeps
 * the state that it reads, and cannot take what is committed since then out of the write-ahead log.
 */
import { chmodSync, mkdtempSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { asSluiceError, SluiceError, type SluiceErrorMessage } from '../core/errors.js';
import { isReplayRequest, parseRequest, type ReplayOutcome, type ReplayPiece } from '../core/replay.js';
import { endReading, type QuerySettings, readOnlyChunks, rowBlocks } from './read-only.js';
import { type QueriedDatabase, RunningQueries } from './running-queries.js';
import type { RawValue, ValueType } from './values.js';

/** One line of an answer. */
export type QueryAnswer =
  | { readonly columns: readonly string[]; readonly types: readonly ValueType[] }
  | { readonly rows: readonly (readonly RawValue[])[] }
  | { readonly bytes: number }
  | { readonly done: true }
  | { readonly error: string };

/** What is asked for. */
export interface QueryRequest extends QuerySettings {
  readonly sql: string;
  readonly arrow?: boolean;
}

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

/** What is answered to a replay. */
export type ReplayAnswer =
  | { readonly replayed: ReplayOutcome | null }
  | { readonly failed: SluiceErrorMessage }
  | { readonly error: string };

const OWNER_ONLY = 0o600;
const MAX_REQUEST_BYTES = 1 << 20;
/** Of a request: what tells whether it is for a piece. */
const BEGINNING_BYTES = 32;
/** More than a piece has: 20,000 offsets, and 500 batches with the paths of two files (commands/replay-target.ts). */
const MAX_REPLAY_BYTES = 16 << 20;
/** A socket's path has to fit in a fixed field of the operating system's: 104 bytes on some, with its end mark. */
const MAX_PATH_BYTES = 103;
/** How long a query waits for its reader, in all: this long, and a second more for each of these many bytes taken. */
const READER_TIMEOUT_MS = 60_000;
const READER_BYTES_PER_SECOND = 1 << 20;
/** An interrupt that comes just before a statement begins is lost. */
export const INTERRUPT_AGAIN_MS = 10;

export class QueryServer {
  readonly #server: Server;
  readonly #queries: RunningQueries;
  readonly #readerTimeoutMs: number;
  readonly #sockets = new Set<Socket>();
  /** Files and folders to be removed at the end. */
  readonly #paths: string[] = [];

  private constructor(database: QueriedDatabase, queries: RunningQueries, readerTimeoutMs: number) {
    this.#queries = queries;
    this.#readerTimeoutMs = readerTimeoutMs;
    this.#server = createServer((socket) => this.#serve(socket, database));
  }

  /**
   * The caller holds the database's lock, so that a socket that is there is a dead process's.
   * @param queries what the commits on the instance know of its queries
   * @throws SluiceError SLUICE_DATA_DIR if there can be no socket
   */
  static async start(
    database: QueriedDatabase,
    dataDir: string,
    queries = new RunningQueries(),
    readerTimeoutMs = READER_TIMEOUT_MS,
  ): Promise<QueryServer> {
    const started = new QueryServer(database, queries, readerTimeoutMs);
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

  /** Ends all queries first: DuckDB does not survive that its instance is closed under one. */
  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    for (const socket of this.#sockets) socket.destroy();
    await this.#queries.close();
    await closed;
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

  #serve(socket: Socket, database: QueriedDatabase): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    const received: Buffer[] = [];
    let bytes = 0;
    const receive = (piece: Buffer) => {
      received.push(piece);
      bytes += piece.length;
      const isReplay = isReplayRequest(received[0].toString('latin1', 0, BEGINNING_BYTES));
      const isTooLong = bytes > (isReplay ? MAX_REPLAY_BYTES : MAX_REQUEST_BYTES);
      const hasEnd = piece.includes('\n');
      if (isTooLong || hasEnd) socket.off('data', receive).resume();
      if (isTooLong) this.#refuse(socket, isReplay ? { failed: TOO_LONG.toMessage() } : { error: TOO_LONG.message });
      else if (hasEnd) this.#answer(socket, database, Buffer.concat(received).toString().split('\n', 1)[0]);
    };
    socket.on('data', receive);
  }

  /** The last that is said. */
  #refuse(socket: Socket, refusal: QueryAnswer | ReplayAnswer): void {
    socket.end(`${JSON.stringify(refusal)}\n`);
    // A reader that has not even taken its error by then never will.
    const timer = setTimeout(() => socket.destroy(), this.#readerTimeoutMs);
    socket.once('close', () => clearTimeout(timer));
  }

  #answer(socket: Socket, database: QueriedDatabase, line: string): void {
    const piece = replayOf(line);
    if (piece !== undefined) {
      // Not as a query: what it does between commits ends the queries if it needs their memory.
      void replay(database, piece).then((answer) => socket.end(`${JSON.stringify(answer)}\n`));
      return;
    }
    const ending = new AbortController();
    socket.on('close', () => ending.abort());
    this.#queries
      .run(ending, () => answer(new Reader(socket, this.#readerTimeoutMs), database, line, ending.signal))
      .then(
        () => socket.end(),
        (error: Error) => this.#refuse(socket, { error: error.message }),
      );
  }
}

/** @returns undefined if something else is asked for, or it is no JSON */
function replayOf(line: string): ReplayPiece | undefined {
  try {
    return parseRequest(line).replay;
  } catch {
    return undefined;
  }
}

async function replay(database: QueriedDatabase, piece: ReplayPiece): Promise<ReplayAnswer> {
  if (database.replay === undefined) return { error: 'nothing can be replayed here' };
  try {
    return { replayed: (await database.replay(piece)) ?? null };
  } catch (thrown) {
    return { failed: asSluiceError(thrown, 'SLUICE_SINK', 'messages cannot be replayed').toMessage() };
  }
}

/** Resolves when the query has ended and holds nothing more of the database, whatever its client does. */
async function answer(reader: Reader, database: QueriedDatabase, line: string, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { sql, arrow = false, ...settings } = JSON.parse(line) as QueryRequest;
  const connection = await database.connect();
  let timer: NodeJS.Timeout | undefined;
  const interrupt = () => {
    connection.interrupt();
    timer = setTimeout(interrupt, INTERRUPT_AGAIN_MS);
  };
  signal.addEventListener('abort', interrupt);
  try {
    signal.throwIfAborted();
    const result = await readOnlyChunks(connection, sql, settings);
    const { columns, types } = result;
    await reader.send({ columns, types }, signal);
    if (arrow) {
      const { arrowStream } = await import('./arrow-stream.js');
      for await (const piece of arrowStream(result)) await reader.send({ bytes: piece.length }, signal, piece);
    } else {
      for await (const rows of rowBlocks(result.chunks)) await reader.send({ rows }, signal);
    }
    await reader.send({ done: true }, signal);
  } catch (thrown) {
    // Why it was interrupted, not that it was.
    signal.throwIfAborted();
    throw thrown;
  } finally {
    signal.removeEventListener('abort', interrupt);
    clearTimeout(timer);
    await endReading(connection);
  }
}

/** Where an answer goes, as fast as it is taken. */
class Reader {
  readonly #socket: Socket;
  readonly #readerTimeoutMs: number;
  #waitedMs = 0;

  constructor(socket: Socket, readerTimeoutMs: number) {
    this.#socket = socket;
    this.#readerTimeoutMs = readerTimeoutMs;
  }

  /**
   * Resolves when there is room for more.
   * @param bytes that follow the message
   * @throws SluiceError SLUICE_QUERY if the reader is too slow, or what the signal says
   */
  async send(message: QueryAnswer, signal: AbortSignal, bytes?: Uint8Array): Promise<void> {
    signal.throwIfAborted();
    const hasRoom = this.#socket.write(`${JSON.stringify(message)}\n`);
    if (bytes === undefined ? hasRoom : this.#socket.write(bytes)) return;
    const taken = this.#socket.bytesWritten - this.#socket.writableLength;
    const allowedMs = this.#readerTimeoutMs + (taken / READER_BYTES_PER_SECOND) * 1000;
    const startMs = performance.now();
    await this.#drained(Math.max(0, allowedMs - this.#waitedMs), signal);
    this.#waitedMs += performance.now() - startMs;
  }

  #drained(withinMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (error?: unknown) => {
        clearTimeout(timer);
        this.#socket.off('drain', settle);
        signal.removeEventListener('abort', abort);
        if (error === undefined) resolve();
        else reject(error);
      };
      const abort = () => settle(signal.reason);
      const timer = setTimeout(() => settle(new SluiceError('SLUICE_QUERY', TOO_SLOW)), withinMs);
      this.#socket.on('drain', settle);
      signal.addEventListener('abort', abort);
    });
  }
}

const TOO_LONG = new SluiceError('SLUICE_QUERY', 'the request has more bytes than the running process takes');
const TOO_SLOW =
  'the rows were taken too slowly, and the query was ended: the running process waits a minute for its reader, and ' +
  'a second more for each MiB that was taken. Write the result into a file first';
