/** Changes that grow old, and which of them may leave, told without SQL. */
import type { RetentionSettings } from '../../src/sinks/duckdb/settings.js';
import type { DuckDbSink } from '../../src/sinks/duckdb/sink.js';
import type { DuckLakeSink } from '../../src/sinks/ducklake/sink.js';
import { order, select, token } from './batches.js';
import type { Random } from './random.js';

export const HOUR_MS = 3_600_000;

export const retain = (ages: Partial<RetentionSettings>): RetentionSettings => ({
  ...{ changesMs: undefined, quarantineMs: undefined, parquetMs: undefined },
  ...ages,
});

type AnySink = DuckDbSink | DuckLakeSink;

interface LogRow {
  readonly partition: number;
  readonly offset: bigint;
  readonly key: string;
  readonly type: string | null;
}

/** Which of all changes stay. @param oldTo of each partition */
export function staying(all: readonly LogRow[], oldTo: readonly number[]): LogRow[] {
  const types = new Map<string, Set<string | null>>();
  const last = new Map<string, LogRow>();
  for (const row of all) {
    types.set(row.key, (types.get(row.key) ?? new Set()).add(row.type));
    last.set(JSON.stringify([row.key, row.type, row.partition]), row);
  }
  const newest = new Set(last.values());
  return all.filter((row) => {
    const known = types.get(row.key)!;
    return row.offset >= oldTo[row.partition] || newest.has(row) || known.size > 1 || known.has(null);
  });
}

/** Makes all that was committed so far two hours old. */
export async function age(sink: AnySink): Promise<void> {
  await select(sink, 'UPDATE sluice.batches SET committed_at = now() - INTERVAL 2 HOURS');
}

export const ORDERS = 'FROM orders ORDER BY kafka_partition, kafka_offset';
const LOG = `SELECT kafka_partition, kafka_offset, order_id, order_id_type FROM cdc_orders
  ORDER BY kafka_partition, kafka_offset`;
/** Also of a change that has left, it is known that it was there. */
export const LEDGER = 'SELECT partition_id, start_offset, rows_merged, rows_duplicate FROM sluice.batches ORDER BY ALL';

export const logOf = async (sink: AnySink) =>
  (await select(sink, LOG)).map(([partition, offset, key, type]) => ({ partition, offset, key, type }) as LogRow);

/** Values of messages, of which some are repeats, some are of a key of two types, and some are no JSON. */
export function randomOrders(random: Random, round: number, partition: number): string[] {
  return Array.from({ length: 1 + random.below(12) }, (_, n) => {
    if (random.next() < 0.1) return '{';
    // One that was merged long ago comes again.
    const id = random.next() < 0.15 ? token(1 + random.below(200)) : token(round * 100 + partition * 20 + n + 1);
    const key = random.below(14);
    // Most keys are of one type and partition.
    const order_id_type = key === 0 ? undefined : key === 1 ? random.pick(['string', 'number']) : 'string';
    const operation = random.next() < 0.2 ? 'delete' : 'update';
    return order(id, { order_id: `k${key}${key < 4 ? '' : partition}`, order_id_type, operation, status: id });
  });
}

/** How many messages are in the quarantine that were committed an hour ago. */
export async function oldQuarantined(sink: AnySink): Promise<unknown> {
  const [[quarantined]] = await select(
    sink,
    'SELECT count(*) FROM sluice.quarantine JOIN sluice.batches b ON ' +
      'quarantine.partition_id = b.partition_id AND message_offset >= start_offset ' +
      'AND message_offset < next_offset ' +
      'WHERE committed_at < now() - INTERVAL 1 HOUR',
  );
  return quarantined;
}
