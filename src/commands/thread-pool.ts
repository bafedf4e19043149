/** Node's threads for native work, which a run's parts share. */
import type { Config } from '../config.js';

/**
 * A worker's DuckDB, a commit, a compaction and a query each take one.
 * @returns what to do if there are too few, undefined if there are enough
 */
export function fewThreads({ worker: { workers }, parquet, threadPoolSize }: Config): string | undefined {
  const wanted = (parquet.parquetWriter === 'duckdb' ? workers : 0) + 3;
  if (threadPoolSize >= wanted - 1) return undefined;
  return `workers and commits share ${threadPoolSize} threads for native work: set UV_THREADPOOL_SIZE=${wanted}`;
}
