/** Fills chunks, and notices positions that are gone from Kafka: by what a fill fails with, or as nothing comes. */
import type { Chunk } from '../core/chunk.js';
import { asSluiceError, type ErrorCode, SluiceError } from '../core/errors.js';
import type { Fill } from '../core/flow.js';
import type { Logger } from '../core/log.js';
import type { Source } from '../core/source.js';
import type { Assignment } from './assignment.js';
import type { Partitions } from './partition.js';

export interface PositionWatchParts {
  readonly source: Pick<Source, 'fill'>;
  readonly partitions: Pick<Partitions, 'lag'>;
  readonly assignment: Pick<Assignment, 'inRange'>;
  readonly log: Pick<Logger, 'warn'>;
  /** Commits what was read, then resolves positions as for a new assignment. */
  readonly resolveAnew: () => Promise<void>;
}

/** After this long without a message although the log has some, positions are checked against the broker. */
const STALLED_MS = 10_000;
/** Failures of a fill after which positions are resolved again. */
const UNREADABLE: ReadonlySet<ErrorCode> = new Set(['SLUICE_OFFSET_OUT_OF_RANGE', 'SLUICE_UNKNOWN_TOPIC']);
/** How often in a row such a failure may turn out to be none. */
const MAX_RESOLVED_IN_VAIN = 3;

export class PositionWatch {
  readonly #parts: PositionWatchParts;
  #lastRowsMs = performance.now();
  #resolvedInVain = 0;

  constructor(parts: PositionWatchParts) {
    this.#parts = parts;
  }

  /** A fill; `idle` after positions that are gone from Kafka were resolved again. */
  async fill(chunk: Chunk, timeoutMs: number): Promise<Fill> {
    const fill = await this.#filled(chunk, timeoutMs);
    const nowMs = performance.now();
    if (fill.kind !== 'idle') this.#lastRowsMs = nowMs;
    else if (nowMs - this.#lastRowsMs > STALLED_MS) await this.#checkStalled(nowMs);
    if (fill.kind === 'rows') this.#resolvedInVain = 0;
    return fill;
  }

  async #filled(chunk: Chunk, timeoutMs: number): Promise<Fill> {
    try {
      return await this.#parts.source.fill(chunk, timeoutMs);
    } catch (thrown) {
      const { code, message } = asSluiceError(thrown, 'SLUICE_KAFKA', 'reading');
      if (!UNREADABLE.has(code) || ++this.#resolvedInVain > MAX_RESOLVED_IN_VAIN) throw thrown;
      this.#parts.log.warn({ code }, `${message}: committing what was read, then resolving positions again`);
      await this.#parts.resolveAnew();
      return { kind: 'idle' };
    }
  }

  /** The client can lose the error that a position is gone, when messages came before it in the same call. */
  async #checkStalled(nowMs: number): Promise<void> {
    this.#lastRowsMs = nowMs;
    if (this.#parts.partitions.lag === 0) return;
    if (!(await this.#isInRange())) await this.#parts.resolveAnew();
  }

  /** While brokers are gone nobody can say: it looks again later. */
  async #isInRange(): Promise<boolean> {
    try {
      return await this.#parts.assignment.inRange();
    } catch (thrown) {
      if (!(thrown instanceof SluiceError) || !thrown.retryable) throw thrown;
      this.#parts.log.warn({ code: thrown.code }, `${thrown.message}: looking again later`);
      return true;
    }
  }
}
