/** What a backfill reads of `extra`, for both sinks. */

import type { DuckDBConnection } from '@duckdb/node-api';
import { identifier, literal, rowsOf } from '../../core/sql.js';
import { masksInside } from '../../schema/copies.js';
import type { FieldPath } from '../../schema/field-path.js';
import { hasMasks } from '../../schema/mask.js';
import type { SpecColumn, TableSpec } from '../../schema/spec.js';
import type { FileRange } from '../../storage/data-dir.js';

/** The `extra` of a row. */
export interface KeptExtra {
  readonly offset: number;
  readonly extra: string;
}

/** How many rows of the table changed. */
export interface Backfilled {
  /** Have a value now. */
  readonly values: number;
  /** Keep what the column cannot take in `extra`, and have the column's bit in `issues` now. */
  readonly issues: number;
}

/** Rows of a page, what is read of a place at a time; fewer, if they have `pageBytes`. */
const PAGE_ROWS = 20_000;

/**
 * The spec of what is read of `extra`: these columns alone, whose fields lie there by their paths. What else `extra`
 * has stays as it was: it can be masked already.
 */
export function extraSpec(spec: TableSpec, columns: readonly SpecColumn[]): TableSpec {
  const inExtra = ({ of, names }: FieldPath): FieldPath => ({
    of: 'value',
    names: of === 'key' ? ['message_key', ...names] : names,
  });
  const alone = columns.map((column) => ({
    ...{ ...column, paths: column.paths.map(inExtra), required: false, role: undefined, operations: undefined },
  }));
  const { table, view } = spec;
  const none = { embedded: [], ignore: [], deletes: undefined, expectations: [], masks: [], copies: [] };
  const hasInner = columns.some((column) => hasMaskInside(column, spec));
  return { table, view, columns: alone, ...none, ...(hasInner && { masksInside: spec }) };
}

/** Whether something inside of a column is masked. By a spec without masks nothing is, not what it ignores either. */
export function hasMaskInside(column: SpecColumn, spec: TableSpec): boolean {
  return hasMasks(spec) && masksInside(column, spec).length > 0;
}

/** A column that is backfilled, in SQL. */
export class BackfilledColumn {
  readonly #column: SpecColumn;
  readonly #issueBit: number;

  /** @param issueBit that the column has in `issues` */
  constructor(column: SpecColumn, issueBit: number) {
    this.#column = column;
    this.#issueBit = issueBit;
  }

  /** Of the columns that have its values. */
  get names(): string[] {
    const { name, raw } = this.#column;
    return (raw === undefined ? [name] : [name, raw]).map(identifier);
  }

  /** Whether a row that was read, `r`, has a value. */
  get hasValue(): string {
    return this.names.map((name) => `r.${name} IS NOT NULL`).join(' OR ');
  }

  /** Whether a row that was read, `r`, is not as the table's, `t`. A null, which a column takes, leaves `extra`. */
  get isChanged(): string {
    return `${this.hasValue} OR r.issues <> 0 OR r.extra IS DISTINCT FROM t.extra`;
  }

  /**
   * What rows without a value have in `extra` where the column's fields may be, a page at a time in offset order.
   * @param source SQL of the rows, with the spec's columns
   * @param pageBytes of the `extra` of a page, unless its first row has more
   */
  async *extras(
    connection: DuckDBConnection,
    source: string,
    { partition, start, next }: FileRange,
    pageBytes: number,
  ): AsyncGenerator<readonly KeptExtra[]> {
    const empty = this.names.map((name) => `${name} IS NULL`).join(' AND ');
    for (let from = start; ; ) {
      const rows = await rowsOf(
        connection,
        `SELECT kafka_offset, extra FROM (
           SELECT *, sum(strlen(extra)) OVER (ORDER BY kafka_offset) AS bytes FROM (
             SELECT kafka_offset, extra FROM ${source}
             WHERE kafka_partition = ${partition} AND kafka_offset >= ${from} AND kafka_offset < ${next}
               AND ${empty} AND get_bit(issues::BIT, ${63 - this.#issueBit}) = 0
               AND extra IS NOT NULL AND (${this.#mayHaveField()})
             ORDER BY kafka_offset LIMIT ${PAGE_ROWS}))
         WHERE bytes <= ${pageBytes} OR bytes = strlen(extra) ORDER BY kafka_offset`,
      );
      if (rows.length === 0) return;
      yield rows.map(({ kafka_offset, extra }) => ({ offset: Number(kafka_offset), extra: String(extra) }));
      from = Number(rows[rows.length - 1].kafka_offset) + 1;
    }
  }

  /** Whether `extra` can have one of the fields; a key can be written with escapes. */
  #mayHaveField(): string {
    const last = this.#column.paths.map(({ names }) => names.at(-1) ?? 'message_key');
    const isPlain = last.every((name) => /^[\x20-\x7e]*$/.test(name) && !/["\\]/.test(name));
    if (!isPlain) return 'true';
    return [...last.map((name) => `"${name}"`), '\\u'].map((text) => `contains(extra, ${literal(text)})`).join(' OR ');
  }
}
