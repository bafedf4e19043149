/** Table spec → DuckDB: the tables of a data directory, and how they follow a spec that has changed. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { SluiceError } from '../../core/errors.js';
import { identifier, literal, rowsOf } from '../../core/sql.js';
import { pathText } from '../../schema/field-path.js';
import { type Mask, unmaskedBy } from '../../schema/mask.js';
import {
  roleColumn,
  type SpecColumn,
  type StoredSpec,
  specJson,
  type TableColumn,
  type TableSpec,
  tableColumns,
} from '../../schema/spec.js';
import { parseSpec } from '../../schema/spec-file.js';
import { specHash } from '../../schema/spec-hash.js';
import { FORMAT_VERSION } from '../../storage/data-dir.js';
import { duckdbType, storedColumn } from './columns.js';
import { DUCKDB_LAYOUT, issueBits, openFormat } from './format.js';
import { moveMarkers } from './markers.js';
import { newestOfLog } from './newest.js';
import type { StateKind } from './settings.js';
import { openState, stateView } from './state.js';

/** `"name" TYPE, …` of the spec's table. */
export function columnDefinitions(spec: TableSpec): string {
  return tableColumns(spec)
    .map((column) => `${identifier(column.name)} ${duckdbType(column)}`)
    .join(', ');
}

/**
 * Makes what is missing, and brings an existing table in line with the spec: new columns are added, columns that the
 * spec no longer has stay and get NULL. The change log has no index: an index costs more per row than all the rest, and
 * uniqueness comes from the sink.
 * @param state where the view of the newest state reads; undefined: as it is
 * @returns the bit of `issues` that each column of the spec has
 * @throws SluiceError SLUICE_SPEC_CHANGED when a column has another kind or rows have another identity, SLUICE_CONFIG
 * when the directory belongs to another topic or to a newer Sluice
 */
export async function migrate(
  connection: DuckDBConnection,
  spec: TableSpec,
  topic: string,
  layout = DUCKDB_LAYOUT,
  state?: StateKind,
): Promise<number[]> {
  await openFormat(connection, topic, layout);
  const table = identifier(spec.table);
  const missing = await missingColumns(connection, spec);
  await checkSpec(connection, spec);
  const columns = tableColumns(spec).map((column) => storedColumn(spec, column, layout));
  await connection.run(`CREATE TABLE IF NOT EXISTS ${table} (${columns.join(', ')})`);
  for (const column of missing) {
    await connection.run(`ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS ${storedColumn(spec, column, layout)}`);
  }
  await connection.run('BEGIN');
  try {
    const bits = await issueBits(connection, spec);
    if (await writeSpec(connection, spec, topic)) await moveMarkers(connection, spec, topic);
    const hasState = await openState(connection, spec, layout.state, state);
    const select = hasState ? await stateView(connection, spec, layout.state) : newestOfLog(spec);
    await connection.run(`CREATE OR REPLACE VIEW ${identifier(spec.view)} AS\n${select}`);
    await connection.run('COMMIT');
    return bits;
  } catch (thrown) {
    await connection.run('ROLLBACK').catch(() => {});
    throw thrown;
  }
}

/** @returns whether it is another spec than before: rows that are markers to it may have been changes to that one */
async function writeSpec(connection: DuckDBConnection, spec: TableSpec, topic: string): Promise<boolean> {
  const hash = specHash(spec);
  const [known] = await rowsOf(connection, 'SELECT spec_hash FROM sluice.meta');
  if (known?.spec_hash === hash) return false;
  const [json, format] = [literal(specJson(spec)), FORMAT_VERSION];
  await keepLeavingMasks(connection, spec);
  await connection.run(
    known === undefined
      ? `INSERT INTO sluice.meta (format_version, created_format, topic, spec, spec_hash, changed_at)
         VALUES (${format}, ${format}, ${literal(topic)}, ${json}, '${hash}', now())`
      : `UPDATE sluice.meta SET spec = ${json}, spec_hash = '${hash}', changed_at = now()`,
  );
  return known !== undefined;
}

/** The spec's columns that the table does not have yet; all of them if there is no table. */
async function missingColumns(connection: DuckDBConnection, spec: TableSpec): Promise<TableColumn[]> {
  const existing = await rowsOf(
    connection,
    `SELECT column_name, data_type FROM duckdb_columns()
     WHERE database_name = current_database() AND schema_name = 'main' AND table_name = ${literal(spec.table)}`,
  );
  const types = new Map(existing.map(({ column_name, data_type }) => [column_name, data_type]));
  for (const column of tableColumns(spec)) {
    const { name } = column;
    const known = types.get(name);
    const wanted = duckdbType(column);
    if (known !== undefined && known !== wanted) throw kindChanged(spec, name, String(known), wanted);
  }
  return tableColumns(spec).filter(({ name }) => !types.has(name));
}

