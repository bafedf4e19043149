/** Pieces of the quarantine, as the kernel reads them with the table spec of today. */
import { rmSync } from 'node:fs';
import type { Config } from '../config.js';
import { assert, SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import type { ReplayedBatch, ReplayOutcome, ReplayTarget } from '../core/replay.js';
import { MessageCipher } from '../schema/mask-key.js';
import type { TableSpec } from '../schema/spec.js';
import { specHash } from '../schema/spec-hash.js';
import { type AllRows, messagesOf, type ReplayPart } from '../sinks/duckdb/replay-tables.js';
import { keptMessage, ReplayBatches } from './replay-batches.js';

/** Which messages a replay takes through the kernel, and how. */
export interface Work {
  readonly config: Config;
  readonly topic: string;
  readonly spec: TableSpec;
  /** SQL: which messages are meant. */
  readonly condition: string;
  readonly log: Logger;
  /** Told how many messages are done with, each time that some are. */
  readonly onDone?: ((messages: number) => void) | undefined;
}

/** What became of the messages of a reason. */
export interface Counts {
  rows: number;
  tombstones: number;
  stay: number;
}

/** Another replay of the same messages, or RETAIN_QUARANTINE, takes each message once. */
const MAX_ATTEMPTS = 20;
const NOTHING: ReplayOutcome = { merged: 0, duplicate: 0, marker: 0, tombstone: 0 };

/** Takes pieces of the quarantine through the kernel. */
export class PieceReader {
  readonly #work: Work;
  readonly #folder: string;
  readonly #all: AllRows;
  readonly #issueBits: readonly number[];
  readonly #batches: ReplayBatches;
  readonly #cipher: MessageCipher | undefined;
  /** What became of the messages that were read. */
  readonly byReason = new Map<string, Counts>();

  private constructor(work: Work, folder: string, all: AllRows, issueBits: readonly number[], batches: ReplayBatches) {
    this.#work = work;
    this.#folder = folder;
    this.#all = all;
    this.#issueBits = issueBits;
    this.#batches = batches;
    this.#cipher = work.config.maskKey && new MessageCipher(work.config.maskKey);
  }

  /** @param folder for files that do not count */
  static async open(work: Work, folder: string, all: AllRows, issueBits: readonly number[]): Promise<PieceReader> {
    const { config, topic, spec, log } = work;
    return new PieceReader(work, folder, all, issueBits, await ReplayBatches.open(config, topic, spec, folder, log));
  }

  /**
   * Has the target take those of a piece that are rows; reads it again if some left the quarantine meanwhile.
   * @throws SluiceError SLUICE_LOCKED if that is so again and again; as `ReplayTarget`
   */
  async take(parts: readonly ReplayPart[], target: ReplayTarget): Promise<ReplayOutcome> {
    for (let attempt = 1; ; attempt++) {
      const { batches, count } = await this.#readParts(parts);
      const piece = { specHash: specHash(this.#work.spec), batches };
      const outcome = batches.length === 0 ? NOTHING : await target.replay(piece);
      // Their files are in that of the place now.
      rmSync(this.#folder, { recursive: true, force: true });
      if (outcome === undefined && attempt === MAX_ATTEMPTS) throw overtaken(parts);
      if (outcome === undefined) continue;
      count();
      return outcome;
    }
  }

  async read(parts: readonly ReplayPart[]): Promise<void> {
    const { count } = await this.#readParts(parts);
    rmSync(this.#folder, { recursive: true, force: true });
    count();
  }

  /** @returns what can be taken, and how to count what was read */
  async #readParts(parts: readonly ReplayPart[]): Promise<{ batches: ReplayedBatch[]; count: () => void }> {
    const batches: ReplayedBatch[] = [];
    const fates: [reason: string, fate: keyof Counts][] = [];
    for (const part of parts) {
      const rows = await this.#all(messagesOf(part, this.#work.condition));
      if (rows.length === 0) continue;
      const messages = rows.map((row) => keptMessage(row, this.#cipher));
      const result = await this.#batches.read(part, messages, this.#issueBits);
      const bad = new Set(result.quarantined.map(({ offset }) => offset));
      for (const { offset, reason, value } of messages) {
        const isTombstone = value === null && result.stats.tombstone > 0;
        fates.push([reason, bad.has(offset) ? 'stay' : isTombstone ? 'tombstones' : 'rows']);
      }
      const taken = messages.flatMap(({ offset }) => (bad.has(offset) ? [] : [offset]));
      assert(taken.length === result.stats.ok + result.stats.tombstone, 'a message is a row, a tombstone or bad');
      // What does not count in a replay would only make the request longer.
      if (taken.length > 0) batches.push({ ...result, quarantined: [], failedExpectations: [], taken });
    }
    return { batches, count: () => this.#count(fates) };
  }

  #count(fates: readonly (readonly [string, keyof Counts])[]): void {
    for (const [reason, fate] of fates) {
      const counts = this.byReason.get(reason) ?? { rows: 0, tombstones: 0, stay: 0 };
      this.byReason.set(reason, counts);
      counts[fate]++;
    }
    this.#work.onDone?.(fates.length);
  }

  close(): void {
    this.#batches.close();
  }
}

function overtaken([{ partition, from, to }]: readonly ReplayPart[]): SluiceError {
  return new SluiceError(
    'SLUICE_LOCKED',
    `others take the messages of partition ${partition}, offsets ${from} to ${to}, or what is around them, out of ` +
      'the quarantine: replay again when they are done',
  );
}
