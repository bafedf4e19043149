/**
 * MongoDB → Kafka, exactly once: changes are gathered into groups, and each group becomes one Kafka transaction that
 * also holds the position in the stream after it. While one transaction is committed, the next group is gathered.
 *
 *   fence former captures · read the last checkpoint · claim the topic · [snapshot] · change stream from there
 */
import { BSON } from 'mongodb';
import { assert, SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import { memberOf } from './bson.js';
import type { ChangeEvent } from './change-event.js';
import { ChangeReader, isImageLost } from './change-stream.js';
import { type Checkpoint, snapshotCheckpoint } from './checkpoint.js';
import { type CapturedCollection, idOf, READ_TIMEOUT_MS, type StreamStart, timeAfter } from './collection.js';
import { changeMessage, type EnvelopeOptions, isDocumentChange, lacksDocument, snapshotMessage } from './envelope.js';
import type { CaptureMetrics } from './metrics.js';
import { timeInToken, timeOf } from './resume-token.js';
import type { CaptureSettings } from './settings.js';
import type { GroupWriter } from './writer.js';

/** So long a capture takes at most to see that it is to stop, or that a group is due. */
const MAX_WAIT_MS = 1000;
/** Longer than outages that end by themselves: an election, a broker's restart, another's transaction (60 s). */
const MAX_STALLED_MS = 120_000;

export interface CaptureOptions extends EnvelopeOptions, Pick<CaptureSettings, 'fullDocument' | 'onInvalidate'> {
  readonly snapshot: 'initial' | 'never' | 'always';
  readonly onLostHistory: 'fail' | 'snapshot' | 'gap';
  /** How long a read of the stream waits if nothing changes. */
  readonly transactionIntervalMs: number;
  /** An idle stream's position is stored this often, so that it does not age out of the oplog. */
  readonly tokenIntervalMs: number;
}

export interface CaptureParts {
  readonly source: CapturedCollection;
  /** Knows how far the capture has come. */
  readonly writer: GroupWriter;
  readonly metrics: CaptureMetrics;
  readonly log: Logger;
}

export class Capture {
  readonly #options: CaptureOptions;
  readonly #parts: CaptureParts;
  #stopping = false;
  /** The cluster time of the newest change of this stream; undefined before the first. */
  #changeTime: string | undefined;
  #snapshotDocuments: number | undefined;
  /** When it last came round to read, and MongoDB answered. */
  #readMs = performance.now();

  constructor(options: CaptureOptions, parts: CaptureParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** Asks it to end: what was read is committed. */
  stop(): void {
    this.#stopping = true;
  }

  /** How many documents of a snapshot are read so far; undefined unless one is taken. */
  get snapshotDocuments(): number | undefined {
    return this.#snapshotDocuments;
  }

  /** Why it does not work, in a sentence; undefined if it does. @param nowMs `performance.now()` */
  problem(nowMs: number = performance.now()): string | undefined {
    const stalledMs = nowMs - this.#readMs;
    if (stalledMs <= MAX_STALLED_MS) return undefined;
    return `nothing was read from MongoDB or written to Kafka for ${Math.round(stalledMs / 1e3)} s`;
  }

  /** @throws SluiceError SLUICE_HISTORY_LOST, SLUICE_FENCED, SLUICE_STREAM_ENDED and what its parts throw */
  async run(): Promise<void> {
    const { writer } = this.#parts;
    if (this.#options.snapshot === 'always') await this.#snapshot();
    while (!this.#stopping) {
      try {
        if (writer.record?.snapshot?.done === false) await this.#snapshot();
        await this.#follow();
      } catch (thrown) {
        if (!(thrown instanceof SluiceError) || thrown.code !== 'SLUICE_HISTORY_LOST') throw thrown;
        await this.#onLostHistory(thrown);
      }
    }
    await writer.settled();
  }

  /** Follows one stream until it is invalidated or the capture is stopped. */
  async #follow(): Promise<void> {
    const { source, writer, log } = this.#parts;
    const { fullDocument, orderIdPath, transactionIntervalMs, tokenIntervalMs } = this.#options;
    const record = writer.record;
    assert(record !== undefined, 'a capture that follows the stream has a position in it');
    const start = startAfter(record);
    this.#changeTime = undefined;
    const waitMs = Math.min(transactionIntervalMs, MAX_WAIT_MS);
    const options = {
      fullDocument,
      preImages: orderIdPath !== undefined,
      maxAwaitMs: waitMs,
      readTimeoutMs: READ_TIMEOUT_MS,
    };
    const reader = new ChangeReader(source, start, options, log);
    log.info({ from: record.clusterTime }, `following the change stream of ${source.name}`);
    let storedMs = performance.now();
    try {
      while (!this.#stopping) {
        const events = await reader.next(waitMs);
        this.#readMs = reader.answeredMs;
        writer.throwIfFailed();
        for (const event of events) {
          if ((await this.#take(event)) === 'invalidated') return;
          if (writer.isFull) await this.#write(event.token);
        }
        const nowMs = performance.now();
        const isIdle = events.length === 0 && writer.isEmpty && nowMs - storedMs >= tokenIntervalMs;
        if (!writer.isDue(nowMs) && !isIdle) continue;
        await this.#write(reader.token);
        storedMs = nowMs;
      }
      if (!writer.isEmpty) await this.#write(reader.token);
    } finally {
      await reader.close();
    }
  }

  /** Puts an event into the group. @throws SluiceError SLUICE_STREAM_ENDED if an invalidated stream is to end */
  async #take(event: ChangeEvent): Promise<'taken' | 'invalidated'> {
    const { source, writer, log } = this.#parts;
    this.#changeTime = timeOf(event) ?? this.#changeTime;
    if (isDocumentChange(event)) {
      const isIncomplete = this.#options.fullDocument === 'whenAvailable' && lacksDocument(event);
      writer.add(changeMessage(isIncomplete ? await this.#completed(event) : event, this.#options));
      return 'taken';
    }
    log.warn({ at: timeOf(event) }, `${source.name}: ${event.operationType}`);
    const isInvalidate = event.operationType === 'invalidate';
    if (!isInvalidate) {
      await this.#write(event.token);
      return 'taken';
    }
    if (this.#options.onInvalidate === 'continue') {
      await this.#beginAnew(event);
      return 'invalidated';
    }
    // The position after the invalidation is not stored: each start meets it again.
    await writer.settled();
    throw new SluiceError(
      'SLUICE_STREAM_ENDED',
      `the change stream of ${source.name} ended: the collection was dropped or renamed; ` +
        'ON_INVALIDATE=continue continues with the collection that has this name now',
    );
  }

  /**
   * After an invalidation no order is left of those before it, and the collection that has the name now may have
   * documents that no event tells of, as after a rename to it. One transaction has all that follows from this.
   */
  async #beginAnew({ token }: ChangeEvent): Promise<void> {
    const { source, writer } = this.#parts;
    if (this.#options.snapshot !== 'never') {
      await writer.beginSnapshot(await source.operationTime());
      return;
    }
    const time = this.#timeAt(token);
    await writer.addMarkers(time, 'begin');
    await writer.addMarkers(time, 'end');
    await this.#write(token);
  }

  /** An update whose document was not kept as it was has it as it is now, which is no older. */
  async #completed(event: ChangeEvent): Promise<ChangeEvent> {
    const id = memberOf(event.documentKey, '_id');
    if (id === undefined) return event;
    return { ...event, fullDocument: await this.#parts.source.document(id, timeOf(event)) };
  }

  /** @param token the position after the group */
  async #write(token: string | undefined): Promise<void> {
    const { writer } = this.#parts;
    const { record } = writer;
    assert(record !== undefined, 'a group has a position before it');
    if (token === undefined || (writer.isEmpty && token === record.token)) return;
    const next = {
      version: 1,
      token,
      clusterTime: this.#timeAt(token),
      ...(record.gap && { gap: record.gap }),
    } as const;
    if (writer.canStore(next)) await writer.write(next);
  }

  /** The cluster time at a position, 16 hex digits; if the position does not tell it, that of the change before. */
  #timeAt(token: string): string {
    const { record } = this.#parts.writer;
    assert(record !== undefined, 'a position follows another');
    return timeInToken(token) ?? this.#changeTime ?? record.clusterTime;
  }

  /** Takes a snapshot of the collection as it is, or resumes one that was begun. */
  async #snapshot(): Promise<void> {
    const { source, writer, log } = this.#parts;
    if (writer.record?.snapshot?.done !== false) await writer.beginSnapshot(await source.operationTime());
    const begun = writer.record?.snapshot;
    assert(begun !== undefined, 'a snapshot was begun');
    const { time } = begun;
    const { lastId } = begun;
    log.info({ snapshot: time, resumes: lastId !== null }, `taking a snapshot of ${source.name}`);
    const after = lastId === null ? undefined : BSON.EJSON.parse(lastId, { relaxed: false }).id;
    let documents = 0;
    let last: Uint8Array | undefined;
    const positionOf = (document: Uint8Array) => BSON.EJSON.stringify({ id: idOf(document) }, { relaxed: false });
    for await (const document of source.documents(time, after)) {
      writer.add(snapshotMessage(document, { source: source.name, time }, this.#options));
      last = document;
      this.#readMs = performance.now();
      this.#snapshotDocuments = ++documents;
      if (writer.isFull) {
        const checkpoint = snapshotCheckpoint(time, positionOf(document), false);
        if (writer.canStore(checkpoint)) await writer.write(checkpoint);
      }
      if (this.#stopping) break;
    }
    if (!this.#stopping) {
      await writer.addMarkers(time, 'end');
      await writer.write(snapshotCheckpoint(time, null, true));
    } else if (last !== undefined) {
      const checkpoint = snapshotCheckpoint(time, positionOf(last), false);
      if (writer.canStore(checkpoint)) await writer.write(checkpoint);
    }
    await writer.settled();
    this.#snapshotDocuments = undefined;
    log.info({ documents }, this.#stopping ? 'the snapshot is resumed at the next start' : 'the snapshot is complete');
  }

  async #onLostHistory(error: SluiceError): Promise<void> {
    const { source, writer, metrics, log } = this.#parts;
    if (this.#options.onLostHistory === 'fail') {
      throw new SluiceError(
        'SLUICE_HISTORY_LOST',
        `${error.message}. Choose how to continue: "sluice capture --on-lost-history snapshot" reads the collection ` +
          'again, "sluice capture --on-lost-history gap" continues without the changes that are lost',
        { cause: error },
      );
    }
    log.error({ code: 'SLUICE_HISTORY_LOST' }, error.message);
    if (this.#options.onLostHistory === 'snapshot') {
      await this.#snapshot();
      return;
    }
    const from = writer.record?.clusterTime ?? '0'.repeat(16);
    // A lost image does not end the oplog, but all changes until now may lack theirs.
    const oldest = isImageLost(error.cause) ? undefined : await source.oldestTime();
    const to = endOfGap(from, oldest, await source.operationTime());
    metrics.gaps.inc();
    log.error({ code: 'SLUICE_HISTORY_LOST', from, to }, 'changes between these times are lost');
    await writer.write({ version: 1, token: null, clusterTime: to, gap: { from, to } });
  }
}

/**
 * Until which time changes may be lost: until the oldest that there is, or until now, where the oplog reaches back and
 * the change at the position is not in it.
 */
export function endOfGap(from: string, oldest: string | undefined, now: string): string {
  return oldest !== undefined && oldest > from ? oldest : timeAfter(now);
}

/** Where the stream continues. A snapshot has everything up to its time, also the operation of this very time. */
function startAfter({ token, clusterTime, snapshot }: Checkpoint): StreamStart {
  if (token !== null) return { token };
  return { time: snapshot === undefined ? clusterTime : timeAfter(snapshot.time) };
}
