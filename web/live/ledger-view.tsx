/** The ledger: what each partition came to, and its last batches. */
import { ResultTableView } from './result-table.js';
import { useQuery } from './use-query.js';

const PARTITIONS = `SELECT partition_id AS partition, count(*) AS batches,
  min(start_offset) AS "from", max(next_offset) AS "to",
  sum(rows_consumed)::BIGINT AS messages, sum(rows_merged)::BIGINT AS rows, sum(rows_duplicate)::BIGINT AS duplicates,
  sum(rows_quarantined)::BIGINT AS quarantined, sum(rows_tombstone)::BIGINT AS tombstones
FROM sluice.batches GROUP BY partition_id ORDER BY partition_id`;

const BATCHES = `SELECT committed_at::TIMESTAMP(0)::VARCHAR AS "committed (UTC)", partition_id AS partition,
  start_offset AS "from", next_offset AS "to", rows_consumed AS messages, rows_merged AS rows,
  rows_duplicate AS duplicates, rows_quarantined AS quarantined, round(kernel_seconds * 1000, 1) AS "kernel ms", file
FROM sluice.batches ORDER BY committed_at DESC, partition_id, start_offset DESC LIMIT 100`;

export function LedgerView() {
  const partitions = useQuery(PARTITIONS);
  const batches = useQuery(BATCHES);
  const problem = partitions.problem ?? batches.problem;
  return (
    <>
      <p>
        Each batch is a row of <code>sluice.batches</code>, written in the transaction of its rows.{' '}
        <button
          type="button"
          onClick={() => {
            partitions.again();
            batches.again();
          }}
        >
          Refresh
        </button>
      </p>
      {problem !== undefined && (
        <p class="bad" role="alert">
          {problem}
        </p>
      )}
      {partitions.table && <ResultTableView caption="By partition" {...partitions.table} isGrouped />}
      {batches.table && <ResultTableView caption="The last 100 batches" {...batches.table} isGrouped />}
    </>
  );
}
