/**
 * Answers what the group says about partitions, beside the loop: of those that stay, what is read is worked on and
 * committed meanwhile. (librdkafka fetches nothing more until it has the answer, which takes no longer than a commit.)
 *
 *   revoked    read no further ─▶ what workers have is committed, or dropped if they are lost ─▶ release ─▶ unassign
 *   assigned   claim ─▶ where each starts ─▶ assign
 *
 * The source is told between two fills, and one answer is over before the next begins.
 */
import { aborted } from '../core/abort.js';
import { SluiceError } from '../core/errors.js';
import type { Logger } from '../core/log.js';
import type { Sink } from '../core/sink.js';
import type { AssignmentChange, ReadPosition, Source } from '../core/source.js';
import type { Assignment } from './assignment.js';
import type { Batcher } from './batcher.js';
import type { Partitions } from './partition.js';
import type { AssignmentSink } from './positions.js';
import type { Sequencer } from './sequencer.js';

export interface RebalanceParts {
  readonly source: Pick<Source, 'pollAssignment' | 'assign' | 'unassign'>;
  readonly sink: Pick<Sink, 'needsWholeTopic'>;
  readonly partitions: Partitions;
  readonly assignment: Assignment;
  readonly batcher: Batcher;
  readonly sequencer: Sequencer;
  readonly log: Logger;
}

type Revocation = Extract<AssignmentChange, { kind: 'revoked' }>;

export class Rebalance {
  readonly #shutdownGraceMs: number;
  readonly #parts: RebalanceParts;
  /** Resolves with what is to be told the source. */
  #answer: Promise<() => void> | undefined;
  #isReady = false;
  #stopped: Promise<void> | undefined;

  constructor(shutdownGraceMs: number, parts: RebalanceParts) {
    this.#shutdownGraceMs = shutdownGraceMs;
    this.#parts = parts;
  }

  /** A change is being answered. */
  get isUnderWay(): boolean {
    return this.#answer !== undefined;
  }

  /**
   * Called between two fills: tells the source what is ready, and begins with the next change.
   * @param stop ends the wait for what is not ready
   */
  async follow(stop: AbortSignal): Promise<void> {
    const { source, assignment, partitions } = this.#parts;
    this.#stopped ??= aborted(stop);
    for (;;) {
      // Without a partition there is nothing else to do.
      if ((this.#isReady || !partitions.isAnyRead) && !(await this.#settle(this.#stopped))) return;
      const change = this.isUnderWay ? undefined : source.pollAssignment();
      if (change === undefined) break;
      this.#begin(change);
    }
    assignment.checkComplete();
  }

  /** Waits for the answer that is under way, for whole milliseconds at most. @returns false if they are over */
  settleInTime(limitMs: number): Promise<boolean> {
    return this.#settle(aborted(AbortSignal.timeout(limitMs)));
  }

  /** Tells the source the answer when it is ready. @param limit ends the wait for it @returns false if it did */
  async #settle(limit?: Promise<void>): Promise<boolean> {
    if (this.#answer === undefined) return true;
    const isSure = this.#isReady || limit === undefined;
    const tell = await (isSure ? this.#answer : Promise.race([this.#answer, limit]));
    if (tell === undefined) return false;
    this.#answer = undefined;
    this.#isReady = false;
    tell();
    return true;
  }

  /**
   * Resolves the positions of all partitions again, after all that was read is committed. What the group says meanwhile
   * is answered first: the client would take new positions for the answer.
   */
  async startOver(): Promise<void> {
    const { source, partitions, assignment, sequencer } = this.#parts;
    let positions: readonly ReadPosition[] | undefined;
    for (;;) {
      await this.#settle();
      // What waits is read again from there.
      sequencer.dropWaiting([...partitions.all].map(({ number }) => number));
      const change = source.pollAssignment();
      if (change === undefined && positions !== undefined) break;
      positions = undefined;
      if (change !== undefined) {
        this.#begin(change);
        continue;
      }
      await this.#drain();
      positions = await assignment.assignAgain();
    }
    source.assign(positions);
  }

  #begin(change: AssignmentChange): void {
    const answer = change.kind === 'revoked' ? this.#revoke(change) : this.#assign(change.partitions);
    this.#answer = answer;
    const ready = () => {
      this.#isReady = true;
    };
    // What it failed with is thrown by the loop.
    answer.then(ready, ready);
  }

  async #assign(added: readonly number[]): Promise<() => void> {
    const positions = await this.#parts.assignment.assign(added);
    return () => this.#parts.source.assign(positions);
  }

  async #revoke({ partitions: taken, lost }: Revocation): Promise<() => void> {
    const { source, sink, partitions, assignment, batcher, sequencer, log } = this.#parts;
    batcher.discard(taken);
    partitions.stopReading(taken);
    if (lost && !sink.needsWholeTopic) {
      log.warn({ partitions: taken }, 'partitions were lost to another process: dropping what is in flight of them');
      await sequencer.between(async () => {
        sequencer.drop(taken);
        await assignment.revoke(taken, lost);
      });
    } else {
      log.info({ partitions: taken, lost }, 'partitions were revoked: committing what is in flight of them');
      // It can wait for longer than the group does; who has them next reads it again.
      const batches = sink.needsWholeTopic ? 0 : sequencer.dropWaiting(taken);
      if (batches > 0) log.info({ batches }, 'dropped batches that wait for a schema: who has them next reads them');
      await this.#drain(taken);
      await assignment.revoke(taken);
    }
    return () => source.unassign(taken);
  }

  async #drain(numbers?: readonly number[]): Promise<void> {
    if (await this.#parts.sequencer.drain(this.#shutdownGraceMs, numbers)) return;
    throw new SluiceError(
      'SLUICE_SINK',
      `the batches in flight were not committed within SHUTDOWN_GRACE_MS=${this.#shutdownGraceMs}; they will be read ` +
        'again',
    );
  }
}

/** The sink, but for commits: what must not run beside one waits until none is under way. */
export function betweenCommits(sink: Sink, sequencer: Sequencer): AssignmentSink {
  return {
    needsWholeTopic: sink.needsWholeTopic,
    setIdentity: (identity) => sequencer.between(() => sink.setIdentity(identity)),
    claim: (partitions) => sequencer.between(() => sink.claim(partitions)),
    release: (partitions) => sequencer.between(() => sink.release(partitions)),
    initPositions: (starts) => sequencer.between(() => sink.initPositions(starts)),
    recordGaps: (gaps) => sequencer.between(() => sink.recordGaps(gaps)),
  };
}