async function checkSpec(connection: DuckDBConnection, spec: TableSpec): Promise<void> {
  const [meta] = await rowsOf(connection, 'SELECT spec FROM sluice.meta');
  if (meta !== undefined) checkStoredSpec(JSON.parse(String(meta.spec)) as StoredSpec, spec);
  checkMasks(await leftColumns(connection), spec);
}

/**
 * What the types of the table's columns do not tell: text and json are both VARCHAR, and a role leaves no trace.
 * @param known that of the directory's last start
 * @throws SluiceError SLUICE_SPEC_CHANGED
 */
export function checkStoredSpec(known: StoredSpec, spec: TableSpec): void {
  const kinds = new Map(known.columns.map(({ name, kind }) => [name, kind]));
  for (const { name, kind } of spec.columns) {
    const before = kinds.get(name);
    if (before !== undefined && before !== kind) throw kindChanged(spec, name, before, kind);
  }
  checkMasks(known.columns, spec);
  checkFields(known, spec);
  const identity = (of: StoredSpec) => {
    const changeId = roleColumn(of, 'change_id');
    return `table ${of.table} ${changeId ? `with the change id ${changeId.name}` : 'without a change id'}`;
  };
  if (identity(known) === identity(spec)) return;
  throw new SluiceError(
    'SLUICE_SPEC_CHANGED',
    `the data directory has the ${identity(known)}, the table spec has the ${identity(spec)}: change the spec back, ` +
      'or move the data directory away and read the topic again',
  );
}

type MaskedColumn = Pick<SpecColumn, 'name' | 'mask'>;

/** Columns that a spec of before had and a later one did not, and their masks: rows of then still have them. */
export const LEFT_COLUMNS = 'CREATE TABLE IF NOT EXISTS sluice.left_columns (name VARCHAR NOT NULL, mask VARCHAR)';

async function leftColumns(connection: DuckDBConnection): Promise<MaskedColumn[]> {
  const tables = await rowsOf(
    connection,
    `SELECT 1 FROM duckdb_tables()
     WHERE database_name = current_database() AND schema_name = 'sluice' AND table_name = 'left_columns'`,
  );
  const rows = tables.length === 0 ? [] : await rowsOf(connection, 'SELECT name, mask FROM sluice.left_columns');
  return rows.map(({ name, mask }) => ({
    name: String(name),
    ...(mask !== null && { mask: JSON.parse(String(mask)) as Mask }),
  }));
}

/** Of columns that the spec of the last start has and this one has not. */
async function keepLeavingMasks(connection: DuckDBConnection, spec: TableSpec): Promise<void> {
  const [meta] = await rowsOf(connection, 'SELECT spec FROM sluice.meta');
  if (meta === undefined) return;
  const names = new Set([...spec.columns, ...(await leftColumns(connection))].map(({ name }) => name));
  const leaving = (JSON.parse(String(meta.spec)) as StoredSpec).columns.filter(({ name }) => !names.has(name));
  if (leaving.length === 0) return;
  await connection.run(LEFT_COLUMNS);
  const rows = leaving.map(({ name, mask }) => {
    return `(${literal(name)}, ${mask === undefined ? 'NULL' : literal(JSON.stringify(mask))})`;
  });
  await connection.run(`INSERT INTO sluice.left_columns VALUES ${rows.join(', ')}`);
}

/** Rows from before would have another mask, or none, beside those of now. */
function checkMasks(known: readonly MaskedColumn[], spec: TableSpec): void {
  const text = (mask: unknown) => (mask === undefined ? 'no mask' : `the mask ${JSON.stringify(mask)}`);
  const before = new Map(known.map(({ name, mask }) => [name, text(mask)]));
  for (const { name, mask } of spec.columns) {
    const [was, is] = [before.get(name), text(mask)];
    if (was === undefined || was === is) continue;
    throw new SluiceError(
      'SLUICE_SPEC_CHANGED',
      `column ${name} of ${spec.table} has ${was} in the data directory, and ${is} in the table spec: give what is ` +
        'masked otherwise a new name in the spec, or move the data directory away and read the topic again',
    );
  }
}

/** What was masked as a column, or by its path, must not come out because the spec does not mention it anymore. */
function checkFields(known: StoredSpec, spec: TableSpec): void {
  // Specs of before there were masks may have other forms.
  if (known.masks === undefined && known.columns.every(({ mask }) => mask === undefined)) return;
  const [path] = unmaskedBy(parseSpec(JSON.stringify(known), 'of the data directory'), spec);
  if (path === undefined) return;
  throw new SluiceError(
    'SLUICE_SPEC_CHANGED',
    `the field ${pathText(path)} has a mask in the data directory, and none in the table spec, which would keep it ` +
      'as it is in "extra" or inside of a column: mask it in "masks", leave it out in "ignore", or give it a column',
  );
}

function kindChanged(spec: TableSpec, name: string, before: string, after: string): SluiceError {
  return new SluiceError(
    'SLUICE_SPEC_CHANGED',
    `column ${name} of ${spec.table} is ${before}, the table spec makes it ${after}: give the new kind a new name in ` +
      'the spec, or move the data directory away and read the topic again',
  );
}
