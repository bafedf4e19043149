import { renameSync, statSync } from 'node:fs';
import { DuckDBConnection } from '@duckdb/node-api';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ParquetWriterName } from '../../../src/parquet/parquet-writer.js';
import { planCompaction } from '../../../src/sinks/duckdb/compaction.js';
import type { LedgerFile } from '../../../src/sinks/duckdb/ledger-files.js';
import { openSink, select, TOPIC, temporaryDirectory } from '../../support/batches.js';
import { GROWN_SPEC, grownDirectory } from '../../support/grown-directory.js';
import { commitBatches, contentOf, parquetFiles } from '../../support/small-files.js';
import { problems } from '../../support/verifying.js';

const file = (partition: number, start: number, bytes = 10, batches = 1): LedgerFile => ({
  name: `p${partition}-${start}`,
  partition,
  bytes,
  batches,
  rows: 1,
  start,
  next: start + 1,
});

const files = (count: number, bytes?: number, batches?: number) =>
  Array.from({ length: count }, (_, start) => file(0, start, bytes, batches));

const sizes = (groups: LedgerFile[][]) => groups.map((group) => group.length);

describe('planCompaction', () => {
  const options = { afterFiles: 4, targetBytes: 100 };

  it('joins neighbours once more than afterFiles of them have piled up', () => {
    expect(planCompaction(files(4), options)).toEqual([]);
    expect(sizes(planCompaction(files(5), options))).toEqual([5]);
    expect(sizes(planCompaction([...files(4), file(1, 0), ...files(5)], options))).toEqual([5]);
  });

  it('joins fewer if they fill a target file, and leaves full files alone', () => {
    expect(sizes(planCompaction(files(7, 40), options))).toEqual([2, 2, 2]);
    expect(planCompaction(files(9, 100), options)).toEqual([]);
  });

  it('does not copy what was joined before for every few files that come after it', () => {
    expect(planCompaction([file(0, 0, 50, 5), ...files(4)], options)).toEqual([]);
    expect(sizes(planCompaction([file(0, 0, 50, 5), ...files(6)], options))).toEqual([6]);
    expect(sizes(planCompaction(files(6, 10, 5), options))).toEqual([6]);
  });

  it('joins all that fits when it is asked to', () => {
    expect(sizes(planCompaction([file(0, 0, 50, 5), ...files(4), file(1, 0)], options, true))).toEqual([5]);
  });

  it('keeps order, partitions and the target, and ends with few files, for any files', () => {
    const sizesOfFiles = fc.array(fc.integer({ min: 1, max: 120 }), { maxLength: 200 });
    fc.assert(
      fc.property(sizesOfFiles, fc.integer({ min: 1, max: 9 }), (bytes, afterFiles) => {
        const all = bytes.map((size, start) => file(start % 7 === 6 ? 1 : 0, start, size));
        let left = all.sort((a, b) => a.partition - b.partition || a.start - b.start);
        let copied = 0;
        for (let plan = planCompaction(left, { afterFiles, targetBytes: 100 }); plan.length > 0; ) {
          for (const group of plan) {
            const from = left.indexOf(group[0]);
            expect(left.slice(from, from + group.length)).toEqual(group);
            expect(new Set(group.map(({ partition }) => partition)).size).toBe(1);
            const sum = group.reduce((total, file) => total + file.bytes, 0);
            expect(sum).toBeLessThanOrEqual(100);
            copied += sum;
            const batches = group.reduce((total, file) => total + file.batches, 0);
            left = left.toSpliced(from, group.length, { ...group[0], bytes: sum, batches });
          }
          plan = planCompaction(left, { afterFiles, targetBytes: 100 });
        }
        const total = bytes.reduce((sum, size) => sum + size, 0);
        const classes = Math.ceil(Math.log(all.length + 1) / Math.log(afterFiles + 1)) + 1;
        expect(copied).toBeLessThanOrEqual(total * classes);
      }),
    );
  });
});

