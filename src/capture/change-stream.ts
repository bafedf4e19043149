/** A collection's change stream that continues after elections and broken connections, and knows lost history. */
import { setTimeout as sleep } from 'node:timers/promises';
import { MongoError } from 'mongodb';
import { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import type { ChangeEvent } from './change-event.js';
import type { CapturedCollection, EventStream, StreamOptions, StreamStart } from './collection.js';
import { timeInToken, tokenOfChange, withoutTokens } from './resume-token.js';
import { backoff, raceTimeout, refusal, withTimeout } from './retry.js';
import { readWhole } from './split-event.js';

/** ChangeStreamFatalError: among others, the token is not found, or the change of it is cut otherwise than it was. */
const FATAL = 280;
/** ChangeStreamHistoryLost: the position is no longer in the oplog. */
const HISTORY_LOST = 286;
/** NoMatchingDocument: the document before or after a change, which is required, is no longer kept. */
const IMAGE_LOST = 47;
/** BSONObjectTooLarge: a change does not fit into an answer, and the server did not split it. */
const TOO_LARGE = 10334;

/** What a reader needs of a collection. */
export type StreamSource = Pick<CapturedCollection, 'name' | 'watch' | 'renewAfter'>;

/** Whole changes, and the position after them. */
interface Read {
  readonly events: readonly ChangeEvent[];
  readonly token: string | undefined;
}

/**
 * Reads one stream after another, each from where the one before it broke. A batch is on its way while one is used.
 *
 * To continue after a change, MongoDB reads it again, with the document as it is by now, and cuts it again if it is
 * large. It refuses where the token is of a fragment and there are fewer now, and where it is of a whole change that
 * has fragments now; where there are more than before, it goes on in the midst of them. Then, and after every change
 * that was cut, a stream starts with the cluster time of the change instead, and what was read before is left out.
 */
export class ChangeReader {
  readonly #source: StreamSource;
  readonly #options: StreamOptions;
  readonly #log: Logger;
  #stream: EventStream | undefined;
  #coming: Promise<Read> | undefined;
  /** The position after everything that `next` gave, or further if the stream moved on without an event. */
  #start: StreamStart;
  /** The token of the change to continue after, until this stream gave that; undefined where the server finds it. */
  #awaited: string | undefined;
  /** The token of the last change at whose time a stream was started for want of another way. */
  #startedAt: string | undefined;
  #failures = 0;
  #answeredMs = performance.now();

  constructor(source: StreamSource, start: StreamStart, options: StreamOptions, log: Logger) {
    this.#source = source;
    this.#start = 'token' in start ? startAfter(start.token) : start;
    this.#options = options;
    this.#log = log;
  }

  /**
   * The next changes; none where none came within this time.
   * @throws SluiceError SLUICE_HISTORY_LOST, SLUICE_MONGODB for a change that no answer can hold and for a user who may
   *   not read; everything else is tried again
   */
  async next(waitMs: number): Promise<readonly ChangeEvent[]> {
    try {
      this.#coming ??= this.#read();
      const read = await raceTimeout(this.#coming, waitMs);
      if (read === undefined) return [];
      this.#failures = 0;
      this.#answeredMs = performance.now();
      if (read.token !== undefined) this.#start = startAfter(read.token);
      this.#coming = this.#read();
      // Its failure is met by the next call, if there is one.
      this.#coming.catch(() => {});
      return read.events;
    } catch (thrown) {
      await this.#recover(thrown as Error);
      return [];
    }
  }

  /** The position after everything that `next` gave, also if the stream moved on without an event. */
  get token(): string | undefined {
    return 'token' in this.#start ? this.#start.token : this.#start.after;
  }

  /**
   * When the server answered last, of `performance.now()`. A read under way is as good as an answer until it fails: a
   * server may look through its oplog for minutes.
   */
  get answeredMs(): number {
    return this.#failures === 0 ? performance.now() : this.#answeredMs;
  }

  async close(): Promise<void> {
    const stream = this.#stream;
    this.#stream = undefined;
    this.#coming = undefined;
    await stream?.close().catch(() => {});
  }

  /** A batch, and as many more as the last change in it has fragments in. */
  async #read(): Promise<Read> {
    const { readTimeoutMs } = this.#options;
    if (this.#stream === undefined) {
      this.#awaited = 'token' in this.#start ? undefined : this.#start.after;
      this.#stream = await withTimeout(this.#source.watch(this.#start, this.#options), readTimeoutMs);
    }
    const stream = this.#stream;
    let batch = await withTimeout(stream.next(), readTimeoutMs);
    let taken = 0;
    const next = async () => {
      if (taken === batch.events.length) {
        batch = await withTimeout(stream.next(), readTimeoutMs);
        taken = 0;
      }
      const event = batch.events[taken];
      if (event !== undefined) taken++;
      return event ?? null;
    };
    const events: ChangeEvent[] = [];
    while (taken < batch.events.length) {
      const event = await readWhole(next);
      if (event !== null) events.push(event);
    }
    return this.#unread({ events, token: batch.token ?? events.at(-1)?.token });
  }

  /** Without the changes up to the position, and without a position as long as none is after it. */
  #unread(read: Read): Read {
    if (this.#awaited === undefined) return read;
    const awaited = tokenOfChange(this.#awaited);
    const events = read.events.filter(({ token }) => tokenOfChange(token) > awaited);
    if (read.events.some(({ token }) => tokenOfChange(token) === awaited)) this.#awaited = undefined;
    else if (events.length > 0) throw this.#historyLost('it has later changes, and not the one at the position');
    return { events, token: this.#awaited === undefined ? read.token : undefined };
  }

  async #recover(error: Error): Promise<void> {
    await this.close();
    error.message = withoutTokens(error.message);
    // The code is an object of its BSON type too.
    const code = error instanceof MongoError ? Number(error.code) : undefined;
    const again = code === FATAL && 'token' in this.#start ? startAtChange(this.#start.token) : undefined;
    if (again !== undefined && 'time' in again && again.after !== this.#startedAt) {
      this.#startedAt = again.after;
      this.#start = again;
      this.#log.warn(`MongoDB: ${error.message}; reading again from the time of the last change`);
      return;
    }
    if (code === FATAL || code === HISTORY_LOST) throw this.#historyLost(error.message, error);
    if (error instanceof SluiceError && error.code === 'SLUICE_HISTORY_LOST') throw error;
    if (isImageLost(error)) {
      const message = `a document before or after a change of ${this.#source.name} is no longer kept: ${error.message}`;
      throw new SluiceError('SLUICE_HISTORY_LOST', message, { cause: error });
    }
    if (code === TOO_LARGE) {
      const message =
        `${this.#source.name}: a change is larger than an answer of the server can be (${error.message}); ` +
        'MongoDB from 6.0.9 or 7.0 on splits such changes';
      throw new SluiceError('SLUICE_MONGODB', message, { cause: error });
    }
    const refused = refusal(error, this.#source.name);
    if (refused !== undefined) throw refused;
    this.#source.renewAfter(error);
    const backoffMs = backoff(this.#failures++);
    this.#log.warn({ backoffMs }, `MongoDB: ${error.message}; reopening the stream`);
    await sleep(backoffMs);
  }

  #historyLost(why: string, cause?: Error): SluiceError {
    const message = `the position of ${this.#source.name} is no longer in the oplog: ${why}`;
    return new SluiceError('SLUICE_HISTORY_LOST', message, { cause });
  }
}

function startAfter(token: string): StreamStart {
  return tokenOfChange(token) === token ? { token } : startAtChange(token);
}

/** @returns after the token itself where it does not tell a time */
function startAtChange(token: string): StreamStart {
  const time = timeInToken(token);
  return time === undefined ? { token } : { time, after: token };
}

/** Whether history ends for want of a document before or after a change, while the oplog still reaches back. */
export function isImageLost(error: unknown): boolean {
  return error instanceof MongoError && Number(error.code) === IMAGE_LOST;
}
