import { DuckDBInstance } from '@duckdb/node-api';
import { type Table, tableFromIPC } from 'apache-arrow';
import { afterAll, describe, expect, it } from 'vitest';
import { arrowStream } from '../../src/query/arrow-stream.js';
import { readOnlyChunks, readOnlyRows, shownRows } from '../../src/query/read-only.js';

const instance = await DuckDBInstance.create(':memory:', { threads: '2' });
afterAll(() => instance.closeSync());

async function pieces(sql: string): Promise<Uint8Array[]> {
  const connection = await instance.connect();
  try {
    const all: Uint8Array[] = [];
    for await (const piece of arrowStream(await readOnlyChunks(connection, sql))) all.push(piece);
    return all;
  } finally {
    connection.closeSync();
  }
}

const arrow = async (sql: string): Promise<Table> => tableFromIPC(Buffer.concat(await pieces(sql)));

async function values(sql: string): Promise<unknown[][]> {
  const connection = await instance.connect();
  const rows: unknown[][] = [];
  const result = await readOnlyRows(connection, sql);
  for await (const block of shownRows(result, { wideNumbers: false })) rows.push(...block);
  connection.closeSync();
  return rows;
}

/** Plain values of a column, text as text. */
const column = (table: Table, name: string) => JSON.parse(JSON.stringify([...(table.getChild(name) ?? [])])) as unknown;
const firsts = (rows: unknown[][]) => rows.map(([value]) => value);

