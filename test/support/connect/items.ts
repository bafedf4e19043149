/** A table with columns of many types, changes to it by the thousand, and a spec for what Debezium makes of it. */
import type { Postgres } from '../postgres-server.js';

export const ITEMS = `
  CREATE SCHEMA shop;
  CREATE TABLE shop.items (
    id bigint PRIMARY KEY, qty int, ok boolean, note text, amount numeric(18,4), price double precision,
    created timestamp(6), created_ms timestamp(3), updated timestamptz, day date,
    doc jsonb, meta jsonb, bytes bytea, tags text[], numbers int[])`;

/** SQL for the values of a row, different for each id and round; a null now and then. */
const values = (id: string, round: number) => {
  const hash = `abs(hashint8(${id} * 31 + ${round}))`;
  const unless = (n: number, value: string) => `CASE WHEN ${hash} % ${n} = 0 THEN NULL ELSE ${value} END`;
  return [
    unless(5, `${hash} % 1000 - 500`),
    unless(6, `${hash} % 2 = 0`),
    unless(7, `'ünï 😀 "q" \\ ' || chr(9) || chr(10) || md5(${hash}::text)`),
    unless(8, `(${hash}::numeric - 1073741824) * 12345 / 10000`),
    unless(9, `(${hash} - 1073741824) * 1.5e-7::double precision`),
    unless(10, `timestamp '1960-01-01' + ${hash} * interval '1.000001 s'`),
    unless(11, `timestamp '1960-01-01' + ${hash} * interval '1.001 s'`),
    unless(12, `timestamptz '1960-01-01 00:00:00+03' + ${hash} * interval '1.000001 s'`),
    unless(13, `date '1960-01-01' + ${hash} % 40000`),
    unless(14, `jsonb_build_object('ü 😀', ${hash}, 'list', jsonb_build_array(1, 2.50, NULL, 'x"y'))`),
    unless(
      15,
      `jsonb_build_object('n', ${hash}, 'name', 'é😀\\' || ${hash}, 'more', jsonb_build_object('deep', true))`,
    ),
    unless(16, `decode(md5(${hash}::text), 'hex')`),
    unless(17, `ARRAY['a', NULL, 'ü 😀,"\\', md5(${hash}::text)]`),
    unless(18, `ARRAY[${hash}, NULL, -1]`),
  ].join(', ');
};
const COLUMNS = 'qty, ok, note, amount, price, created, created_ms, updated, day, doc, meta, bytes, tags, numbers';

/** Inserts rows with these ids. */
export const insertion = (from: number, count: number) =>
  `INSERT INTO shop.items SELECT id, ${values('id', 0)} FROM generate_series(${from}, ${from + count - 1}) AS g (id)`;

/**
 * Changes the table a transaction after the other.
 * @returns how many messages Debezium makes of it: one for an insert and an update, two for a delete, with its
 *   tombstone, and three for a new id
 */
export async function change(postgres: Postgres, connection: string, round: number): Promise<number> {
  const rows = async (statement: string) =>
    Number((await postgres.query(connection, `WITH c AS (${statement} RETURNING 1) SELECT count(*) FROM c`))[0]);
  const part = (n: number) => `id % ${n} = ${round % n} AND id < 1000000`;
  const inserted = await rows(insertion(1000 + round * 600, 600));
  const updated = await rows(`UPDATE shop.items SET (${COLUMNS}) = ROW(${values('id', round + 1)}) WHERE ${part(5)}`);
  const deleted = await rows(`DELETE FROM shop.items WHERE ${part(31)}`);
  const renamed = await rows(`UPDATE shop.items SET id = id + 1000000 WHERE ${part(401)}`);
  return inserted + updated + 2 * deleted + 3 * renamed;
}

/** The rows of the table, as the rows of `STATE` should be. */
export async function itemRows(postgres: Postgres, connection: string): Promise<Map<string, unknown>> {
  const micros = (time: string) => `(extract(epoch FROM ${time}) * 1000000)::bigint::text`;
  const columns = [
    ...['id::text', 'qty', 'ok', 'note', 'amount::text', 'price'],
    ...[micros('created'), micros('created_ms'), micros('updated'), 'day::text'],
    ...['doc::text', "meta -> 'n'", "meta ->> 'name'", "encode(bytes, 'base64')", 'tags', 'numbers'],
  ];
  const lines: string[] = [];
  for (let part = 0; part < 20; part++) {
    const where = `FROM shop.items WHERE id % 20 = ${part}`;
    lines.push(...(await postgres.query(connection, `SELECT json_build_array(${columns.join(', ')})::text ${where}`)));
  }
  return new Map(lines.map((line) => JSON.parse(line)).map((row) => [row[0], row]));
}

export const STATE = `
  SELECT id, qty, ok, note, amount::VARCHAR, price, epoch_us(created)::VARCHAR, epoch_us(created_ms)::VARCHAR,
    epoch_us(updated)::VARCHAR, day::VARCHAR, doc, meta_n, meta_name, bytes, tags, numbers
  FROM items`;

/** A row of STATE, with what is JSON in it as what it means. */
export function stateRow(row: readonly unknown[]): [string, unknown[]] {
  const [id, qty, ok, note, amount, price, ...more] = row;
  const [tags, numbers] = more.splice(-2).map((json) => JSON.parse((json as string | null) ?? 'null'));
  const number = (value: unknown) => (value === null ? null : Number(value));
  more[5] = number(more[5]);
  return [id as string, [id, number(qty), ok, note, amount, number(price), ...more, tags, numbers]];
}

/** @param payload where the converter puts a message: at its top, or in its field `payload` */
export function itemsSpec(payload: readonly string[]): object {
  const after = (name: string) => ({ name, path: [...payload, 'after', name] });
  return {
    table: 'cdc_items',
    view: 'items',
    columns: [
      { name: 'id', path: { key: [...payload, 'id'] }, kind: 'text', required: true, role: 'key' },
      {
        name: 'operation',
        path: [...payload, 'op'],
        kind: 'text',
        role: 'operation',
        operations: { c: 'insert', u: 'update', d: 'delete', r: 'snapshot' },
      },
      { name: 'changed', path: [...payload, 'source', 'ts_us'], kind: 'timestamp', unit: 'us', role: 'event_time' },
      { ...after('qty'), kind: 'int64' },
      { ...after('ok'), kind: 'bool' },
      { ...after('note'), kind: 'text' },
      { ...after('amount'), kind: 'amount', encoding: 'base64', scale: 4, role: 'amount' },
      { ...after('price'), kind: 'json' },
      { ...after('created'), kind: 'timestamp', unit: 'us' },
      { ...after('created_ms'), kind: 'timestamp', unit: 'ms' },
      { ...after('updated'), kind: 'timestamp' },
      { ...after('day'), kind: 'date', unit: 'd' },
      { ...after('doc'), kind: 'text' },
      { name: 'meta_n', path: [...payload, 'after', 'meta', 'n'], kind: 'int64' },
      { name: 'meta_name', path: [...payload, 'after', 'meta', 'name'], kind: 'text' },
      { ...after('bytes'), kind: 'text' },
      { ...after('tags'), kind: 'json' },
      { ...after('numbers'), kind: 'json' },
    ],
    embedded: [[...payload, 'after', 'meta']],
    ignore: payload.length > 0 ? [['schema']] : [],
  };
}
