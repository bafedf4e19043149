/** The expectations of a spec held against what the table of changes has. Each statement has one snapshot. */
import { identifier } from '../core/sql.js';
import { allRows, type SqlClient } from '../query/sql-client.js';
import { failingRow, MINUTE, type WindowTest, windowTest } from '../schema/expectation-sql.js';
import { type Expectation, rowChecks, testOf } from '../schema/expectations.js';
import { roleColumn, type TableSpec } from '../schema/spec.js';
import { RETENTION_FORMAT } from '../storage/data-dir.js';
import type { LedgerCheck } from './ledger.js';

/** What became of an expectation. */
export interface Verdict {
  readonly name: string;
  readonly action: string;
  readonly test: string;
  readonly column: string | null;
  /** Rows, or windows. */
  readonly checked: number;
  readonly failed: number;
  /** The highest share, number of repetitions or age in milliseconds; null of rows, and if there is none. */
  readonly observed: number | null;
}

/** Verdicts in the order of the spec; of an empty table nothing fails. */
export async function expectationVerdicts(client: SqlClient, spec: TableSpec): Promise<Verdict[]> {
  const ofRows = await rowVerdicts(client, spec);
  const verdicts: Verdict[] = [];
  for (const [index, expectation] of spec.expectations.entries()) {
    verdicts.push(ofRows.get(index) ?? verdictOf(expectation, await windowCounts(client, spec, expectation)));
  }
  return verdicts;
}

interface Counts {
  readonly checked: unknown;
  readonly failed: unknown;
  readonly observed?: unknown;
}

function verdictOf(expectation: Expectation, { checked, failed, observed = null }: Counts): Verdict {
  const { name, action, column = null } = expectation;
  return {
    ...{ name, action, test: testOf(expectation), column, checked: Number(checked), failed: Number(failed) },
    observed: observed === null ? null : Number(observed),
  };
}

/** By the place of the expectation, of all that rows pass or fail by themselves: one scan. */
async function rowVerdicts(client: SqlClient, spec: TableSpec): Promise<Map<number, Verdict>> {
  const checks = rowChecks(spec);
  if (checks.length === 0) return new Map();
  const counts = checks.map(({ index, expectation }) => {
    return `count(*) FILTER (${failingRow(spec, expectation)})::DOUBLE AS failed_${index}`;
  });
  const [row] = await allRows(
    client,
    `SELECT count(*)::DOUBLE AS checked, ${counts.join(', ')} FROM ${identifier(spec.table)}`,
  );
  return new Map(
    checks.map(({ index, expectation }) => [
      index,
      verdictOf(expectation, { checked: row.checked, failed: row[`failed_${index}`] }),
    ]),
  );
}

async function windowCounts(client: SqlClient, spec: TableSpec, expectation: Expectation): Promise<Counts> {
  const test = windowTest(expectation);
  const [row] = await allRows(client, test === undefined ? ageQuery(spec, expectation) : windowQuery(spec, test));
  return row as unknown as Counts;
}

function windowQuery({ table }: TableSpec, { per, measure, allowed }: WindowTest): string {
  const rows =
    per === 'minute'
      ? `${identifier(table)} WHERE kafka_timestamp IS NOT NULL GROUP BY ${MINUTE}`
      : `${identifier(table)} ASOF JOIN sluice.batches
           ON kafka_partition = partition_id AND kafka_offset >= start_offset GROUP BY partition_id, start_offset`;
  return `SELECT count(*)::DOUBLE AS checked, count(*) FILTER (measure > ${allowed})::DOUBLE AS failed,
      max(measure)::DOUBLE AS observed FROM (SELECT ${measure()} AS measure FROM ${rows})`;
}

/** Of the newest event time, now. */
function ageQuery(spec: TableSpec, { freshness }: Expectation): string {
  const column = identifier(roleColumn(spec, 'event_time')!.name);
  return `SELECT count(age)::DOUBLE AS checked, count(*) FILTER (age > ${freshness!.max_ms})::DOUBLE AS failed,
      max(age)::DOUBLE AS observed
    FROM (SELECT ${Date.now()} - epoch_ms(max(${column})) AS age FROM ${identifier(spec.table)})`;
}

/**
 * A check of `verify`: ledger and quarantine agree on what was quarantined, in partitions where both are whole.
 */
export function expectationCheck(format: number, hasReplays: boolean): LedgerCheck {
  const replayed = hasReplays ? 'UNION ALL SELECT partition_id, reason FROM sluice.replays' : '';
  const retired = format < RETENTION_FORMAT ? '' : 'OR quarantine_retired > 0';
  return {
    name: 'the quarantine has the messages that the ledger counts for each expectation, less those replayed',
    needsFormat: 2,
    problems: `SELECT format('partition {}: {} messages of {}, the ledger says {}', partition_id,
        coalesce(messages, 0), reason, coalesce(counted, 0))
      FROM (SELECT partition_id, reason, count(*) AS messages
        FROM (SELECT partition_id, reason FROM sluice.quarantine ${replayed}) GROUP BY ALL)
      FULL JOIN (SELECT partition_id, failed.key AS reason, sum(failed.value) AS counted
        FROM (SELECT partition_id, unnest(map_entries(failed_expectations)) AS failed FROM sluice.batches) GROUP BY ALL)
      USING (partition_id, reason)
      WHERE starts_with(reason, 'expectation:') AND coalesce(messages, 0) <> coalesce(counted, 0)
        AND partition_id NOT IN (SELECT partition_id FROM sluice.batches WHERE kind = 'recovered' ${retired})
      ORDER BY partition_id, reason`,
  };
}
