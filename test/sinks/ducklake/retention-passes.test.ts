/** Passes of a lake's retention, with its catalog in a file: their parts, their pauses, and what a failure leaves. */
import { rmSync } from 'node:fs';
import { DuckDBConnection, type DuckDBInstance } from '@duckdb/node-api';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { NOTHING_RETIRED, type RetiredCounts } from '../../../src/core/flow.js';
import { parseSpec } from '../../../src/schema/spec-file.js';
import { alone } from '../../../src/sinks/ducklake/numbered-changes.js';
import { FileOwnership } from '../../../src/sinks/ducklake/ownership.js';
import { LakeRetention } from '../../../src/sinks/ducklake/retention.js';
import type { DuckLakeSinkOptions } from '../../../src/sinks/ducklake/sink.js';
import { mergeLakeTail } from '../../../src/sinks/ducklake/state.js';
import { listFiles } from '../../../src/storage/data-dir.js';
import { order, TOPIC, temporaryDirectory, token } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { failAt } from '../../support/failing-statement.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../../support/lakes.js';
import { age, HOUR_MS, retain } from '../../support/retaining.js';

/** Transactions of two rows, passes of four: of rows that follow each other. */
vi.mock('../../../src/sinks/duckdb/retired-rows.js', async (original) => {
  const real = await original<typeof import('../../../src/sinks/duckdb/retired-rows.js')>();
  const findOld: typeof real.findOld = async (connection, spec, ageMs, name, state) => {
    await real.findOld(connection, spec, ageMs, name, state);
    await connection.run(`UPDATE ${name} SET part = (kafka_offset - (SELECT min(kafka_offset) FROM ${name})) // 2`);
    await connection.run(`DELETE FROM ${name} WHERE part > 1`);
    const [[rows]] = (await connection.runAndReadAll(`SELECT count(*)::INTEGER FROM ${name}`)).getRows();
    return Number(rows);
  };
  return { ...real, PART_ROWS: 2, PASS_ROWS: 4, findOld };
});

let nowMs: number;
beforeEach(() => {
  nowMs = 1e7;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  return () => void vi.restoreAllMocks();
});

interface Choices extends Partial<DuckLakeSinkOptions> {
  readonly rows?: number;
}

async function open({ rows = 3, ...more }: Choices = {}) {
  const options: DuckLakeSinkOptions = {
    ...lakeOptions(temporaryDirectory()),
    retention: retain({ changesMs: HOUR_MS, quarantineMs: HOUR_MS }),
    ...more,
  };
  const sink = await openLakeSink(options);
  const values = Array.from({ length: rows }, (_, n) =>
    order(token(n + 1), { order_id: 'a', order_id_type: 'string' }),
  );
  await sink.stage(await makeLakeBatch(options, 0, 0, [...values, '{']));
  await sink.stage(await makeLakeBatch(options, 1, 0, ['{']));
  await sink.commit();
  await age(sink);
  const connection = await sink.connect();
  // That of the sink, which commits nothing from now on.
  const instance = { connect: () => sink.connect() } as DuckDBInstance;
  const ownership = new FileOwnership({ commit: 100, maxChangeSeq: undefined });
  const retention = await LakeRetention.open(instance, options, alone(ownership));
  let running: Promise<unknown> = Promise.resolve();
  let closing: Promise<void> | undefined;
  const close = async () => {
    closing ??= retention!.close(running.catch(() => {}));
    await closing;
  };
  onTestFinished(async () => {
    await close();
    connection.closeSync();
  });
  const left: RetiredCounts = { ...NOTHING_RETIRED };
  /** @returns what has left in all */
  const run = async (everything = false) => {
    running = retention!.run(everything, left);
    await running;
    return left;
  };
  const select = async (sql: string) => (await connection.runAndReadAll(sql)).getRows();
  const files = () => listFiles(options.dataPath).filter((path) => path.includes('/sluice/retired/'));
  return { options, retention: retention!, run, close, left, select, files, connection };
}

const OFFSETS = 'SELECT kafka_offset::INTEGER FROM cdc_orders ORDER BY 1';
const COUNTS = 'SELECT sum(rows_retired)::INTEGER, sum(quarantine_retired)::INTEGER FROM sluice.batches';
const RETIRED = 'SELECT message_offset::INTEGER, change_id, topic FROM sluice.retired ORDER BY 1';

/** The first COMMIT of a pass is that of the snapshot that it reads; of the quarantine there is none. */
const OF_PART = 2;

