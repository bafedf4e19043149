/** `sluice spec --diff`: what a start with a table spec would change in a data directory, or refuse. */
import type { Config } from '../config.js';
import { identifier } from '../core/sql.js';
import { allRows, type SqlClient } from '../query/sql-client.js';
import { MAX_PATH_DEPTH, pathText } from '../schema/field-path.js';
import type { SpecColumn, TableSpec } from '../schema/spec.js';
import { specChanges } from '../schema/spec-changes.js';
import { parseSpec } from '../schema/spec-file.js';
import { extraSpec } from '../sinks/duckdb/backfill-rows.js';
import { duckdbType } from '../sinks/duckdb/columns.js';
import { readScope } from '../verify/ledger.js';
import { openConfigured } from './open-sql.js';
import { readSample } from './spec-sample.js';

/**
 * Changes nothing, and works beside a run.
 * @param file where the spec is from, as `--spec` takes it
 * @param last of at most how many of the newest rows `extra` is looked at for new columns
 * @returns whether a start would take the spec, and all of it in words
 */
export async function specDiff(
  config: Config,
  spec: TableSpec,
  { file, last }: { readonly file: string; readonly last: number },
): Promise<{ readonly accepted: boolean; readonly text: string }> {
  const client = await openConfigured(config);
  try {
    const scope = await readScope(client, config.dataDir);
    const known = parseSpec(JSON.stringify(scope.spec), 'of the data directory');
    const described = await allRows(client, `DESCRIBE ${identifier(known.table)}`);
    const types = new Map(described.map((row) => [String(row.column_name), String(row.column_type)]));
    const bits = await allRows(client, 'SELECT name FROM sluice.columns');
    const withBits = new Set(bits.map(({ name }) => String(name)));
    const { added, changed, refused } = specChanges({ spec: known, types, withBits }, spec, duckdbType);
    const looked = refused.length > 0 ? [] : added;
    const found = await inExtra(client, config, extraSpec(spec, looked.filter(isInExtra)), last);
    const lines = [
      ...refused.map((why) => `refused  ${why}`),
      ...added.map(({ name, kind, paths }) => {
        const from = paths.map(pathText).join(', ');
        const what = found.get(name);
        const filled = what === undefined ? '' : `; ${what}: "sluice backfill ${name} --spec ${file}"`;
        return `added    column ${name}, ${kind} from ${from}: earlier rows have NULL${filled}`;
      }),
      ...changed.map((what) => `changed  ${what}`),
    ];
    const text = lines.length === 0 ? 'the data directory has this table spec\n' : `${lines.join('\n')}\n`;
    return { accepted: refused.length === 0, text };
  } finally {
    client.close();
  }
}

/** Whether `extra` of earlier rows can have its values. */
function isInExtra({ role, paths }: SpecColumn): boolean {
  return role === undefined && paths.every(({ of, names }) => of === 'value' || names.length < MAX_PATH_DEPTH);
}

/** How many of the newest rows have a value of these columns in `extra`, by column. */
async function inExtra(
  client: SqlClient,
  { maskKey }: Config,
  spec: TableSpec,
  last: number,
): Promise<Map<string, string>> {
  if (spec.columns.length === 0) return new Map();
  const rows = await allRows(
    client,
    `SELECT extra FROM ${identifier(spec.table)}
       ORDER BY kafka_timestamp DESC NULLS LAST, kafka_offset DESC LIMIT ${last}`,
  );
  if (rows.length === 0) return new Map();
  const messages = rows.flatMap(({ extra }) =>
    extra === null ? [] : [{ key: null, value: Buffer.from(String(extra)) }],
  );
  const reading = readSample(spec, messages, maskKey);
  return new Map(
    spec.columns.map(({ name }, index) => {
      const { values, issues } = reading.columns[index];
      const bad = issues === 0 ? '' : `, ${issues} have one that it cannot take`;
      return [name, `of the last ${rows.length} rows, ${values} have a value in extra${bad}`];
    }),
  );
}
