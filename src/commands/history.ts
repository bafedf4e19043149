/** `sluice history`: the changes of one key in order, or what it was at a time. */
import type { Command } from 'commander';
import { SECTIONS } from '../config.js';
import { SluiceError } from '../core/errors.js';
import { identifier, literal } from '../core/sql.js';
import { allRows, type SqlClient } from '../query/sql-client.js';
import type { TableSpec } from '../schema/spec.js';
import { parseSpec } from '../schema/spec-file.js';
import { keyOf, newestOf, presentOnes, snapshots } from '../sinks/duckdb/newest.js';
import { hasTables } from '../verify/ledger.js';
import type { CommandContext } from './context.js';
import { openConfigured } from './open-sql.js';
import { QUERY_FORMATS, query, queryFormat } from './query.js';
import { LAKE_SECTIONS, variablesHelp } from './variables-help.js';

interface HistoryOptions {
  readonly at?: string;
  readonly format?: string;
  readonly timeZone: string;
}

export function addHistoryCommand(program: Command, { environment, stdout }: CommandContext): void {
  program
    .command('history')
    .description('show the changes of one key in order, or what it was at a time')
    .addHelpText('after', variablesHelp(SECTIONS.storage, ...LAKE_SECTIONS, SECTIONS.log))
    .argument('<key>', 'value of the column in the role "key"')
    .option('--at <time>', 'what it was then: the newest of its changes that Kafka had; no row if it was deleted')
    .option('--format <format>', `${QUERY_FORMATS.join(', ')}; default: table on a terminal, else csv`)
    .option('--time-zone <zone>', 'shows and takes times in this zone, such as America/New_York', 'UTC')
    .action(async (key: string, { at, format, timeZone }: HistoryOptions) => {
      const chosen = queryFormat(format, stdout.isTerminal);
      const client = await openConfigured(environment().config);
      const spec = await readSpec(client);
      const sql = at === undefined ? changesOf(spec, key) : stateAt(spec, key, at);
      await query(client, {
        ...{ sql, format: chosen, timeZone, width: stdout.width },
        write: (piece) => stdout.write(piece),
      });
    });
}

/**
 * The table spec of the last start.
 * @throws SluiceError SLUICE_CONFIG if there are no tables yet; the client is closed then
 */
export async function readSpec(client: SqlClient): Promise<TableSpec> {
  try {
    if (!(await hasTables(client))) {
      throw new SluiceError('SLUICE_CONFIG', 'there are no changes yet: "sluice run" makes the tables');
    }
    const [{ spec }] = await allRows(client, 'SELECT spec FROM sluice.meta');
    return parseSpec(typeof spec === 'string' ? spec : JSON.stringify(spec), 'of the last start');
  } catch (thrown) {
    client.close();
    throw thrown;
  }
}

/** SQL: all changes of a key. Partitions follow each other as in the view of the newest state: the newest is last. */
export function changesOf(spec: TableSpec, key: string): string {
  return `FROM ${identifier(spec.table)} WHERE ${keyOf(spec)} = ${literal(key)}
    ORDER BY arg_max_null(kafka_timestamp, kafka_offset) OVER (PARTITION BY kafka_partition) NULLS FIRST,
      kafka_partition, kafka_offset`;
}

/** SQL: what a key was, as the view of the newest state had it. */
export function stateAt(spec: TableSpec, key: string, time: string): string {
  const [table, until] = [identifier(spec.table), `kafka_timestamp <= TIMESTAMPTZ ${literal(time)}`];
  const rows = `(FROM ${table} WHERE ${keyOf(spec)} = ${literal(key)} AND ${until})`;
  return `WITH ${newestOf(spec, rows)},
"the rows" AS (SELECT * FROM ${rows} SEMI JOIN "the newest" USING (kafka_partition, kafka_offset))
${snapshots(spec, `(FROM sluice.markers WHERE ${until})`)}
SELECT "the rows".* FROM "the rows" ${presentOnes(spec, '"the rows"')}`;
}
