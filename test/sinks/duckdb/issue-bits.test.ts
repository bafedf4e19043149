/** The bits of `issues`: a column keeps its bit for the life of a data directory, and a macro gives the names. */
import { describe, expect, it } from 'vitest';
import { specJson } from '../../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../../src/schema/spec-file.js';
import { DuckDbSink } from '../../../src/sinks/duckdb/sink.js';
import { openSink, select, sinkOptions, temporaryDirectory } from '../../support/batches.js';

type Column = Record<string, unknown>;

function specWith(edit: (columns: Column[]) => Column[]) {
  const { columns, ...names } = JSON.parse(specJson(ORDERS_SPEC)) as { columns: Column[] };
  return parseSpec(JSON.stringify({ ...names, columns: edit(columns) }), 'test');
}

/** The bit of each column, by name, as `open` tells it. */
async function bitsOf(dataDir: string, spec = ORDERS_SPEC): Promise<Record<string, number>> {
  const sink = new DuckDbSink(sinkOptions(dataDir, { spec }));
  const { issueBits } = await sink.open();
  await sink.close();
  return Object.fromEntries(spec.columns.map(({ name }, index) => [name, issueBits[index]]));
}

const extra = (name: string): Column => ({ name, kind: 'text' });

describe('the bits of issues', () => {
  it('stay when a column comes into the middle, goes, and comes back elsewhere', async () => {
    const dataDir = temporaryDirectory();
    const first = await bitsOf(dataDir);
    expect(Object.values(first)).toEqual(ORDERS_SPEC.columns.map((_, index) => index));
    const middle = specWith((columns) => columns.toSpliced(3, 0, extra('note')));
    const second = await bitsOf(dataDir, middle);
    expect(second).toEqual({ ...first, note: ORDERS_SPEC.columns.length });
    const without = await bitsOf(
      dataDir,
      specWith((columns) => columns.filter(({ name }) => name !== 'status')),
    );
    expect(without).toEqual({ ...first, status: undefined });
    const moved = specWith((columns) => [
      ...columns.filter(({ name }) => name !== 'status'),
      extra('late'),
      extra('status'),
    ]);
    expect(await bitsOf(dataDir, moved)).toEqual({ ...first, late: ORDERS_SPEC.columns.length + 1 });
  });

  it('have names, also the highest one', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    await select(sink, `INSERT INTO sluice.columns VALUES ('highest', 63)`);
    const highest = '(-9223372036854775807 - 1)::BIGINT';
    const names = await select(
      sink,
      `SELECT bits, sluice.issue_names(bits)::VARCHAR
       FROM (VALUES (0::BIGINT), (3), (${highest}), (${highest} + 1)) t(bits) ORDER BY bits`,
    );
    expect(names).toEqual([
      [-(2n ** 63n), '[highest]'],
      [-(2n ** 63n) + 1n, '[change_id, highest]'],
      [0n, '[]'],
      [3n, '[change_id, operation]'],
    ]);
  });

  it('are used up after 64 columns, which is refused', async () => {
    const dataDir = temporaryDirectory();
    await bitsOf(dataDir);
    const more = (count: number, prefix: string) =>
      specWith((columns) => [...columns, ...Array.from({ length: count }, (_, index) => extra(`${prefix}${index}`))]);
    const left = 64 - ORDERS_SPEC.columns.length;
    expect(Object.values(await bitsOf(dataDir, more(left, 'a'))).at(-1)).toBe(63);
    await expect(bitsOf(dataDir, more(1, 'b'))).rejects.toMatchObject({
      code: 'SLUICE_SPEC_CHANGED',
      message: expect.stringMatching(/has had 64 columns in this data directory, the table spec adds 1/),
    });
    await bitsOf(dataDir);
  });
});