describe('arrowStream', () => {
  it.each([
    ['short', "'s' || (n % 7)"],
    ['long', "'token of ' || hash(n)"],
    ['of all lengths', "repeat('é', (hash(n) % 40)::INTEGER)"],
    ['sometimes null', "CASE WHEN n % 3 = 0 THEN NULL ELSE repeat('x', (n % 50)::INTEGER) END"],
    ['the same often', "['a customer of some length', 'another one who is here', 'x'][1 + n % 3]"],
  ])('has the text that DuckDB has: %s, in any order of memory', async (_, text) => {
    for (const order of ['n', 'hash(n)']) {
      const sql = `SELECT t FROM (SELECT n, ${text} AS t FROM range(20_000) r(n)) ORDER BY ${order}`;
      expect(column(await arrow(sql), 't')).toEqual(firsts(await values(sql)));
    }
  });

  it('has lists that share items, stand in any order, are empty or null, and parts of parts', async () => {
    const lists = "SELECT range AS n, list_transform(range(range % 5), lambda i: 'item ' || i || ' of the list') AS l";
    const sqls = [
      `SELECT l FROM (${lists} FROM range(5000)) ORDER BY hash(n)`,
      `SELECT CASE WHEN n % 4 > 0 THEN l END AS l FROM (${lists} FROM range(5000)) ORDER BY hash(n)`,
      `SELECT l[2:3] AS l FROM (${lists} FROM range(5000))`,
      `SELECT [[n, NULL], NULL, [], [n + 1]] AS l FROM range(5000) r(n) ORDER BY hash(n)`,
      `SELECT [l, {'k': 'a long enough key of ' || n}.k] AS l FROM (SELECT n, 'v' || n AS l FROM range(3000) r(n))`,
      `SELECT l FROM (${lists} FROM range(10)) a, range(1000) b ORDER BY hash(a.n + b.range)`,
    ];
    for (const sql of sqls) {
      const json = (list: unknown) =>
        JSON.parse(JSON.stringify(list, (_key, value) => (typeof value === 'bigint' ? String(value) : value)));
      const lists = [...((await arrow(sql)).getChild('l') ?? [])].map((list) => json(list?.toJSON() ?? null));
      expect(lists).toEqual(firsts(await values(sql)));
    }
  });

  it('has structs, maps and arrays of any order with nulls at each depth', async () => {
    const sql = `SELECT CASE WHEN n % 5 > 0 THEN {'a': nullif(n % 3, 1), 'b': MAP {'key ' || n: [n, NULL]}} END AS s,
      [n, nullif(n % 2, 0), 3]::BIGINT[3] AS f
      FROM range(5000) r(n) ORDER BY hash(n)`;
    const table = await arrow(sql);
    const text = (value: unknown) =>
      JSON.stringify(value, (_key, part) => (typeof part === 'bigint' ? String(part) : part));
    const expected = await values(sql);
    for (const [row, [struct, array]] of expected.entries()) {
      const { s, f } = table.get(row)?.toJSON() ?? {};
      expect(text([...f])).toBe(text(array));
      if (struct === null) expect(s).toBeNull();
      else {
        const { a, b } = struct as { a: string | null; b: { key: string; value: unknown[] }[] };
        const got = s.toJSON();
        expect([got.a === null ? null : String(got.a), text(got.b.toJSON())]).toEqual([
          a,
          text(Object.fromEntries(b.map(({ key, value }) => [key, value]))),
        ]);
      }
    }
  });

  it('has decimals and wide integers of every width, negative ones too', async () => {
    const decimals = ['4, 1', '9, 4', '18, 6', '38, 10'].map(
      (width, index) => `((n - 50) * 1.1)::DECIMAL(${width}) AS d${index}`,
    );
    const wide = '((n - 50) * 1152921504606846976::HUGEINT) AS h';
    const sql = `SELECT ${decimals}, ${wide} FROM range(100) r(n) ORDER BY hash(n)`;
    const table = await arrow(sql);
    const expected = await values(sql);
    const scales = [1, 4, 6, 10, 0];
    for (const [row, cells] of expected.entries()) {
      for (const [index, cell] of cells.entries()) {
        const unscaled = BigInt(String(cell).replace('.', ''));
        const words = table.getChildAt(index)?.get(row) as Uint32Array;
        const wide = words.reduceRight((sum, word) => (sum << 32n) | BigInt(word), 0n);
        expect(BigInt.asIntN(128, wide)).toBe(unscaled);
        expect(String(cell).split('.')[1]?.length ?? 0).toBe(scales[index]);
      }
    }
  });

  it.each([
    ['99999999999999999999999999999999999999', true],
    ['-99999999999999999999999999999999999999', true],
    ['100000000000000000000000000000000000000', false],
    ['-100000000000000000000000000000000000000', false],
    ['-170141183460469231731687303715884105728', false],
  ])('takes an integer of up to 38 digits: %s', async (number, fits) => {
    const sql = `SELECT '${number}'::HUGEINT AS h UNION ALL SELECT NULL`;
    if (fits) expect((await arrow(sql)).numRows).toBe(2);
    else
      await expect(arrow(sql)).rejects.toMatchObject({
        code: 'SLUICE_QUERY',
        message: expect.stringContaining(number),
      });
  });

  it('has text for what Arrow has no type for, each value as CSV has it', async () => {
    const names = ['uuid', 'bit', 'time_tz', 'uhugeint', 'bignum', 'small_enum', 'medium_enum', 'union'];
    const sql = `SELECT ${names.map((name) => `"${name}"`)} FROM test_all_types()`;
    const table = await arrow(sql);
    const expected = await values(sql);
    for (const [index, name] of names.entries()) {
      const texts = expected
        .map((row) => row[index])
        .map((v) => (v !== null && typeof v === 'object' ? JSON.stringify(v) : v));
      expect([name, column(table, name)]).toEqual([
        name,
        texts.map((value) => (value === null ? null : String(value))),
      ]);
    }
  });

  it('has times with their unit, intervals in nanoseconds, bytes, booleans and floats', async () => {
    const sql = `SELECT "time", timestamp_s, timestamp_ms, timestamp_ns, "timestamp", timestamp_tz, "date", "bool",
      "float", "double", "blob", "interval" FROM test_all_types()`;
    const table = await arrow(sql);
    const raw = async (name: string) => {
      const connection = await instance.connect();
      const { batches } = await readOnlyRows(connection, `SELECT "${name}" FROM test_all_types()`);
      const rows: unknown[] = [];
      for await (const block of batches) rows.push(...block.map(([value]) => value));
      connection.closeSync();
      return rows;
    };
    for (const name of ['time', 'timestamp_s', 'timestamp_ms', 'timestamp_ns', 'timestamp', 'timestamp_tz', 'date']) {
      const { values: stored, nullBitmap, length } = table.getChild(name)!.data[0];
      const texts = [...stored.slice(0, length)].map((value, row) =>
        (nullBitmap[0] >> row) & 1 ? String(value) : null,
      );
      expect([name, texts]).toEqual([name, (await raw(name)).map((value) => (value === null ? null : String(value)))]);
    }
    expect(column(table, 'bool')).toEqual([false, true, null]);
    expect([...table.getChild('double')!].map(String)).toEqual((await raw('double')).map(String));
    const bytes = [...table.getChild('blob')!].map((value) => value && Buffer.from(value).toString('base64'));
    expect(bytes).toEqual(await raw('blob'));
    const [, , micros] = (await raw('interval'))[1] as [number, number, string];
    const { values: interval } = table.getChild('interval')!.data[0] as { values: Int32Array };
    const stored = new DataView(interval.buffer, interval.byteOffset + 16);
    expect(stored.getBigInt64(8, true)).toBe(BigInt(micros) * 1000n);
  });

  it('takes no interval whose nanoseconds are too many', async () => {
    const longest = "SELECT '2562047 hours'::INTERVAL AS i";
    expect((await arrow(`${longest} UNION ALL SELECT NULL`)).numRows).toBe(2);
    const problem = { code: 'SLUICE_QUERY', message: expect.stringContaining('cast the column to VARCHAR') };
    await expect(arrow(`SELECT '2562048 hours'::INTERVAL AS i`)).rejects.toMatchObject(problem);
    await expect(arrow(`SELECT '-2562048 hours'::INTERVAL AS i`)).rejects.toMatchObject(problem);
  });

  it.each([
    "repeat('x', 100_000)",
    "[repeat('x', 100_000)]",
    "{'a': 1, 'b': repeat('x', 100_000)}",
    "[{'a': [repeat('x', 99_000)]}, NULL]",
    'range(12_500)',
    'MAP {1: range(12_500)}',
    "[repeat('x', 50_000), NULL, repeat('x', 50_000)]::VARCHAR[3]",
  ])('comes in small batches if its rows are long, though DuckDB has them once: %s', async (value) => {
    const all = await pieces(`SELECT ${value} AS t FROM range(100)`);
    const sizes = all.map(({ length }) => length);
    expect(sizes.length).toBeGreaterThan(9);
    expect(Math.max(...sizes)).toBeLessThan(1.3e6);
    expect(tableFromIPC(Buffer.concat(all)).numRows).toBe(100);
  });
});
