/** A data directory whose table spec got a column after its first files were written. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { specJson } from '../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../src/schema/spec-file.js';
import { makeBatch, openSink, order } from './batches.js';

const NOTE = { name: 'note', paths: [{ of: 'value', names: ['note'] }], kind: 'text', required: false } as const;
const { columns } = ORDERS_SPEC;
/** The spec of orders, with the column `note` in the middle. */
export const GROWN_SPEC = parseSpec(
  specJson({
    ...ORDERS_SPEC,
    columns: [...columns.slice(0, 3), { ...columns[2], ...NOTE, role: undefined }, ...columns.slice(3)],
  }),
  'grown',
);

/** GROWN_SPEC as a file in a folder. @returns its path */
export function specFile(folder: string): string {
  const path = join(folder, 'spec.json');
  writeFileSync(path, specJson(GROWN_SPEC));
  return path;
}

/**
 * Of each partition a file without the column: of two messages in partition 0, of one in the others. Of the first ones
 * another file, of one message, in which the column has its offset: `n2` in partition 0.
 */
export async function grownDirectory(dataDir: string, partitions = 2, grownPartitions = partitions): Promise<void> {
  const all = Array.from({ length: partitions }, (_, partition) => partition);
  const old = await openSink(dataDir);
  await old.initPositions(all.slice(2).map((partition) => ({ partition, nextOffset: 0, reason: 'earliest' })));
  const value = (partition: number, offset: number) => order(`${partition}-${offset}`, { note: `n${offset}` });
  for (const partition of all) {
    const values = partition === 0 ? [value(0, 0), value(0, 1)] : [value(partition, 0)];
    await old.stage(await makeBatch(dataDir, partition, 0, values));
  }
  await old.commit();
  await old.close();
  const grown = await openSink(dataDir, { spec: GROWN_SPEC });
  for (const partition of all.slice(0, grownPartitions)) {
    const start = partition === 0 ? 2 : 1;
    await grown.stage(await makeBatch(dataDir, partition, start, [value(partition, start)], { spec: GROWN_SPEC }));
  }
  await grown.commit();
  await grown.close();
}
