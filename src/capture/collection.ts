/** The collection that is captured: the calls to MongoDB, each with a timeout and retries. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ChangeStream,
  type ChangeStreamOptions,
  type ClientSession,
  type Collection,
  MongoClient,
  MongoError,
  MongoNetworkTimeoutError,
  MongoServerError,
  MongoServerSelectionError,
  Timestamp,
} from 'mongodb';
import { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import { type BsonValue, deserialized, documentOf, memberOf } from './bson.js';
import { readEvent, type StreamedEvent } from './change-event.js';
import { hexTime } from './resume-token.js';
import { backoff, refusal, withRetry, withTimeout } from './retry.js';
import type { CaptureSettings } from './settings.js';
import { splitsLargeEvents } from './split-event.js';

const SERVER_SELECTION_TIMEOUT_MS = 10_000;
/** What one command takes at most: far above what any of them needs. */
const ANSWER_TIMEOUT_MS = 30_000;
/**
 * A read that is not answered for so long never will be: the driver waits forever where it writes to a connection
 * that is being closed. Far above what a server takes to look through its oplog.
 */
export const READ_TIMEOUT_MS = 300_000;
/**
 * Reads beside the stream: what a primary has and cannot lose. A secondary that lags, as MONGODB_URI may prefer one,
 * does not have changes yet that the stream is past.
 */
const CERTAIN = { readPreference: 'primary', readConcern: 'majority', raw: true } as const;

/**
 * Where a stream starts: after a resume token, or with the operations of a time, 16 hex digits, of which the reader
 * leaves out those up to the change of the token `after`.
 */
export type StreamStart = { readonly token: string } | { readonly time: string; readonly after?: string };

export interface StreamOptions {
  readonly fullDocument: CaptureSettings['fullDocument'];
  /** Reads the document before the change as well; the collection must keep it. */
  readonly preImages: boolean;
  /** How long a call waits where nothing changes. */
  readonly maxAwaitMs: number;
  /** A call that takes longer than this failed. */
  readonly readTimeoutMs: number;
}

/** Events that came together, and the position after them. */
export interface Batch {
  readonly events: readonly StreamedEvent[];
  readonly token: string | undefined;
}

export interface EventStream {
  /** The next batch; one without events if none came within `maxAwaitMs`. */
  next(): Promise<Batch>;
  close(): Promise<void>;
}

/** What is used of the driver's cursor of a change stream. */
interface RawCursor {
  tryNext(): Promise<Uint8Array | null>;
  readBufferedDocuments(): Uint8Array[];
  readonly postBatchResumeToken?: { readonly _data: string };
}

export interface ConnectOptions {
  readonly uri: string;
  readonly database: string;
  readonly collection: string;
}

export class CapturedCollection {
  readonly name: string;
  readonly #options: ConnectOptions;
  readonly #log: Logger;
  #client: MongoClient;
  #collection: Collection;

  private constructor(options: ConnectOptions, client: MongoClient, log: Logger) {
    const { database, collection } = options;
    this.name = `${database}.${collection}`;
    this.#options = options;
    this.#log = log;
    this.#client = client;
    this.#collection = client.db(database).collection(collection);
  }

  /** @throws SluiceError SLUICE_MONGODB */
  static async connect(options: ConnectOptions, log: Logger): Promise<CapturedCollection> {
    let client: MongoClient | undefined;
    try {
      client = makeClient(options.uri);
      await client.connect();
      return new CapturedCollection(options, client, log);
    } catch (cause) {
      await client?.close();
      throw new SluiceError('SLUICE_MONGODB', `MONGODB_URI cannot be used: ${(cause as Error).message}`, { cause });
    }
  }

  /** The time of the newest operation that the server knows, 16 hex digits. */
  async operationTime(): Promise<string> {
    const reply = await this.#withRetry('the operation time', (client) => client.db('admin').command({ ping: 1 }));
    const time = reply.operationTime as Timestamp | undefined;
    if (time !== undefined) return hexTime(time.t, time.i);
    throw new SluiceError('SLUICE_MONGODB', 'the server is no member of a replica set: change streams need one');
  }

