/** SQL that compares the table with Parquet files of another program: keys of one side, values that differ, sums. */
import { DuckDBTypeId } from '@duckdb/node-api';
import { identifier } from '../core/sql.js';
import type { ValueType } from '../query/values.js';

/** A column that both have, and how its values are compared. */
export interface ComparedColumn {
  readonly name: string;
  readonly isNumber: boolean;
  /** Both are made this type first; undefined: DuckDB compares them as they are. */
  readonly as?: 'TIMESTAMPTZ' | 'VARCHAR';
}

/** Both sides as SQL relations that have the key's columns. */
export interface Compared {
  readonly ours: string;
  readonly theirs: string;
  readonly key: readonly string[];
}

const NUMBERS = new Set([
  ...[DuckDBTypeId.TINYINT, DuckDBTypeId.SMALLINT, DuckDBTypeId.INTEGER, DuckDBTypeId.BIGINT, DuckDBTypeId.HUGEINT],
  ...[DuckDBTypeId.UTINYINT, DuckDBTypeId.USMALLINT, DuckDBTypeId.UINTEGER, DuckDBTypeId.UBIGINT],
  ...[DuckDBTypeId.FLOAT, DuckDBTypeId.DOUBLE, DuckDBTypeId.DECIMAL],
]);
const TIMES = new Set([
  ...[DuckDBTypeId.TIMESTAMP, DuckDBTypeId.TIMESTAMP_TZ, DuckDBTypeId.TIMESTAMP_S, DuckDBTypeId.TIMESTAMP_MS],
  ...[DuckDBTypeId.TIMESTAMP_NS],
]);
const NESTED = new Set([
  ...[DuckDBTypeId.STRUCT, DuckDBTypeId.LIST, DuckDBTypeId.MAP, DuckDBTypeId.ARRAY, DuckDBTypeId.UNION],
]);

/** @returns undefined if one is nested and the other is not: such values have no common form */
export function comparison(name: string, ours: ValueType, theirs: ValueType): ComparedColumn | undefined {
  const [a, b] = [ours.typeId, theirs.typeId];
  const isNumber = NUMBERS.has(a) && NUMBERS.has(b);
  if (isNumber || (a === b && !TIMES.has(a))) return { name, isNumber };
  if (TIMES.has(a) && TIMES.has(b)) return { name, isNumber, as: 'TIMESTAMPTZ' };
  return NESTED.has(a) || NESTED.has(b) ? undefined : { name, isNumber, as: 'VARCHAR' };
}

/** One row: of each side rows, rows without a key, and keys. */
export function countsOf({ ours, theirs, key }: Compared): string {
  const keys = key.map(identifier).join(', ');
  const none = key.map((name) => `${identifier(name)} IS NULL`).join(' OR ');
  const side = (relation: string) => `(SELECT {'rows': count(*), 'without_key': count(*) FILTER (${none}),
    'keys': count(DISTINCT (${keys})) FILTER (NOT (${none}))} FROM ${relation})`;
  return `SELECT ours.rows AS our_rows, ours.without_key AS our_keyless, ours.keys AS our_keys,
    theirs.rows AS their_rows, theirs.without_key AS their_keyless, theirs.keys AS their_keys
    FROM (SELECT ${side(ours)} AS ours, ${side(theirs)} AS theirs)`;
}

/** One row: `only_ours`, `only_theirs`, `both`, and of each column `d<index>`: how many keys have other values. */
export function differencesOf(compared: Compared, columns: readonly ComparedColumn[]): string {
  const counts = columns.map((column, index) => `count(*) FILTER (${differs(column)}) AS d${index}`);
  return `${matched(compared, columns)}
    SELECT ${['count(*) FILTER (t.present IS NULL) AS only_ours', 'count(*) FILTER (o.present IS NULL) AS only_theirs']
      .concat('count(*) FILTER (o.present AND t.present) AS both', counts)
      .join(', ')} FROM o FULL JOIN t USING (${compared.key.map(identifier).join(', ')})`;
}

/** One row: `o<index>` and `t<index>`, the sums of each column of numbers over one row of each key, as text. */
export function sumsOf(compared: Compared, columns: readonly ComparedColumn[]): string {
  const numbers = columns.flatMap(({ name, isNumber }, index) => (isNumber ? [{ name: identifier(name), index }] : []));
  const sums = numbers.flatMap(({ name, index }) =>
    ['o', 't'].map((side) => `(SELECT sum(${name}) FROM ${side})::VARCHAR AS ${side}${index}`),
  );
  return sums.length === 0 ? 'SELECT 1' : `${matched(compared, columns)} SELECT ${sums.join(', ')}`;
}

/**
 * The first keys that differ, in their order: `k<index>` of the key, whether `ours` and `theirs` have it, and of each
 * column `d<index>`, `o<index>` and `t<index>`: whether it differs, and the values as text.
 */
export function samplesOf(compared: Compared, columns: readonly ComparedColumn[], limit: number): string {
  const keys = compared.key.map(identifier);
  const values = columns.flatMap((column, index) => {
    const name = identifier(column.name);
    return [`${differs(column)} AS d${index}`, `o.${name}::VARCHAR AS o${index}`, `t.${name}::VARCHAR AS t${index}`];
  });
  const any = ['o.present IS NULL', 't.present IS NULL', ...columns.map(differs)].join(' OR ');
  return `${matched(compared, columns)}
    SELECT ${keys.map((name, index) => `${name}::VARCHAR AS k${index}`).join(', ')},
      o.present IS NOT NULL AS ours, t.present IS NOT NULL AS theirs${values.map((value) => `, ${value}`).join('')}
    FROM o FULL JOIN t USING (${keys.join(', ')}) WHERE ${any} ORDER BY ${keys.join(', ')} LIMIT ${limit}`;
}

function differs({ name, as }: ComparedColumn): string {
  const [ours, theirs] = ['o', 't'].map((side) => `${side}.${identifier(name)}${as === undefined ? '' : `::${as}`}`);
  return `(o.present AND t.present AND ${ours} IS DISTINCT FROM ${theirs})`;
}

/** Both sides with one row of each key: of repeated ones the first by their values, so that it is always the same. */
function matched({ ours, theirs, key }: Compared, columns: readonly ComparedColumn[]): string {
  const keys = key.map(identifier);
  const names = [...keys, ...columns.map(({ name }) => identifier(name))].join(', ');
  const side = (relation: string) => `(SELECT ${names}, true AS present FROM ${relation}
    WHERE ${keys.map((name) => `${name} IS NOT NULL`).join(' AND ')}
    QUALIFY row_number() OVER (PARTITION BY ${keys.join(', ')} ORDER BY ${names}) = 1)`;
  return `WITH o AS ${side(ours)}, t AS ${side(theirs)}`;
}
