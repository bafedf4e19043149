/** What the kernel makes of a sample of messages: how many are rows, which are not, and what columns take. */
import { openKernel } from '../kernel/kernel-file.js';
import type { KernelOutput } from '../kernel/kernel-instance.js';
import { type TableSpec, tableColumns } from '../schema/spec.js';
import { readerOptions } from './message-reader.js';
import type { SampleMessage } from './message-sample.js';
import { chunksOf, type KeptMessage } from './replay-batches.js';

/** Messages that are no rows, of one status. */
export interface Refusal {
  messages: number;
  /** The first of them, its place in the sample, and what it is to blame for. */
  readonly first: number;
  readonly position: number;
  readonly column: string | undefined;
}

export interface SampleReading {
  readonly rows: number;
  readonly tombstones: number;
  readonly refusals: ReadonlyMap<string, Readonly<Refusal>>;
  /** By the columns of the spec, in its order. */
  readonly columns: readonly { readonly values: number; readonly issues: number }[];
}

/** @param maskKey for a spec with the mask `hmac` */
export function readSample(
  spec: TableSpec,
  messages: readonly SampleMessage[],
  maskKey: Uint8Array | undefined,
): SampleReading {
  // Whether an amount is a high one is not looked at.
  const kernel = openKernel(spec, { ...readerOptions('0'), maskKey });
  const names = tableColumns(spec).map(({ name }) => name);
  const columns = spec.columns.map(() => ({ values: 0, issues: 0 }));
  const refusals = new Map<string, Refusal>();
  const sum = { rows: 0, tombstones: 0 };
  const kept: KeptMessage[] = messages.map((message, offset) => ({ ...message, offset, timestamp: -1, reason: '' }));
  let first = 0;
  for (const chunk of chunksOf(kept)) {
    const output = kernel.read(0, [chunk.handle()]);
    sum.rows += output.counts.ok;
    sum.tombstones += output.counts.tombstone;
    for (const { row, status, position, column } of output.rejects) {
      const refusal = refusals.get(status) ?? { messages: 0, first: first + row, position, column };
      refusal.messages++;
      refusals.set(status, refusal);
    }
    for (const [index, { name }] of spec.columns.entries()) count(columns[index], output, names, name, index);
    first += chunk.rows;
  }
  return { ...sum, refusals, columns };
}

function count(
  sum: { values: number; issues: number },
  { recordBatches }: KernelOutput,
  names: readonly string[],
  name: string,
  bit: number,
): void {
  for (const batch of recordBatches) {
    const { children } = batch.data;
    sum.values += batch.numRows - children[names.indexOf(name)].nullCount;
    const issues = children[names.indexOf('issues')].values as BigInt64Array;
    for (let row = 0; row < batch.numRows; row++) sum.issues += Number((issues[row] >> BigInt(bit)) & 1n);
  }
}