  /** The oldest time in the oplog; undefined where it may not be read. */
  async oldestTime(): Promise<string | undefined> {
    const entry = await this.#withRetry('the oldest time in its oplog', async (client) => {
      const oplog = client.db('local').collection('oplog.rs');
      return oplog.findOne({}, { sort: { $natural: 1 }, projection: { ts: 1 } });
    }).catch((error: SluiceError) => {
      if (error.cause instanceof MongoServerError) return null;
      throw error;
    });
    return entry === null ? undefined : hexTime(entry.ts.t, entry.ts.i);
  }

  /** Whether the collection keeps documents as they were before and after a change. */
  async keepsImages(): Promise<boolean> {
    const { database, collection } = this.#options;
    const [info] = await this.#withRetry("the collection's options", (client) =>
      client.db(database).listCollections({ name: collection }).toArray(),
    );
    return info !== undefined && 'options' in info && info.options?.changeStreamPreAndPostImages?.enabled === true;
  }

  /**
   * A document as it is now; undefined where it is gone.
   * @param time of a change of it, 16 hex digits: it is no older than that
   */
  async document(id: BsonValue, time: string | undefined): Promise<BsonValue | undefined> {
    const { database, collection } = this.#options;
    const filter = { _id: { $eq: deserialized(id) } } as object;
    const found = await this.#withRetry('a document', async (client) => {
      const session = sessionAfter(client, time);
      try {
        return await client
          .db(database)
          .collection(collection)
          .findOne(filter, { ...CERTAIN, session });
      } finally {
        await session.endSession();
      }
    });
    return found === null ? undefined : documentOf(found as unknown as Uint8Array);
  }

  /**
   * All documents in the order of `_id`, as BSON, over broken connections.
   * @param time 16 hex digits: what changed until then is in them
   * @param after the `_id` to start after; undefined: from the first
   * @throws SluiceError SLUICE_MONGODB if the user may not read
   */
  async *documents(time: string, after: unknown): AsyncGenerator<Uint8Array> {
    let last: Uint8Array | undefined;
    for (let failures = 0; ; ) {
      // Compared as an expression, so that ids of other types, which sort after it, are not left out.
      if (last !== undefined) after = idOf(last);
      const filter = after === undefined ? {} : { $expr: { $gt: ['$_id', { $literal: after }] } };
      const session = sessionAfter(this.#client, time);
      const cursor = this.#collection.find(filter, { ...CERTAIN, session, sort: { _id: 1 } });
      try {
        for (;;) {
          const first = (await withTimeout(cursor.next(), READ_TIMEOUT_MS)) as Uint8Array | null;
          if (first === null) return;
          failures = 0;
          for (const document of [first, ...(cursor.readBufferedDocuments() as unknown as Uint8Array[])]) {
            last = document;
            yield document;
          }
        }
      } catch (thrown) {
        if (!(thrown instanceof MongoError)) throw thrown;
        const refused = refusal(thrown, this.name);
        if (refused !== undefined) throw refused;
        this.renewAfter(thrown);
        const backoffMs = backoff(failures++);
        this.#log.warn({ backoffMs }, `MongoDB: ${thrown.message}; the snapshot continues from where it was`);
        await sleep(backoffMs);
      } finally {
        await cursor.close().catch(() => {});
        await session.endSession();
      }
    }
  }

  /** Opens a stream; large events come in fragments where the server can split them. */
  async watch(start: StreamStart, options: StreamOptions): Promise<EventStream> {
    // Read at each call: a replica set may have been upgraded since the last one.
    const { versionArray } = await this.#client.db('admin').command({ buildInfo: 1 });
    const pipeline = splitsLargeEvents(versionArray ?? []) ? [{ $changeStreamSplitLargeEvent: {} }] : [];
    const resumeFrom: ChangeStreamOptions =
      'token' in start ? { startAfter: { _data: start.token } } : { startAtOperationTime: timestampOf(start.time) };
    const stream = this.#collection.watch(pipeline, {
      ...resumeFrom,
      raw: true,
      fullDocument: options.fullDocument,
      ...(options.preImages && { fullDocumentBeforeChange: 'required' as const }),
      maxAwaitTimeMS: options.maxAwaitMs,
    });
    return eventStream(stream);
  }

  /**
   * Takes a new client where the old one finds no server anymore, or gives no answer: a check of the driver's monitor
   * whose connection closes at the wrong moment never ends, and no other one is begun.
   */
  renewAfter(error: Error): void {
    if (!(error instanceof MongoServerSelectionError || error instanceof MongoNetworkTimeoutError)) return;
    const { uri, database, collection } = this.#options;
    void this.#client.close(true).catch(() => {});
    this.#client = makeClient(uri);
    this.#collection = this.#client.db(database).collection(collection);
  }

  async close(): Promise<void> {
    await this.#client.close(true);
  }

  #withRetry<T>(what: string, ask: (client: MongoClient) => Promise<T>): Promise<T> {
    const onFailure = (error: Error) => this.renewAfter(error);
    return withRetry(() => ask(this.#client), { what, timeoutMs: ANSWER_TIMEOUT_MS, log: this.#log, onFailure });
  }
}

/**
 * The driver's stream takes events as objects only: its cursor, which has them as bytes, and the position after each
 * batch of them, is asked directly. It is then the reader that continues after a failure, and tells of it.
 */
function eventStream(stream: ChangeStream): EventStream {
  const { cursor } = stream as unknown as { cursor: RawCursor };
  return {
    async next() {
      const first = await cursor.tryNext();
      const events = first === null ? [] : [first, ...cursor.readBufferedDocuments()].map(readEvent);
      return { events, token: cursor.postBatchResumeToken?._data };
    },
    close: () => stream.close(),
  };
}

/**
 * A session whose reads have everything up to a time: what a majority has may lag behind what the primary has, and so
 * behind its operation time. @param time 16 hex digits
 */
function sessionAfter(client: MongoClient, time: string | undefined): ClientSession {
  const session = client.startSession({ causalConsistency: true });
  if (time !== undefined) session.advanceOperationTime(timestampOf(time));
  return session;
}

function timestampOf(time: string): Timestamp {
  return new Timestamp(BigInt(`0x${time}`));
}

/** The `_id` of a document, numbers as objects of their BSON types. */
export function idOf(document: Uint8Array): unknown {
  const id = memberOf(documentOf(document), '_id');
  return id === undefined ? undefined : deserialized(id);
}

/** The time right after a time, both 16 hex digits: a stream from there leaves out the operation of `time`. */
export function timeAfter(time: string): string {
  return (BigInt(`0x${time}`) + 1n).toString(16).padStart(16, '0').toUpperCase();
}

function makeClient(uri: string): MongoClient {
  return new MongoClient(uri, { serverSelectionTimeoutMS: SERVER_SELECTION_TIMEOUT_MS, appName: 'sluice' });
}