describe('compaction', () => {
  it.each<ParquetWriterName[][]>([[['duckdb']], [['parquet-wasm']], [['duckdb', 'parquet-wasm']]])(
    'joins files of %j, of which each row, type and order stays',
    async (writers) => {
      const dataDir = temporaryDirectory();
      const sink = await openSink(dataDir);
      await commitBatches(dataDir, sink, 6, 0, writers);
      const before = await select(sink, contentOf(dataDir));
      const types = await select(sink, `DESCRIBE ${contentOf(dataDir)}`);
      const receipt = await sink.compact();
      expect(receipt).toMatchObject({ filesBefore: 6, filesAfter: 1 });
      expect(parquetFiles(dataDir).map((path) => path.slice(dataDir.length + 1))).toEqual([
        `parquet/${TOPIC}/sluice_partition=0/00000000000000000000-00000000000000000018.parquet`,
        ...[0, 2, 4].map(
          (start) =>
            `parquet/${TOPIC}/sluice_partition=1/0000000000000000000${start}-0000000000000000000${start + 1}.parquet`,
        ),
      ]);
      expect(await select(sink, contentOf(dataDir))).toEqual(before);
      expect(await select(sink, `DESCRIBE ${contentOf(dataDir)}`)).toEqual(types);
      const [[metadata]] = await select(
        sink,
        `SELECT map_from_entries(list((decode(key), decode(value))))::VARCHAR
       FROM parquet_kv_metadata('${parquetFiles(dataDir)[0]}') WHERE decode(key) LIKE 'sluice.%'`,
      );
      expect(metadata).toBe(
        `{sluice.topic=${TOPIC}, sluice.partition=0, sluice.start_offset=0, sluice.next_offset=18, ` +
          'sluice.messages_ok=12, sluice.messages_quarantined=0, sluice.messages_tombstone=6, sluice.format=3, ' +
          'sluice.text_bytes=888}',
      );
      await sink.close();
      expect(await problems(dataDir)).toEqual([]);
    },
  );

  it('continues after more batches, and finds nothing to do without them', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    expect(await sink.compact()).toMatchObject({ filesBefore: 0 });
    for (let round = 0; round < 5; round++) {
      await commitBatches(dataDir, sink, 5, round * 5);
      await sink.compact();
    }
    // Five files of five batches each are not yet more than the four that may be, of which one is new.
    expect(parquetFiles(dataDir).length).toBeLessThan(12);
    expect(await sink.compact()).toMatchObject({ filesBefore: 0 });
    expect(await sink.compact({ everything: true })).toMatchObject({ filesAfter: 2 });
    expect(parquetFiles(dataDir).length).toBe(2);
    await sink.close();
    expect(await problems(dataDir)).toEqual([]);
  });

  it('runs while commits continue', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    await commitBatches(dataDir, sink, 40);
    const [receipt] = await Promise.all([sink.compact({ everything: true }), commitBatches(dataDir, sink, 10, 40)]);
    expect(receipt.filesBefore).toBeGreaterThanOrEqual(60);
    await sink.close();
    expect(await problems(dataDir)).toEqual([]);
  });

  it('is given up when the sink is closed, and leaves nothing behind', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    await commitBatches(dataDir, sink, 10);
    const compaction = sink.compact({ everything: true });
    await Promise.all([compaction, sink.close()]);
    expect(await problems(dataDir)).toEqual([]);
  });

  it('says which files it could not join, and leaves them', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    await commitBatches(dataDir, sink, 6);
    const [, second] = parquetFiles(dataDir);
    renameSync(second, `${second}.gone`);
    const { filesBefore, left } = await sink.compact({ everything: true });
    renameSync(`${second}.gone`, second);
    await sink.close();
    expect(filesBefore).toBe(3);
    expect(left).toEqual([
      expect.stringMatching(/^6 Parquet files, .*00-0{19}3\.parquet to .*, stay as they are: .*0{19}6/),
    ]);
    expect(await problems(dataDir)).toEqual([]);
  });

  it('tells what it did, and each time how many files it is done with', async () => {
    const dataDir = temporaryDirectory();
    await grownDirectory(dataDir);
    const sink = await openSink(dataDir, { spec: GROWN_SPEC });
    const done: number[] = [];
    const onDone = (files: number) => done.push(files);
    expect(await sink.compact({ rewrite: true, onDone })).toMatchObject({ filesBefore: 0, filesRewritten: 2 });
    expect(done.splice(0)).toEqual([1, 1, 1, 1]);
    const bytes = () => parquetFiles(dataDir).reduce((sum, path) => sum + statSync(path).size, 0);
    const bytesBefore = bytes();
    const receipt = await sink.compact({ everything: true, rewrite: true, onDone });
    expect(receipt).toMatchObject({
      filesBefore: 4,
      filesAfter: 2,
      bytesBefore,
      bytesAfter: bytes(),
      filesRewritten: 0,
    });
    expect(done).toEqual([2, 2, 1, 1]);
  });

  it('says what to do if it has too little memory, and leaves the files', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    await commitBatches(dataDir, sink, 2);
    failing(/^COPY/, 'Out of Memory Error: too much\nand more of it');
    const { filesBefore, left } = await sink.compact({ everything: true });
    expect([filesBefore, left]).toEqual([
      0,
      [
        expect.stringMatching(
          /as they are: Out of Memory Error: too much\. Raise DUCKDB_MEMORY_LIMIT for "sluice compact"$/,
        ),
      ],
    ]);
    vi.restoreAllMocks();
    await sink.close();
    expect(await problems(dataDir)).toEqual([]);
  });

  it('leaves both, the old files and the new one, if the ledger may name either', async () => {
    const dataDir = temporaryDirectory();
    const sink = await openSink(dataDir);
    await commitBatches(dataDir, sink, 2);
    const before = parquetFiles(dataDir);
    failing(/^UPDATE sluice\.batches SET file/, 'the log is full');
    await expect(sink.compact({ everything: true })).rejects.toMatchObject({
      code: 'SLUICE_SINK',
      message: expect.stringMatching(/^the ledger cannot name \S+0-0{19}6\.parquet: the log is full/),
    });
    vi.restoreAllMocks();
    expect(parquetFiles(dataDir)).toHaveLength(before.length + 1);
    await sink.close();
    expect(await problems(dataDir)).toEqual([]);
    await (await openSink(dataDir)).close();
    expect(parquetFiles(dataDir)).toEqual(before);
  });
});

afterEach(() => {
  vi.restoreAllMocks();
});

/** Has statements of this kind fail. */
function failing(statement: RegExp, message: string): void {
  const { run } = DuckDBConnection.prototype;
  vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(function (this: DuckDBConnection, sql, ...values) {
    return statement.test(sql) ? Promise.reject(new Error(message)) : run.call(this, sql, ...values);
  });
}
