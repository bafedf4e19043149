/** A collection's change stream that goes on after elections and broken connections, and knows lost history. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ChangeStream,
  type ChangeStreamOptions,
  type Collection,
  type Document,
  MongoClient,
  MongoError,
  MongoNetworkTimeoutError,
  MongoServerSelectionError,
  Timestamp,
} from 'mongodb';
import { SluiceError } from '../errors.js';
import type { Logger } from '../log.js';
import type { ChangeEvent } from './envelope.js';
import { readWhole, type StreamedEvent, splitsLargeEvents } from './split-event.js';

const SERVER_SELECTION_TIMEOUT_MS = 10_000;
const MAX_BACKOFF_MS = 10_000;
/** ChangeStreamFatalError and ChangeStreamHistoryLost: the place is no longer in the oplog. */
const HISTORY_LOST: ReadonlySet<number> = new Set([280, 286]);
/** BSONObjectTooLarge: a change does not fit into an answer, and the server did not split it. */
const TOO_LARGE = 10334;
/**
 * A read that is not answered for so long never will be: the driver waits forever where it writes to a connection
 * that is being closed. Far above what a server takes to look through its oplog.
 */
export const READ_TIMEOUT_MS = 300_000;
/** Numbers as objects of their BSON types: nothing is rounded. */
const EXACT = { promoteValues: false, promoteLongs: false, promoteBuffers: false, bsonRegExp: true } as const;

/** Where a stream starts: behind a resume token, or at a time, 16 hex digits of seconds and increment. */
export type StreamStart = { readonly token: string } | { readonly time: string };

export interface StreamOptions {
  readonly fullDocument: 'updateLookup' | 'whenAvailable' | 'required';
  /** Reads the document before the change as well; the collection must keep it. */
  readonly preImages: boolean;
  /** How long a call waits where nothing changes. */
  readonly maxAwaitMs: number;
  /** A call that takes longer than this failed. */
  readonly readTimeoutMs: number;
}

export class CapturedCollection {
  readonly name: string;
  readonly #makeClient: () => MongoClient;
  #client: MongoClient;
  #collection: Collection;

  private constructor(makeClient: () => MongoClient, client: MongoClient, database: string, collection: string) {
    this.name = `${database}.${collection}`;
    this.#makeClient = makeClient;
    this.#client = client;
    this.#collection = client.db(database).collection(collection);
  }

  /** @throws SluiceError SLUICE_MONGODB */
  static async connect(uri: string, database: string, collection: string): Promise<CapturedCollection> {
    const makeClient = () =>
      new MongoClient(uri, { serverSelectionTimeoutMS: SERVER_SELECTION_TIMEOUT_MS, appName: 'sluice' });
    let client: MongoClient | undefined;
    try {
      client = makeClient();
      await client.connect();
      return new CapturedCollection(makeClient, client, database, collection);
    } catch (cause) {
      await client?.close();
      throw new SluiceError('SLUICE_MONGODB', `MONGODB_URI cannot be used: ${(cause as Error).message}`, { cause });
    }
  }

  /** The time of the newest operation that the server knows, 16 hex digits. */
  async operationTime(): Promise<string> {
    const reply = await asked(this.#client.db('admin').command({ ping: 1 }), 'the operation time');
    const time = reply.operationTime as Timestamp | undefined;
    if (time !== undefined) return hexTime(time);
    throw new SluiceError('SLUICE_MONGODB', 'the server is no member of a replica set: change streams need one');
  }

  /** The oldest time in the oplog; undefined where it may not be read. */
  async oldestTime(): Promise<string | undefined> {
    try {
      const entry = await this.#client
        .db('local')
        .collection('oplog.rs')
        .findOne({}, { sort: { $natural: 1 }, projection: { ts: 1 } });
      return entry === null ? undefined : hexTime(entry.ts as Timestamp);
    } catch {
      return undefined;
    }
  }

  /** Whether the collection keeps documents as they were before a change. */
  async keepsPreImages(): Promise<boolean> {
    const { dbName, collectionName } = this.#collection;
    const collections = this.#client.db(dbName).listCollections({ name: collectionName });
    const [info] = await asked(collections.toArray(), 'the collection');
    return info !== undefined && 'options' in info && info.options?.changeStreamPreAndPostImages?.enabled === true;
  }

  /**
   * All documents in the order of `_id`, over broken connections.
   * @param after the `_id` to start behind; undefined: from the first
   */
  async *documents(after: unknown, log: Logger): AsyncGenerator<Document> {
    for (let failures = 0; ; ) {
      // Compared as an expression, so that ids of other types, which sort behind, are not left out.
      const filter = after === undefined ? {} : { $expr: { $gt: ['$_id', { $literal: after }] } };
      const cursor = this.#collection.find(filter, { sort: { _id: 1 }, ...EXACT });
      try {
        for (;;) {
          const document = await inTime(cursor.next(), READ_TIMEOUT_MS);
          if (document === null) return;
          after = document._id;
          failures = 0;
          yield document;
        }
      } catch (thrown) {
        if (!(thrown instanceof MongoError)) throw thrown;
        this.renewAfter(thrown);
        const backoffMs = backoff(failures++);
        log.warn({ backoffMs }, `MongoDB: ${thrown.message}; the snapshot goes on where it was`);
        await sleep(backoffMs);
      } finally {
        await cursor.close().catch(() => {});
      }
    }
  }

  /** Opens a stream; large events come in fragments where the server can split them. */
  async watch(start: StreamStart, options: StreamOptions): Promise<ChangeStream> {
    // Asked each time: the servers of a replica set may be upgraded meanwhile.
    const { versionArray } = await this.#client.db('admin').command({ buildInfo: 1 });
    const pipeline = splitsLargeEvents(versionArray ?? []) ? [{ $changeStreamSplitLargeEvent: {} }] : [];
    const place: ChangeStreamOptions =
      'token' in start
        ? { startAfter: { _data: start.token } }
        : { startAtOperationTime: new Timestamp(BigInt(`0x${start.time}`)) };
    return this.#collection.watch(pipeline, {
      ...place,
      ...EXACT,
      fullDocument: options.fullDocument,
      ...(options.preImages && { fullDocumentBeforeChange: 'required' as const }),
      maxAwaitTimeMS: options.maxAwaitMs,
    });
  }

  /**
   * Takes a new client where the old one finds no server anymore, or gives no answer: a check of the driver's monitor
   * whose connection closes at the wrong moment never ends, and no other one is begun.
   */
  renewAfter(error: Error): void {
    if (!(error instanceof MongoServerSelectionError || error instanceof MongoNetworkTimeoutError)) return;
    const { dbName, collectionName } = this.#collection;
    void this.#client.close(true).catch(() => {});
    this.#client = this.#makeClient();
    this.#collection = this.#client.db(dbName).collection(collectionName);
  }

  async close(): Promise<void> {
    await this.#client.close(true);
  }
}

