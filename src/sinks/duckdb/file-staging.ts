import type { BatchResult } from '../../core/flow.js';
import { literal } from '../../core/sql.js';
import type { StagedRows } from './staged-rows.js';

/**
 * Rows where they are already: in the Parquet files of the group's batches, under the temporary names that they have
 * until just before the commit.
 */
export class FileStaging implements StagedRows {
  #paths: string[] = [];

  get relation(): string {
    return `read_parquet([${this.#paths.map(literal).join(', ')}], hive_partitioning = false)`;
  }

  async append({ file }: BatchResult): Promise<void> {
    if (file !== undefined) this.#paths.push(file.tempPath);
  }

  flush(): void {}

  async clear(): Promise<void> {
    this.#paths = [];
  }
}