/** Does work before a statement, by default the COMMIT of a part, or after it. */
function at(work: () => unknown, nth = OF_PART, isDone = false, statement = /^COMMIT$/): void {
  const run = DuckDBConnection.prototype.run;
  let found = 0;
  const spy = vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(async function (
    this: DuckDBConnection,
    ...args
  ) {
    if (!statement.test(args[0]) || ++found < nth) return await run.apply(this, args);
    if (isDone) await run.apply(this, args);
    spy.mockRestore();
    await work();
    return isDone ? (undefined as never) : await run.apply(this, args);
  });
}

const fail = (message: string) => () => {
  throw new Error(message);
};
const CONFLICT = 'TransactionContext Error: conflict';
const CHANGES = retain({ changesMs: HOUR_MS });

describe.skipIf(whyNoExtensions() !== undefined)('retention of a lake', () => {
  it('is of passes, each of some transactions, with a pause when all has left', async () => {
    const { retention, run, select, files } = await open({ rows: 10 });
    expect(retention.isDue).toBe(true);
    expect(await run()).toEqual({ changes: 4, quarantined: 2, files: 0 });
    expect(files()).toHaveLength(2);
    expect(retention.isDue).toBe(true);
    expect(await run()).toMatchObject({ changes: 8 });
    expect(retention.isDue).toBe(true);
    expect(await run()).toMatchObject({ changes: 9 });
    nowMs += HOUR_MS / 10 - 1;
    expect(retention.isDue).toBe(false);
    nowMs++;
    expect(retention.isDue).toBe(true);
    retention.postpone(5);
    expect(retention.isDue).toBe(false);
    nowMs += 5;
    expect(retention.isDue).toBe(true);
    expect(await select(OFFSETS)).toEqual([[9]]);
    expect(await select(RETIRED)).toEqual(Array.from({ length: 9 }, (_, n) => [n, token(n + 1), TOPIC]));
    expect(await select(COUNTS)).toEqual([[9, 2]]);
    const [file] = files();
    expect(await select(`SELECT DISTINCT compression FROM parquet_metadata('${file}')`)).toEqual([['ZSTD']]);
    const topic = `SELECT decode(value) FROM parquet_kv_metadata('${file}') WHERE decode(key) = 'sluice.topic'`;
    expect(await select(topic)).toEqual([[TOPIC]]);
  });

  it('takes all at once if that is wanted, and pauses for long after a long pass', async () => {
    const { retention, run } = await open({ rows: 10 });
    at(() => {
      nowMs += 100_000;
    });
    expect(await run(true)).toMatchObject({ changes: 9 });
    nowMs += 899_999;
    expect(retention.isDue).toBe(false);
    nowMs++;
    expect(retention.isDue).toBe(true);
  });

  it('is of what is to leave alone', async () => {
    const quarantine = await open({ retention: retain({ quarantineMs: HOUR_MS }) });
    expect(await quarantine.run(true)).toMatchObject({ changes: 0, quarantined: 2 });
    const changes = await open({ retention: CHANGES });
    expect(await changes.run(true)).toMatchObject({ changes: 2, quarantined: 0 });
    const none = { ...changes.options, retention: retain({}) };
    expect(await LakeRetention.open({} as never, none, {} as never)).toBeUndefined();
  });

  it('keeps no ids of changes that have none', async () => {
    const columns = [{ name: 'order_id', kind: 'text', required: true, role: 'key' }];
    const spec = parseSpec(JSON.stringify({ table: 'cdc_orders', view: 'orders', columns }), 'of the test');
    const { run, select, files } = await open({ spec });
    expect(await run(true)).toMatchObject({ changes: 2 });
    expect([await select(OFFSETS), await select(RETIRED), files()]).toEqual([[[2]], [], []]);
    expect(await select(COUNTS)).toEqual([[2, 2]]);
  });

  it('leaves changes that the state does not have yet', async () => {
    const { options, run, select, connection } = await open({ rows: 5, state: 'table' });
    expect(await run(true)).toMatchObject({ changes: 0 });
    await connection.run('BEGIN');
    await mergeLakeTail(connection, options);
    await connection.run('COMMIT');
    expect(await run(true)).toMatchObject({ changes: 4 });
    expect(await select(OFFSETS)).toEqual([[4]]);
  });

  it('lets no change leave by another spec, and looks later again', async () => {
    const { retention, run, left, select, connection } = await open();
    await connection.run(`UPDATE sluice.meta SET spec_hash = 'another'`);
    await expect(run(true)).rejects.toMatchObject({ code: 'SLUICE_SPEC_CHANGED' });
    expect(left).toMatchObject({ changes: 0, quarantined: 2 });
    expect(retention.isDue).toBe(false);
    expect(await select(OFFSETS)).toHaveLength(3);
  });
});