/** What a reader needs of a collection. */
export type StreamSource = Pick<CapturedCollection, 'name' | 'watch' | 'renewAfter'>;

/** Reads one stream after another, each from where the one before it broke. */
export class ChangeReader {
  readonly #source: StreamSource;
  readonly #options: StreamOptions;
  readonly #log: Logger;
  #stream: ChangeStream | undefined;
  /** The place behind the last whole event, or further where the stream moved on without one. */
  #start: StreamStart;
  #failures = 0;

  constructor(source: StreamSource, start: StreamStart, options: StreamOptions, log: Logger) {
    this.#source = source;
    this.#start = start;
    this.#options = options;
    this.#log = log;
  }

  /**
   * The next change; undefined where none came within `maxAwaitMs`.
   * @throws SluiceError SLUICE_HISTORY_LOST, SLUICE_MONGODB for a change that no answer can hold; everything else is
   *   tried again
   */
  async next(): Promise<ChangeEvent | undefined> {
    try {
      const { readTimeoutMs } = this.#options;
      this.#stream ??= await inTime(this.#source.watch(this.#start, this.#options), readTimeoutMs);
      const stream = this.#stream;
      const event = await readWhole(() => inTime(stream.tryNext() as Promise<StreamedEvent | null>, readTimeoutMs));
      this.#failures = 0;
      const place = stream.resumeToken as { readonly _data: string } | null | undefined;
      if (place) this.#start = { token: place._data };
      return event ?? undefined;
    } catch (thrown) {
      await this.#recover(thrown as Error);
      return undefined;
    }
  }

  /** The place behind everything that `next` gave, also where the stream moved on without an event. */
  get token(): string | undefined {
    return 'token' in this.#start ? this.#start.token : undefined;
  }

  async close(): Promise<void> {
    const stream = this.#stream;
    this.#stream = undefined;
    await stream?.close().catch(() => {});
  }

  async #recover(error: Error): Promise<void> {
    await this.close();
    // The code is an object of its BSON type too.
    if (error instanceof MongoError && HISTORY_LOST.has(Number(error.code))) {
      const message = `the place of ${this.#source.name} is no longer in the oplog: ${error.message}`;
      throw new SluiceError('SLUICE_HISTORY_LOST', message, { cause: error });
    }
    if (error instanceof MongoError && Number(error.code) === TOO_LARGE) {
      const message =
        `${this.#source.name}: a change is larger than an answer of the server can be (${error.message}); ` +
        'MongoDB from 6.0.9 or 7.0 on splits such changes';
      throw new SluiceError('SLUICE_MONGODB', message, { cause: error });
    }
    this.#source.renewAfter(error);
    const backoffMs = backoff(this.#failures++);
    this.#log.warn({ backoffMs }, `MongoDB: ${error.message}; the stream is opened again`);
    await sleep(backoffMs);
  }
}

/** @throws MongoNetworkTimeoutError where there is no answer within this time */
async function inTime<T>(answer: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const overdue = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new MongoNetworkTimeoutError(`no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([answer, overdue]);
  } finally {
    clearTimeout(timer);
  }
}

function backoff(failures: number): number {
  return Math.min(MAX_BACKOFF_MS, 100 * 2 ** failures);
}

export function hexTime(time: Timestamp): string {
  const hex = (value: number) => value.toString(16).padStart(8, '0').toUpperCase();
  return hex(time.t) + hex(time.i);
}

async function asked<T>(answer: Promise<T>, what: string): Promise<T> {
  try {
    return await answer;
  } catch (cause) {
    throw new SluiceError('SLUICE_MONGODB', `MongoDB does not give ${what}: ${(cause as Error).message}`, { cause });
  }
}
