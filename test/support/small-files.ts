/** Small Parquet files to join. */
import { join } from 'node:path';
import type { ParquetWriterName } from '../../src/parquet/parquet-writer.js';
import type { DuckDbSink } from '../../src/sinks/duckdb/sink.js';
import { listFiles } from '../../src/storage/data-dir.js';
import { makeBatch, order, token } from './batches.js';

/** Commits `count` groups: of partition 0 two rows and a tombstone, of partition 1 one row or every other time none. */
export async function commitBatches(
  dataDir: string,
  sink: DuckDbSink,
  count: number,
  from = 0,
  writers: readonly ParquetWriterName[] = ['duckdb'],
): Promise<void> {
  for (let index = from; index < from + count; index++) {
    const rows = [0, 1].map((n) =>
      order(token(1 + index, n), { amount: `${index}.5`, items: [index], late: 'ünïcode' }),
    );
    const parquetWriter = writers[index % writers.length];
    await sink.stage(await makeBatch(dataDir, 0, index * 3, [...rows, null], { parquetWriter }));
    await sink.stage(await makeBatch(dataDir, 1, index, [index % 2 ? '{' : order(`p1-${index}`)], { parquetWriter }));
    await sink.commit();
  }
}

/** Absolute paths. */
export const parquetFiles = (dataDir: string) => listFiles(join(dataDir, 'parquet')).sort();

/** SQL: all rows of the files. */
export const contentOf = (dataDir: string) =>
  `FROM read_parquet('${dataDir}/parquet/*/*/*.parquet', union_by_name = true) ORDER BY kafka_partition, kafka_offset`;
