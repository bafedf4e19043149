import type { BatchResult } from '../../core/flow.js';
import { literal } from '../../core/sql.js';
import type { StagedRows } from './staged-rows.js';

/**
 * Rows that stay in place: in the Parquet files of the group's batches, under the temporary names that they have
 * until just before the commit.
 */
export class FileStaging implements StagedRows {
  relation(batches: readonly BatchResult[]): string {
    const paths = batches.flatMap(({ file }) => (file === undefined ? [] : [literal(file.tempPath)]));
    return `read_parquet([${paths.join(', ')}], hive_partitioning = false)`;
  }

  async append(): Promise<void> {}

  flush(): void {}

  async clear(): Promise<void> {}
}
