/** Expectations that the rows of a batch meet together, and what ends a run. */
import { stopError } from '../core/failed-expectations.js';
import type { BatchTask, FailedExpectation } from '../core/flow.js';
import type { KernelOutput } from '../kernel/kernel-instance.js';
import type { Expectation } from '../schema/expectations.js';
import { type TableSpec, tableColumns } from '../schema/spec.js';

/**
 * What a batch fails: as the kernel says of its rows, and of its rates and its age.
 * @param nowMs when it is read, milliseconds since the epoch
 * @throws SluiceError SLUICE_EXPECTATION if one of them stops the run
 */
export function failedExpectations(
  spec: TableSpec,
  output: KernelOutput,
  task: Pick<BatchTask, 'partition' | 'startOffset' | 'nextOffset'>,
  nowMs: number,
): FailedExpectation[] {
  const ofBatch = spec.expectations.flatMap((expectation): FailedExpectation[] => {
    const observed = observedOf(spec, expectation, output, nowMs);
    if (observed === undefined || observed <= allowedOf(expectation)) return [];
    return [{ name: expectation.name, action: expectation.action, failed: 1, observed }];
  });
  const failed = [...output.failedExpectations, ...ofBatch];
  const stopping = failed.find(({ action }) => action === 'stop');
  if (stopping !== undefined) throw stopError(stopping, task);
  return failed;
}

/** A share, or milliseconds; undefined if the expectation is of something else, or there is nothing to see. */
function observedOf(
  spec: TableSpec,
  { nulls, late, freshness, column }: Expectation,
  { recordBatches, counts: { ok }, rowsLate, maxEventTime }: KernelOutput,
  nowMs: number,
): number | undefined {
  if (ok === 0) return undefined;
  if (late?.per === 'batch') return rowsLate / ok;
  if (freshness !== undefined) return maxEventTime === undefined ? undefined : nowMs - Number(maxEventTime / 1000n);
  if (nulls?.per !== 'batch') return undefined;
  const index = tableColumns(spec).findIndex(({ name }) => name === column);
  return recordBatches.reduce((sum, { data }) => sum + data.children[index].nullCount, 0) / ok;
}

function allowedOf({ nulls, late, freshness }: Expectation): number {
  return (nulls ?? late)?.max_share ?? freshness?.max_ms ?? 0;
}
