/** The rows of a commit group until they are committed: a relation that statements read. */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { BatchResult, MergeFrom } from '../../core/flow.js';
import type { TableSpec } from '../../schema/spec.js';
import { FileStaging } from './file-staging.js';

export interface StagedRows {
  /** SQL: the rows of some of the batches that were appended. There is no such relation if they have none. */
  relation(batches: readonly BatchResult[]): string;
  append(batch: BatchResult): Promise<void>;
  /** Makes everything that was appended visible to queries. */
  flush(): void;
  /** Makes it empty. */
  clear(): Promise<void>;
}

export interface StagingOptions {
  readonly spec: TableSpec;
  /** Where the rows of a transaction come from. */
  readonly mergeFrom: MergeFrom;
}

/** Empty ones. @param table in the attached database `staging`, for rows that come as Arrow */
export async function openStagedRows(
  connection: DuckDBConnection,
  { spec, mergeFrom }: StagingOptions,
  table: string,
): Promise<StagedRows> {
  if (mergeFrom === 'parquet') return new FileStaging();
  // Loaded only if it is used: Arrow's library takes a while.
  const { ArrowStaging } = await import('./staging.js');
  const staging = new ArrowStaging(connection, spec, 'staging', table);
  await staging.clear();
  return staging;
}
