/** What the spec expects of the values of columns, and how often that failed. */
import { ResultTableView } from './result-table.js';
import { useQuery } from './use-query.js';

const EXPECTATIONS = `WITH expected AS (
  SELECT unnest(from_json(json_extract(spec, '$.expectations'),
    '[{"name":"VARCHAR","column":"VARCHAR","action":"VARCHAR"}]')) AS each FROM sluice.meta),
failures AS (
  SELECT failed.key AS name, sum(failed.value)::BIGINT AS failed, count(*) AS batches, max(committed_at) AS "last"
  FROM (SELECT committed_at, unnest(map_entries(failed_expectations)) AS failed FROM sluice.batches) GROUP BY ALL)
SELECT each.name AS expectation, coalesce(each.column, '') AS column, each.action AS action,
  coalesce(failed, 0) AS failed, coalesce(batches, 0) AS batches,
  coalesce("last"::TIMESTAMP(0)::VARCHAR, '') AS "last (UTC)"
FROM expected LEFT JOIN failures
  ON failures.name = CASE each.action WHEN 'quarantine' THEN 'expectation:' ELSE '' END || each.name`;

export function ExpectationsView() {
  const { table, problem, again } = useQuery(EXPECTATIONS);
  if (problem !== undefined)
    return (
      <p class="bad" role="alert">
        {problem}
      </p>
    );
  if (table === undefined) return <p>Asking …</p>;
  if (table.rows.length === 0) return <p>The table spec has no expectations.</p>;
  return (
    <>
      <p>
        Rows and messages that failed, of all batches in the ledger.{' '}
        <button type="button" onClick={again}>
          Refresh
        </button>
      </p>
      <ResultTableView caption="Expectations" {...table} isGrouped />
    </>
  );
}
