/** Expectations as SQL of DuckDB, on the table of changes. What the kernel says of rows, this says of them too. */
import { identifier, literal } from '../core/sql.js';
import { type Expectation, nodeOfTest, numberRange, type Window } from './expectations.js';
import { patternText } from './pattern.js';
import type { Kind, TableSpec } from './spec.js';

/** Rows of a minute have the same one: minutes since the epoch by Kafka timestamp, null without one. */
export const MINUTE = 'epoch_us(kafka_timestamp) // 60000000';

/** Whether a row fails a test of rows; of null neither. */
export function failingRow({ columns }: Pick<TableSpec, 'columns'>, expectation: Expectation): string {
  const { not_null, range, values, pattern, length, column } = expectation;
  const name = identifier(column!);
  if (not_null) return `${name} IS NULL`;
  if (values !== undefined) return `${name} NOT IN (${values.map(literal).join(', ')})`;
  if (pattern !== undefined) return `NOT regexp_full_match(${name}, ${literal(patternText(nodeOfTest({ pattern })))})`;
  if (length !== undefined) return outside(`length(${name})`, length.min, length.max);
  const { kind } = columns.find((each) => each.name === column)!;
  const { min, max } = numberRange(kind, range!)!;
  return outside(name, range!.min && valueSql(kind, min), range!.max && valueSql(kind, max));
}

function outside(value: string, min: string | number | undefined, max: string | number | undefined): string {
  const tests = [
    ...(min === undefined ? [] : [`${value} < ${min}`]),
    ...(max === undefined ? [] : [`${value} > ${max}`]),
  ];
  return `(${tests.join(' OR ')})`;
}

/** A number of a column as SQL has it. */
function valueSql(kind: Kind, number: bigint): string {
  if (kind === 'amount') return `${number}::DECIMAL(38, 4) / 10000`;
  if (kind === 'timestamp') return `make_timestamptz(${number})`;
  return kind === 'date' ? `DATE '1970-01-01' + ${number}::INTEGER` : `${number}::BIGINT`;
}

/** What rows come to together: a measure of them, and the highest that passes. */
export interface WindowTest {
  readonly per: Window;
  readonly allowed: number;
  /** SQL of an aggregate. @param where only of the rows for which it is true; default all */
  measure(where?: string): string;
}

/** Undefined if it is no test of a window. */
export function windowTest({ nulls, late, unique, column }: Expectation): WindowTest | undefined {
  const name = column === undefined ? '' : identifier(column);
  const of = (where: string | undefined) => (where === undefined ? '' : ` FILTER (${where})`);
  if (unique !== undefined) {
    const measure = (where?: string) => `(count(${name})${of(where)} - count(DISTINCT ${name})${of(where)})`;
    return { per: unique.per, allowed: 0, measure };
  }
  const rate = nulls ?? late;
  if (rate === undefined) return undefined;
  const flag = nulls === undefined ? 'is_late' : `${name} IS NULL`;
  return { per: rate.per, allowed: rate.max_share, measure: (where) => `avg((${flag})::INTEGER)${of(where)}` };
}
