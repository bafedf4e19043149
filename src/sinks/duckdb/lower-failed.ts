/**
 * SQL: takes messages that leave from what the ledger counts for each expectation, as long as the quarantine or the
 * replays have them.
 * @param leaving relation of their partition_id and message_offset
 */
export function lowerFailed(partition: number, leaving: string, hasReplays: boolean): string {
  const failed = (table: string) => `SELECT partition_id, message_offset, reason FROM sluice.${table}`;
  const kept = [failed('quarantine'), ...(hasReplays ? [failed('replays')] : [])].join(' UNION ALL ');
  return `UPDATE sluice.batches SET failed_expectations = less FROM (
      SELECT "the start", map(list(name) FILTER (counted > gone), list(counted - gone) FILTER (counted > gone)) AS less
      FROM (
        SELECT "the start", failed.key AS name, failed.value AS counted, count(reason) AS gone
        FROM (SELECT start_offset AS "the start", next_offset, unnest(map_entries(failed_expectations)) AS failed
          FROM sluice.batches WHERE partition_id = ${partition})
        LEFT JOIN (FROM (${kept}) SEMI JOIN ${leaving} l USING (partition_id, message_offset))
          ON reason = failed.key AND "the start" <= message_offset AND message_offset < next_offset
        GROUP BY ALL)
      GROUP BY "the start" HAVING sum(gone) > 0)
    WHERE partition_id = ${partition} AND start_offset = "the start"`;
}
