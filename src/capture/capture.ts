/**
 * MongoDB → Kafka, exactly once: changes are gathered into groups, and each group becomes one Kafka transaction that
 * also holds the place in the stream behind it. While one transaction is committed, the next group is gathered.
 *
 *   fence former captures · read the last place · [snapshot] · change stream from there
 */
import { BSON } from 'mongodb';
import { assert, SluiceError } from '../errors.js';
import type { Logger } from '../log.js';
import { memberOf } from './bson.js';
import type { ChangeEvent } from './change-event.js';
import { ChangeReader, isImageLost } from './change-stream.js';
import { type CapturedCollection, idOf, READ_TIMEOUT_MS, type StreamStart } from './collection.js';
import { changeMessage, type EnvelopeOptions, isDocumentChange, lacksDocument, snapshotMessage } from './envelope.js';
import type { CaptureMetrics } from './metrics.js';
import type { TokenRecord } from './token-store.js';
import type { GroupWriter } from './writer.js';

/** So long a capture takes at most to see that it is to stop, or that a group is due. */
const MAX_WAIT_MS = 1000;

export interface CaptureOptions extends EnvelopeOptions {
  readonly fullDocument: 'updateLookup' | 'whenAvailable' | 'required';
  readonly snapshot: 'initial' | 'never' | 'always';
  readonly onLostHistory: 'fail' | 'snapshot' | 'gap';
  readonly onInvalidate: 'stop' | 'continue';
  /** How long a read of the stream waits where nothing changes. */
  readonly transactionIntervalMs: number;
  /** An idle stream's place is stored this often, so that it does not age out of the oplog. */
  readonly tokenIntervalMs: number;
}

export interface CaptureParts {
  readonly source: CapturedCollection;
  /** Has the place where the capture stands; none where nothing was captured yet. */
  readonly writer: GroupWriter;
  readonly metrics: CaptureMetrics;
  readonly log: Logger;
}

export class Capture {
  readonly #options: CaptureOptions;
  readonly #parts: CaptureParts;
  #stopping = false;

  constructor(options: CaptureOptions, parts: CaptureParts) {
    this.#options = options;
    this.#parts = parts;
  }

  /** Asks it to end: what was read is committed. */
  stop(): void {
    this.#stopping = true;
  }

