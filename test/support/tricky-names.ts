/** A data directory whose columns have names that readers could trip over, and what they should read in it. */
import { join } from 'node:path';
import type { TableSpec } from '../../src/schema/spec.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import { makeBatch, openSink, TOPIC, temporaryDirectory } from './batches.js';

/** Keywords, functions, names of Kafka's and Hive's, and what other formats and libraries call their own columns. */
const TEXTS = [
  ...['partition', 'order', 'select', 'value', 'key', 'topic', 'offset', 'timestamp', 'from', 'group', 'table', 'all'],
  ...['default', 'array', 'map', 'struct', 'user', 'current_date', 'count', 'sum', 'min', 'row_number', 'len', 'name'],
  ...['index', 'level_0', 'columns', 'values', 'items', 'schema', 'metadata', 'ctid', 'oid', 'hive_partition'],
  ...['_id', '_hidden', '_file', '_pos', '_partition', '_row_id', '_c0', '_corrupt_record', '_change_type', '_'],
  ...['file_path', 'input_file_name', 'literal', 'union_by_name'],
];
const OTHERS = { cube: 'amount', date: 'date', int: 'int64', boolean: 'bool', localtimestamp: 'timestamp' } as const;

/** One row as text, by column. */
export type TextRow = Readonly<Record<string, string | null>>;

export interface TrickyDirectory {
  readonly dataDir: string;
  readonly spec: TableSpec;
  /** The topic's folder, with a file in each of two partitions. */
  readonly folder: string;
  /** The file of partition 0. */
  readonly file: string;
  /** By partition, without the folders' key. */
  readonly rows: readonly TextRow[];
}

/** Makes it. Call it within a test. */
export async function trickyDirectory(): Promise<TrickyDirectory> {
  const spec = parseSpec(
    JSON.stringify({
      table: 'changes',
      view: 'newest',
      columns: [
        { name: 'change_id', kind: 'text', required: true, role: 'change_id' },
        { name: 'the_key', kind: 'text', required: true, role: 'key' },
        ...TEXTS.map((name) => ({ name, kind: 'text' })),
        ...Object.entries(OTHERS).map(([name, kind]) => ({ name, kind })),
      ],
    }),
    'tricky names',
  );
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir, { spec });
  const files: string[] = [];
  for (const partition of [0, 1]) {
    const batch = await makeBatch(dataDir, partition, 0, [JSON.stringify(message(partition))], { spec });
    await sink.stage(batch);
    await sink.commit();
    files.push(batch.file!.path);
  }
  await sink.close();
  return { dataDir, spec, folder: join(dataDir, 'parquet', TOPIC), file: files[0], rows: [0, 1].map(row) };
}

function message(partition: number): Record<string, unknown> {
  return {
    ...{ change_id: `c${partition}`, the_key: `k${partition}` },
    ...Object.fromEntries(TEXTS.map((name) => [name, `${name} of ${partition}`])),
    ...{ cube: `${partition}.5`, date: `2026-01-0${partition + 1}`, int: partition, boolean: partition === 1 },
    localtimestamp: `2026-01-0${partition + 1}T01:02:03.000456Z`,
  };
}

function row(partition: number): TextRow {
  return {
    ...{ change_id: `c${partition}`, the_key: `k${partition}` },
    ...Object.fromEntries(TEXTS.map((name) => [name, `${name} of ${partition}`])),
    ...{
      cube: `${partition}.5000`,
      date: `2026-01-0${partition + 1}`,
      int: `${partition}`,
      boolean: `${partition === 1}`,
    },
    localtimestamp: `2026-01-0${partition + 1} 01:02:03.000456`,
    ...{ extra: null, is_high_value: 'false', is_late: 'false', issues: '0', kafka_partition: `${partition}` },
    ...{ kafka_offset: '0', kafka_timestamp: '2023-11-14 22:13:20.000000', change_seq: '0' },
  };
}