describe.skipIf(whyNoExtensions() !== undefined)('a part', () => {
  it('is not taken if one of its changes has gone, also between two tries', async () => {
    const { run, select, files, connection } = await open({ rows: 4, retention: CHANGES });
    failAt(/^COPY/, new Error('no room'));
    await expect(run()).rejects.toThrow('no room');
    at(async () => {
      await connection.run('DELETE FROM cdc_orders WHERE kafka_offset = 1');
      throw new Error(CONFLICT);
    });
    expect(await run()).toMatchObject({ changes: 1 });
    expect(await select(OFFSETS)).toEqual([[0], [3]]);
    expect(files()).toHaveLength(1);
    expect(await select(COUNTS)).toEqual([[1, 0]]);
  });

  it('that fails leaves its file only if it may be committed', async () => {
    const { run, select, files } = await open({ retention: CHANGES });
    failAt(/^DELETE FROM "cdc_orders"/, new Error('no room'));
    await expect(run()).rejects.toThrow('no room');
    expect(files()).toEqual([]);
    at(fail('no answer'));
    await expect(run()).rejects.toThrow('no answer');
    expect(files()).toHaveLength(1);
    expect([await select(OFFSETS), await select(RETIRED)]).toEqual([[[0], [1], [2]], []]);
    expect(await run()).toMatchObject({ changes: 2 });
    expect(await select(RETIRED)).toHaveLength(2);
  });

  it('that was committed without an answer has kept what DuckLake removed then', async () => {
    const { options, run, select, connection } = await open();
    // A file of which all rows leave has no delete file.
    await connection.run('UPDATE sluice.batches SET committed_at = now() WHERE partition_id = 1');
    for (const [schema, table] of [
      ['main', 'cdc_orders'],
      ['sluice', 'quarantine'],
      ['sluice', 'batches'],
    ]) {
      const of = `schema => '${schema}', table_name => '${table}'`;
      await connection.run(`CALL lake.set_option('data_inlining_row_limit', 0, ${of})`);
      const flush = `schema_name => '${schema}', table_name => '${table}'`;
      await connection.run(`CALL ducklake_flush_inlined_data('lake', ${flush})`);
    }
    const deletes = () => listFiles(options.dataPath).filter((path) => path.endsWith('-delete.parquet'));
    for (const [nth, ...tables] of [
      [1, 'batches', 'quarantine'],
      [OF_PART, 'cdc_orders'],
    ] as const) {
      const before = deletes();
      const made = () => deletes().filter((path) => !before.includes(path));
      let removed: string[] = [];
      const lose = () => {
        removed = made();
        for (const path of removed) rmSync(path);
        throw new Error('no answer');
      };
      at(lose, nth, true);
      await expect(run()).rejects.toThrow('no answer');
      expect(made().sort()).toEqual(removed.sort());
      expect(removed.map((path) => path.split('/').at(-2)).sort()).toEqual(tables);
    }
    expect(await select(OFFSETS)).toEqual([[2]]);
    expect(await select(COUNTS)).toEqual([[2, 1]]);
    expect(await select('SELECT count(*)::INTEGER FROM sluice.quarantine')).toEqual([[1]]);
  });
});

describe.skipIf(whyNoExtensions() !== undefined)('the end', () => {
  it('comes after the part that is under way, whose COMMIT it does not interrupt', async () => {
    const interrupt = vi.spyOn(DuckDBConnection.prototype, 'interrupt');
    const { run, close, left, files } = await open({ rows: 10, retention: CHANGES });
    let ended: Promise<void> | undefined;
    at(() => {
      ended = close();
    });
    await run(true);
    await ended;
    expect(left).toMatchObject({ changes: 2 });
    expect(files()).toHaveLength(1);
    expect(interrupt).not.toHaveBeenCalled();
  });

  it('interrupts what is not, and makes nothing anew', async () => {
    const { run, close, select, files } = await open({ retention: CHANGES });
    const interrupt = vi.spyOn(DuckDBConnection.prototype, 'interrupt');
    let ended: Promise<void> | undefined;
    const interrupted = async () => {
      ended = close();
      // As it may come between two statements.
      await vi.waitFor(() => expect(interrupt.mock.calls.length).toBeGreaterThan(1));
      throw new Error('interrupted');
    };
    at(interrupted, 1, false, /^COPY/);
    await expect(run(true)).rejects.toThrow('interrupted');
    await ended;
    expect([files(), await select(OFFSETS)]).toEqual([[], [[0], [1], [2]]]);
  });

  it('has a conflict be the last', async () => {
    const { run, close, files } = await open({ retention: CHANGES });
    let ended: Promise<void> | undefined;
    at(() => {
      ended = close();
      throw new Error(CONFLICT);
    });
    await expect(run(true)).rejects.toThrow('conflict');
    await ended;
    // It took no effect, for sure.
    expect(files()).toEqual([]);
  });
});
