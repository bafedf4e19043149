/** Expectations that batches failed: what they come to together, who hears of it, and what ends a run. */
import { type BatchStats, combineStats } from './batch-stats.js';
import { SluiceError } from './errors.js';
import type { BatchResult, BatchTask, CommitReceipt, FailedExpectation } from './flow.js';
import type { Logger } from './log.js';

export interface Outcome {
  readonly stats: BatchStats;
  readonly failedExpectations: readonly FailedExpectation[];
}

/** The numbers of batches, and the expectations that they failed, each once. */
export function outcomeOf(batches: readonly Pick<BatchResult, 'stats' | 'failedExpectations'>[]): Outcome {
  return {
    stats: combineStats(batches.map(({ stats }) => stats)),
    failedExpectations: combineFailed(batches.flatMap(({ failedExpectations = [] }) => failedExpectations)),
  };
}

/** One of each name: rows add up, the rest is of the first. */
function combineFailed(all: readonly FailedExpectation[]): FailedExpectation[] {
  const byName = new Map<string, FailedExpectation>();
  for (const each of all) {
    const before = byName.get(each.name);
    byName.set(each.name, before === undefined ? each : { ...before, failed: before.failed + each.failed });
  }
  return [...byName.values()];
}

/** Says which expectations a commit failed; the log counts equal lines of a minute. */
export function warnOfFailed(log: Pick<Logger, 'warn'>, { failedExpectations = [] }: CommitReceipt): void {
  for (const { name, action } of failedExpectations) {
    const what =
      action === 'quarantine' ? `messages went to the quarantine as expectation:${name}` : 'committed as it is';
    log.warn(
      { expectation: name, action },
      `expectation ${name} failed: ${what}; failed_expectations of sluice.batches has the numbers`,
    );
  }
}

/** What ends the run. @param range of the batch */
export function stopError(
  { name, failed, firstOffset, observed }: FailedExpectation,
  { partition, startOffset, nextOffset }: Pick<BatchTask, 'partition' | 'startOffset' | 'nextOffset'>,
): SluiceError {
  const what =
    firstOffset === undefined
      ? `fails${observed === undefined ? '' : ` with ${Number(observed.toFixed(4))}`}`
      : `fails in ${failed} ${failed === 1 ? 'row' : 'rows'}, the first at offset ${firstOffset}`;
  return new SluiceError(
    'SLUICE_EXPECTATION',
    `expectation ${name} ${what}: partition ${partition}, offsets ${startOffset} to ${nextOffset}. Nothing of the ` +
      'batch was committed. Correct what produces the messages, or give the expectation the action "quarantine" or ' +
      '"warn" in the table spec; then start again',
  );
}