  /** @throws SluiceError SLUICE_HISTORY_LOST, SLUICE_FENCED, SLUICE_STREAM_ENDED and what its parts throw */
  async run(): Promise<void> {
    const { snapshot } = this.#options;
    const { source, writer } = this.#parts;
    const isNew = writer.record === undefined;
    const isUnfinished = writer.record?.snapshot?.done === false;
    if (isUnfinished || snapshot === 'always' || (snapshot === 'initial' && isNew)) await this.#snapshot();
    else if (isNew) await writer.write({ version: 1, token: null, clusterTime: await source.operationTime() });
    while (!this.#stopping) {
      try {
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
    assert(record !== undefined, 'a capture that follows the stream has a place in it');
    const start: StreamStart = record.token === null ? { time: record.clusterTime } : { token: record.token };
    const waitMs = Math.min(transactionIntervalMs, MAX_WAIT_MS);
    const options = {
      fullDocument,
      preImages: orderIdPath !== undefined,
      maxAwaitMs: waitMs,
      readTimeoutMs: READ_TIMEOUT_MS,
    };
    const reader = new ChangeReader(source, start, options, log);
    log.info({ from: start }, `following the change stream of ${source.name}`);
    let storedMs = performance.now();
    try {
      while (!this.#stopping) {
        const events = await reader.next(waitMs);
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

  /** Puts an event into the group. @throws SluiceError SLUICE_STREAM_ENDED where an invalidated stream is to end */
  async #take(event: ChangeEvent): Promise<'taken' | 'invalidated'> {
    const { source, writer, log } = this.#parts;
    if (isDocumentChange(event)) {
      const isIncomplete = this.#options.fullDocument === 'whenAvailable' && lacksDocument(event);
      writer.add(changeMessage(isIncomplete ? await this.#completed(event) : event, this.#options));
      return 'taken';
    }
    log.warn({ token: event.token }, `${source.name}: ${event.operationType}`);
    const isInvalidate = event.operationType === 'invalidate';
    // A place behind the invalidation is only stored where the stream is to go on there.
    if (!isInvalidate || this.#options.onInvalidate === 'continue') {
      await this.#write(event.token);
      return isInvalidate ? 'invalidated' : 'taken';
    }
    await writer.settled();
    throw new SluiceError(
      'SLUICE_STREAM_ENDED',
      `the change stream of ${source.name} ended: the collection was dropped or renamed; ` +
        'ON_INVALIDATE=continue goes on with a collection of this name',
    );
  }

  /** An update whose document was not kept as it was has it as it is now, which is no older. */
  async #completed(event: ChangeEvent): Promise<ChangeEvent> {
    const id = memberOf(event.documentKey, '_id');
    return id === undefined ? event : { ...event, fullDocument: await this.#parts.source.document(id) };
  }

  /** @param token the place behind the group */
  async #write(token: string | undefined): Promise<void> {
    const { writer } = this.#parts;
    const { record } = writer;
    assert(record !== undefined, 'a group has a place before it');
    if (token === undefined || (writer.isEmpty && token === record.token)) return;
    await writer.write({ version: 1, token, clusterTime: token.slice(2, 18), ...(record.gap && { gap: record.gap }) });
  }

  /** The collection as it is, then the stream from the time before it. A killed snapshot goes on where it was. */
  async #snapshot(): Promise<void> {
    const { source, writer, log } = this.#parts;
    const known = writer.record?.snapshot;
    let { time, lastId } = known?.done === false ? known : { time: await source.operationTime(), lastId: null };
    if (known?.done !== false) {
      writer.addMarkers(time, 'begin');
      await writer.write(snapshotRecord(time, null, false));
    }
    log.info({ snapshot: time, lastId }, `taking a snapshot of ${source.name}`);
    const after = lastId === null ? undefined : BSON.EJSON.parse(lastId, { relaxed: false }).id;
    let documents = 0;
    let last: Uint8Array | undefined;
    const placeOf = (document: Uint8Array) => BSON.EJSON.stringify({ id: idOf(document) }, { relaxed: false });
    for await (const document of source.documents(after)) {
      writer.add(snapshotMessage(document, time, this.#options));
      last = document;
      documents++;
      if (writer.isFull) await writer.write(snapshotRecord(time, placeOf(document), false));
      if (this.#stopping) break;
    }
    if (last !== undefined) lastId = placeOf(last);
    if (!this.#stopping) writer.addMarkers(time, 'end');
    await writer.write(snapshotRecord(time, lastId, !this.#stopping));
    await writer.settled();
    log.info({ documents }, this.#stopping ? 'the snapshot goes on at the next start' : 'the snapshot is complete');
  }

  async #onLostHistory(error: SluiceError): Promise<void> {
    const { source, writer, metrics, log } = this.#parts;
    if (this.#options.onLostHistory === 'fail') {
      throw new SluiceError(
        'SLUICE_HISTORY_LOST',
        `${error.message}. Choose how to go on: "sluice capture --on-lost-history snapshot" reads the collection ` +
          'again, "sluice capture --on-lost-history gap" goes on without the changes that are lost',
        { cause: error },
      );
    }
    log.error(error.message);
    if (this.#options.onLostHistory === 'snapshot') {
      await this.#snapshot();
      return;
    }
    const from = writer.record?.clusterTime ?? '0'.repeat(16);
    // Behind a document that is no longer kept the oplog goes on: what lies before now may lack others.
    const oldest = isImageLost(error.cause) ? undefined : await source.oldestTime();
    const to = oldest ?? (await source.operationTime());
    metrics.gaps.inc();
    log.error({ from, to }, 'changes between these times are lost');
    await writer.write({ version: 1, token: null, clusterTime: to, gap: { from, to } });
  }
}

function snapshotRecord(time: string, lastId: string | null, done: boolean): TokenRecord {
  return { version: 1, token: null, clusterTime: time, snapshot: { time, lastId, done } };
}
