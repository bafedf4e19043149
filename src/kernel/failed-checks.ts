/** Which expectations the rows and the rejected messages of a read fail. */
import type { FailedExpectation } from '../core/flow.js';
import type { RowCheck } from '../schema/expectations.js';
import { CHECK } from './abi.js';
import type { MemoryMap } from './regions.js';

/** What failed in a read. */
export class FailedChecks {
  /** By the place of the expectation in the spec. */
  readonly #failed = new Map<number, FailedExpectation>();

  /** @param firstOffset of the first row or message */
  add({ index, expectation: { name, action } }: RowCheck, failed: number, firstOffset: number): void {
    const before = this.#failed.get(index);
    this.#failed.set(index, {
      ...{ name, action, failed: failed + (before?.failed ?? 0) },
      firstOffset: Math.min(firstOffset, before?.firstOffset ?? firstOffset),
    });
  }

  /** Adds what the rows of the record batch in the kernel's memory fail. */
  collect(view: DataView, { checks: at, columns }: MemoryMap, checks: readonly RowCheck[]): void {
    for (const [index, check] of checks.entries()) {
      const record = at + index * CHECK.size;
      const failed = view.getUint32(record + CHECK.failed, true);
      if (failed === 0) continue;
      const { data } = columns.find(({ name }) => name === 'kafka_offset')!;
      const first = data + view.getUint32(record + CHECK.first, true) * 8;
      this.add(check, failed, Number(view.getBigInt64(first, true)));
    }
  }

  /** In the order of the spec. */
  list(): FailedExpectation[] {
    return [...this.#failed].sort(([a], [b]) => a - b).map(([, failed]) => failed);
  }
}
