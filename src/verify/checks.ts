/**
 * The proof: ledger, Parquet files and DuckDB checked against each other. Every check reads what it compares in one
 * statement, so that it also holds while a process commits.
 */
import type { SqlClient } from '../query/sql-client.js';
import type { CheckResult, VerifyScope } from './check.js';
import { fileChecks } from './files.js';
import { lakeChecks } from './lake-files.js';
import { ledgerChecks } from './ledger.js';
import { stateChecks } from './state.js';

/** Runs all checks that need no Kafka. */
export async function* checks(client: SqlClient, scope: VerifyScope): AsyncGenerator<CheckResult> {
  yield* ledgerChecks(client, scope);
  yield* stateChecks(client, scope);
  yield* scope.lake === undefined ? fileChecks(client, scope) : lakeChecks(client, scope, scope.lake);
}
