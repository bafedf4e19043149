import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeJournal } from '../../../src/sinks/duckdb/commit-journal.js';
import { DuckDbSink } from '../../../src/sinks/duckdb/sink.js';
import { makeBatch, openSink, order, select, sinkOptions, temporaryDirectory, token } from '../../support/batches.js';

const parquetFiles = (dataDir: string) =>
  readdirSync(join(dataDir, 'parquet'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name)
    .sort();

describe.each(['arrow', 'parquet'] as const)('DuckDbSink from %s', (mergeFrom) => {
  const open = (dataDir: string) => openSink(dataDir, { mergeFrom });
  const unopened = (dataDir: string) => new DuckDbSink(sinkOptions(dataDir, { mergeFrom }));

  it('commits rows, quarantine, ledger, positions and files together', async () => {
    const dataDir = temporaryDirectory();
    const sink = await open(dataDir);
    const values = [
      order(token(1), { amount: '-12.5', event_time: '1969-12-31T23:59:59.5Z' }),
      '{bad',
      null,
      order(token(2)),
    ];
    await sink.stage(await makeBatch(dataDir, 0, 0, values, { nextOffset: 6 }));
    await sink.stage(await makeBatch(dataDir, 1, 0, ['[]']));
    const receipt = await sink.commit();
    expect(receipt).toMatchObject({ stats: { merged: 2, duplicate: 0, quarantined: 2 } });
    expect(receipt.positions).toEqual([
      { partition: 0, nextOffset: 6, watermark: -500_000n },
      { partition: 1, nextOffset: 1, watermark: undefined },
    ]);
    expect(
      await select(sink, 'SELECT change_id, amount::VARCHAR, epoch_us(event_time), kafka_offset FROM cdc_orders'),
    ).toEqual([
      [token(1), '-12.5000', -500_000n, 0n],
      [token(2), null, null, 3n],
    ]);
    expect(
      await select(
        sink,
        `SELECT partition_id, start_offset, next_offset, file, rows_consumed, rows_merged, rows_duplicate,
         rows_quarantined, rows_tombstone FROM sluice.batches ORDER BY 1`,
      ),
    ).toEqual([
      [
        0,
        0n,
        6n,
        'parquet/cdc_orders/sluice_partition=0/00000000000000000000-00000000000000000006.parquet',
        4n,
        2n,
        0n,
        1n,
        1n,
      ],
      [1, 0n, 1n, null, 1n, 0n, 0n, 1n, 0n],
    ]);
    expect(
      await select(
        sink,
        'SELECT partition_id, message_offset, decode(key), decode(value), reason, byte_position FROM sluice.quarantine',
      ),
    ).toEqual([
      [0, 1n, 'k', '{bad', 'malformed', 1n],
      [1, 0n, 'k', '[]', 'not_object', 0n],
    ]);
    expect(parquetFiles(dataDir)).toEqual(['00000000000000000000-00000000000000000006.parquet']);
  });

  it('keeps of each change id the lowest partition and offset of a group, and the first of all groups', async () => {
    const dataDir = temporaryDirectory();
    const sink = await open(dataDir);
    const ids = ['a', token(7), 'b', 'a', token(7)];
    await sink.stage(await makeBatch(dataDir, 1, 0, [order('a', { status: 'late' })]));
    await sink.stage(
      await makeBatch(
        dataDir,
        0,
        0,
        ids.map((id, i) => order(id, { status: String(i) })),
      ),
    );
    expect(await sink.commit()).toMatchObject({ stats: { merged: 3, duplicate: 3 } });
    await sink.stage(
      await makeBatch(dataDir, 0, 5, [order('b'), order(token(7)), order(token(6)), order(token(8)), order('c')]),
    );
    expect(await sink.commit()).toMatchObject({ stats: { merged: 3, duplicate: 2 } });
    expect(
      await select(sink, 'SELECT change_id, status, kafka_partition, kafka_offset FROM cdc_orders ORDER BY ALL'),
    ).toEqual([
      [token(6), null, 0, 7n],
      [token(7), '1', 0, 1n],
      [token(8), null, 0, 8n],
      ['a', '0', 0, 0n],
      ['b', '2', 0, 2n],
      ['c', null, 0, 9n],
    ]);
    expect(
      await select(
        sink,
        'SELECT partition_id, start_offset, rows_merged, rows_duplicate FROM sluice.batches ORDER BY ALL',
      ),
    ).toEqual([
      [0, 0n, 3n, 2n],
      [0, 5n, 3n, 2n],
      [1, 0n, 0n, 1n],
    ]);
  });

  it('tells ids of one sequence apart, of a group and of the change log', async () => {
    const dataDir = temporaryDirectory();
    const sink = await open(dataDir);
    const stage = async (start: number, ids: string[]) =>
      sink.stage(
        await makeBatch(
          dataDir,
          0,
          start,
          ids.map((id) => order(id)),
        ),
      );
    const [one, other, third] = ['', 'A0', 'B0'].map((tail) => `${token(7)}${tail}`);
    await stage(0, [token(5), one, other, one]);
    expect(await sink.commit()).toMatchObject({ stats: { merged: 3, duplicate: 1 } });
    // Below the highest sequence of the log, but none of it is there.
    await stage(4, [token(6), token(6), token(8)]);
    expect(await sink.commit()).toMatchObject({ stats: { merged: 2, duplicate: 1 } });
    await stage(7, [token(4), third, other, third, token(9)]);
    expect(await sink.commit()).toMatchObject({ stats: { merged: 3, duplicate: 2 } });
    expect(await select(sink, 'SELECT kafka_offset FROM cdc_orders ORDER BY ALL')).toEqual(
      [0, 1, 2, 4, 6, 7, 8, 11].map((offset) => [BigInt(offset)]),
    );
    await sink.close();
  });

  it('finds each of many rows that come again', async () => {
    const dataDir = temporaryDirectory();
    const sink = await open(dataDir);
    const stage = async (start: number, from: number, to: number) => {
      const values = Array.from({ length: to - from }, (_, n) => order(token(from + n)));
      await sink.stage(await makeBatch(dataDir, 0, start, values));
    };
    await stage(0, 0, 1500);
    await sink.commit();
    await stage(1500, 100, 1510);
    expect(await sink.commit()).toMatchObject({ stats: { merged: 10, duplicate: 1400 } });
    await stage(2910, 1490, 1515);
    expect(await sink.commit()).toMatchObject({ stats: { merged: 5, duplicate: 20 } });
    await sink.close();
  });

  it('carries every string length, unicode and nulls over the 2,048-row boundary', async () => {
    const dataDir = temporaryDirectory();
    const sink = await open(dataDir);
    const texts = Array.from({ length: 5000 }, (_, i) =>
      i % 7 === 0 ? null : [...'é€😀x'.repeat(20)].slice(0, i % 41).join(''),
    );
    await sink.stage(
      await makeBatch(
        dataDir,
        0,
        0,
        texts.map((status, i) => order(token(i + 1), { status, currency: `c${i}` })),
      ),
    );
    await sink.commit();
    const rows = await select(sink, 'SELECT status, currency FROM cdc_orders ORDER BY kafka_offset');
    expect(rows).toEqual(texts.map((text, i) => [text, `c${i}`]));
  });

  it('stages the next group while one is committed', async () => {
    const dataDir = temporaryDirectory();
    const sink = await open(dataDir);
    let start = 0;
    let commit: Promise<unknown> = Promise.resolve();
    for (let group = 0; group < 6; group++) {
      const values = Array.from({ length: 3000 }, (_, i) => order(token(group + 1, i)));
      await sink.stage(await makeBatch(dataDir, 0, start, values));
      start += values.length;
      await commit;
      commit = sink.commit();
    }
    await commit;
    expect(await select(sink, 'SELECT count(*), count(DISTINCT change_id) FROM cdc_orders')).toEqual([
      [18_000n, 18_000n],
    ]);
  });

  it('is fenced when a position was moved: nothing of the group stays, not even its files', async () => {
    const dataDir = temporaryDirectory();
    const sink = await open(dataDir);
    await sink.stage(await makeBatch(dataDir, 0, 0, [order('a')]));
    await sink.stage(await makeBatch(dataDir, 1, 0, [order('b')]));
    await select(sink, 'UPDATE sluice.positions SET next_offset = 5 WHERE partition_id = 1');
    await expect(sink.commit()).rejects.toMatchObject({
      code: 'SLUICE_FENCED',
      message: expect.stringContaining('partition 1 is 5, not 0'),
    });
    expect(await select(sink, 'SELECT count(*) FROM cdc_orders')).toEqual([[0n]]);
    expect(await select(sink, 'SELECT count(*) FROM sluice.batches')).toEqual([[0n]]);
    expect(await select(sink, 'SELECT next_offset FROM sluice.positions ORDER BY partition_id')).toEqual([[0n], [5n]]);
    expect(parquetFiles(dataDir)).toEqual([]);
  });

  it('removes files that the ledger does not name at start, and misses those that it names', async () => {
    const dataDir = temporaryDirectory();
    const first = await open(dataDir);
    await first.stage(await makeBatch(dataDir, 0, 0, [order('a')]));
    await first.commit();
    await first.close();
    const folder = join(dataDir, 'parquet', 'cdc_orders', 'sluice_partition=0');
    writeFileSync(join(folder, '.00000000000000000001-00000000000000000002.parquet.tmp'), 'half');
    const name = '00000000000000000001-00000000000000000002.parquet';
    writeFileSync(join(folder, name), 'whole, but not committed');
    writeJournal(dataDir, { commit: 2, files: [`parquet/cdc_orders/sluice_partition=0/${name}`] });
    const second = await open(dataDir);
    expect(parquetFiles(dataDir)).toEqual(['00000000000000000000-00000000000000000001.parquet']);
    await second.close();
    writeFileSync(join(folder, '00000000000000000000-00000000000000000001.parquet'), 'damaged');
    await expect(unopened(dataDir).open()).rejects.toMatchObject({
      code: 'SLUICE_SINK',
      message: expect.stringMatching(/that the ledger names: \S+00000000000000000001\.parquet has 7 bytes, not \d+\./),
    });
  });

  it('continues from its position after it was opened again', async () => {
    const dataDir = temporaryDirectory();
    const first = await open(dataDir);
    await first.stage(await makeBatch(dataDir, 0, 0, [order(token(5), { event_time: '2023-01-01' })]));
    await first.commit();
    await first.close();
    const second = unopened(dataDir);
    await second.open();
    expect(await second.claim([0, 1])).toEqual([
      { partition: 0, nextOffset: 1, leaderEpoch: undefined, watermark: 1_672_531_200_000_000n },
      { partition: 1, nextOffset: 0, leaderEpoch: undefined, watermark: undefined },
    ]);
    await second.initPositions([
      { partition: 0, nextOffset: 77, reason: 'earliest' },
      { partition: 2, nextOffset: 3, reason: 'new_partition' },
    ]);
    await second.stage(await makeBatch(dataDir, 0, 1, [order(token(5)), order(token(4))]));
    expect(await second.commit()).toMatchObject({ stats: { merged: 1, duplicate: 1 } });
    await second.close();
  });

  it('says who holds the data directory', async () => {
    const dataDir = temporaryDirectory();
    const sink = await open(dataDir);
    const script = `import { DuckDbSink } from './dist/sinks/duckdb/sink.js';
      const { ORDERS_SPEC: spec } = await import('./dist/schema/spec-file.js');
      await new DuckDbSink({ dataDir: ${JSON.stringify(dataDir)}, topic: 'cdc_orders', spec, threads: 1 }).open()
        .catch(({ code, message }) => console.log(code, message));`;
    const { stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' });
    expect(stdout).toMatch(new RegExp(`^SLUICE_LOCKED DATA_DIR=.* is held by .*PID ${process.pid}`));
    await sink.close();
  });

  it('names the directory that it cannot write', async () => {
    const dataDir = temporaryDirectory();
    writeFileSync(join(dataDir, 'parquet'), 'a file');
    await expect(unopened(dataDir).open()).rejects.toMatchObject({ code: 'SLUICE_DATA_DIR' });
    const other = temporaryDirectory();
    mkdirSync(join(other, 'analytics.db'));
    await expect(unopened(other).open()).rejects.toMatchObject({
      code: expect.stringMatching(/SLUICE_(SINK|DATA_DIR)/),
    });
    expect(existsSync(join(other, 'query.sock'))).toBe(false);
  });
});
