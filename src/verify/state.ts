/** The newest state, if it is a table, against the change log. Each check is one statement: it has one snapshot. */
import { identifier } from '../core/sql.js';
import { allRows, type SqlClient } from '../query/sql-client.js';
import type { TableSpec } from '../schema/spec.js';
import { parseSpec } from '../schema/spec-file.js';
import { DUCKDB_STATE } from '../sinks/duckdb/merged-row.js';
import { newestOfLog } from '../sinks/duckdb/newest.js';
import { HAS_STATE } from '../sinks/duckdb/state.js';
import { stateDifferences } from '../sinks/duckdb/state-merge.js';
import { LAKE_STATE } from '../sinks/ducklake/state.js';
import { RETENTION_FORMAT } from '../storage/data-dir.js';
import { type CheckResult, lines, MAX_PROBLEMS, problemsOf, type VerifyScope } from './check.js';

/** Runs the checks of the state; none if it is no table. */
export async function* stateChecks(client: SqlClient, { lake }: VerifyScope): AsyncGenerator<CheckResult> {
  const [{ has_state }] = await allRows(client, HAS_STATE);
  if (has_state !== true) return;
  const [meta] = await allRows(client, 'SELECT spec, format_version FROM sluice.meta');
  const spec = parseSpec(typeof meta.spec === 'string' ? meta.spec : JSON.stringify(meta.spec), 'of the last start');
  const room = lake === undefined ? DUCKDB_STATE : LAKE_STATE;
  const hasAllFirst = Number(meta.format_version) < RETENTION_FORMAT;
  yield {
    name: `sluice.state has the last changes in ${spec.table} up to where it was merged`,
    problems: await problemsOf(() =>
      lines(client, `${stateDifferences(spec, room, hasAllFirst)} LIMIT ${MAX_PROBLEMS}`),
    ),
    notes: [],
  };
  yield {
    name: `${spec.view} has the newest change of each key in ${spec.table}`,
    problems: await problemsOf(() => lines(client, viewDifferences(spec))),
    notes: [],
  };
}

function viewDifferences(spec: TableSpec): string {
  const rows = (select: string, name: string) =>
    `(SELECT kafka_partition, kafka_offset, hash("the row") AS ${name} FROM (${select}) "the row")`;
  return `SELECT format('partition {}, offset {}: {}', kafka_partition, kafka_offset, CASE WHEN shown IS NULL
      THEN 'missing in the view' WHEN wanted IS NULL THEN 'in the view, and not the newest' ELSE 'other values' END)
    FROM ${rows(`FROM ${identifier(spec.view)}`, 'shown')} FULL JOIN ${rows(newestOfLog(spec), 'wanted')}
    USING (kafka_partition, kafka_offset) WHERE shown IS DISTINCT FROM wanted ORDER BY ALL LIMIT ${MAX_PROBLEMS}`;
}
