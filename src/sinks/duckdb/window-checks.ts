/**
 * Expectations of many rows that no worker sees together: rates of a minute, and uniqueness. The change log is asked,
 * in the transaction that adds the rows.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import { stopError } from '../../core/failed-expectations.js';
import type { BatchResult, FailedExpectation } from '../../core/flow.js';
import { rowsOf } from '../../core/sql.js';
import { MINUTE, type WindowTest, windowTest } from '../../schema/expectation-sql.js';
import type { Expectation } from '../../schema/expectations.js';
import type { TableSpec } from '../../schema/spec.js';

interface WindowCheck {
  readonly expectation: Expectation;
  readonly test: WindowTest;
}

/**
 * Adds what batches fail whose rows the change log has. A minute counts when it fails first, for the first batch.
 * @param log its table as SQL
 * @throws SluiceError SLUICE_EXPECTATION if one of the expectations stops the run; DuckDB's error
 */
export async function checkWindows(
  connection: DuckDBConnection,
  { table, spec }: { readonly table: string; readonly spec: TableSpec },
  batches: readonly BatchResult[],
): Promise<BatchResult[]> {
  const checked = [...batches];
  const checks = windowChecks(spec);
  if (checks.length === 0 || checked.every(({ stats }) => stats.merged === 0)) return checked;
  for (const { expectation, test } of checks) {
    const failing =
      test.per === 'batch'
        ? await failingBatches(connection, table, test, batches)
        : await failingMinutes(connection, table, test, batches);
    for (const [index, failed] of failing) {
      const failure: FailedExpectation = { name: expectation.name, action: expectation.action, failed };
      if (expectation.action === 'stop') throw stopError(failure, checked[index]);
      const { failedExpectations = [] } = checked[index];
      checked[index] = { ...checked[index], failedExpectations: [...failedExpectations, failure] };
    }
  }
  return checked;
}

/** The rest is seen by the worker of a batch. */
function windowChecks({ expectations }: TableSpec): WindowCheck[] {
  return expectations.flatMap((expectation) => {
    const test = windowTest(expectation);
    const isSeen = test?.per === 'batch' && expectation.unique === undefined;
    return test === undefined || isSeen ? [] : [{ expectation, test }];
  });
}

function rowsOfBatch({ partition, startOffset, nextOffset }: BatchResult): string {
  return `kafka_partition = ${partition} AND kafka_offset >= ${startOffset} AND kafka_offset < ${nextOffset}`;
}

/** Places of batches, each with 1. */
async function failingBatches(
  connection: DuckDBConnection,
  table: string,
  { measure, allowed }: WindowTest,
  batches: readonly BatchResult[],
): Promise<[index: number, failed: number][]> {
  const each = batches.map(
    (batch, index) => `SELECT ${index} AS batch, ${measure()} AS measure FROM ${table} WHERE ${rowsOfBatch(batch)}`,
  );
  const failing = await rowsOf(
    connection,
    `SELECT batch FROM (${each.join(' UNION ALL ')}) WHERE measure > ${allowed} ORDER BY batch`,
  );
  return failing.map(({ batch }) => [Number(batch), 1]);
}

/** How many minutes fail that did not without these batches: the first batch has them. */
async function failingMinutes(
  connection: DuckDBConnection,
  table: string,
  { measure, allowed }: WindowTest,
  batches: readonly BatchResult[],
): Promise<[index: number, failed: number][]> {
  const isNew = batches.map((batch) => `(${rowsOfBatch(batch)})`).join(' OR ');
  const [{ first, last }] = await rowsOf(
    connection,
    `SELECT min(${MINUTE})::BIGINT AS first, max(${MINUTE})::BIGINT AS last FROM ${table} WHERE ${isNew}`,
  );
  if (first === null) return [];
  const from = (minute: unknown, more = 0n) => `make_timestamptz(${(BigInt(minute as bigint) + more) * 60_000_000n})`;
  const [{ minutes }] = await rowsOf(
    connection,
    `SELECT count(*) AS minutes FROM (
       SELECT ${MINUTE} AS minute FROM ${table}
       WHERE kafka_timestamp >= ${from(first)} AND kafka_timestamp < ${from(last, 1n)}
         AND ${MINUTE} IN (SELECT DISTINCT ${MINUTE} FROM ${table} WHERE ${isNew})
       GROUP BY minute
       HAVING ${measure()} > ${allowed} AND NOT coalesce(${measure(`NOT (${isNew})`)} > ${allowed}, false))`,
  );
  return Number(minutes) === 0 ? [] : [[0, Number(minutes)]];
}
