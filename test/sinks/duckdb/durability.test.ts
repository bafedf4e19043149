/** The order of the file system calls that make a commit outlive a power failure: what no crash of a process shows. */
import { cpSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { writeJournal } from '../../../src/sinks/duckdb/commit-journal.js';
import { createDatabase, openDatabase } from '../../../src/sinks/duckdb/database.js';
import { reset } from '../../../src/sinks/duckdb/reset.js';
import { databasePath, listFiles } from '../../../src/storage/data-dir.js';
import { makeBatch, openSink, order, select, sinkOptions, temporaryDirectory, token } from '../../support/batches.js';
import { GROWN_SPEC, grownDirectory } from '../../support/grown-directory.js';

const calls = vi.hoisted((): { name: string; path: string }[] => []);
/** The end of the path of which an fsync fails. */
const broken = vi.hoisted((): { path?: string } => ({}));

/** Every file system call goes through, and is noted. */
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  const paths = new Map<number, string>();
  return {
    ...fs,
    openSync(path: string, flags: string) {
      const handle = fs.openSync(path, flags);
      paths.set(handle, path);
      return handle;
    },
    fsyncSync(handle: number) {
      const path = paths.get(handle)!;
      if (broken.path !== undefined && path.endsWith(broken.path)) {
        throw Object.assign(new Error('the disk is broken'), { syscall: 'fsync' });
      }
      calls.push({ name: 'fsync', path });
      fs.fsyncSync(handle);
    },
    renameSync(from: string, to: string) {
      calls.push({ name: 'rename', path: to });
      fs.renameSync(from, to);
    },
    linkSync(from: string, to: string) {
      calls.push({ name: 'link', path: to });
      fs.linkSync(from, to);
    },
    rmSync(path: string, options: object) {
      calls.push({ name: 'rm', path });
      fs.rmSync(path, options);
    },
  };
});

const FOLDER = 'parquet/cdc_orders/sluice_partition=0';
const NAME = '00000000000000000000-00000000000000000001.parquet';

const NO_JOURNAL = ['rm commit.json', 'rm .commit.json.tmp'];

/** What is noted meanwhile, with paths in the data directory. */
async function noted(dataDir: string, work: () => Promise<unknown>): Promise<string[]> {
  calls.length = 0;
  await work();
  return calls.map(({ name, path }) => `${name} ${relative(dataDir, path)}`.replace(/\.new-.+$/, '.new'));
}

it.each(['duckdb', 'parquet-wasm'] as const)('a Parquet file is fsynced as its new folders are: %s', async (writer) => {
  const dataDir = temporaryDirectory();
  const written = () => makeBatch(dataDir, 0, 0, [order(token(1))], { parquetWriter: writer });
  expect(await noted(dataDir, written)).toEqual([
    ...['fsync ', 'fsync parquet', 'fsync parquet/cdc_orders'],
    `fsync ${FOLDER}/.${NAME}.tmp`,
  ]);
});

it('a commit makes the journal durable, then the names of its files, then its transaction', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  await sink.stage(await makeBatch(dataDir, 0, 0, [order(token(1))]));
  const steps = await noted(dataDir, () => sink.commit());
  expect(steps).toEqual([
    'fsync .commit.json.tmp',
    'rename commit.json',
    'fsync ',
    `rename ${FOLDER}/${NAME}`,
    `fsync ${FOLDER}`,
    'fsync parquet/cdc_orders',
    ...NO_JOURNAL,
  ]);
  expect(await select(sink, 'SELECT count(*) FROM cdc_orders')).toEqual([[1n]]);
});

it.each(['.commit.json.tmp', FOLDER])('nothing is committed if %s cannot be made durable', async (path) => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  await sink.stage(await makeBatch(dataDir, 0, 0, [order(token(1))]));
  broken.path = path;
  onTestFinished(() => {
    broken.path = undefined;
  });
  await expect(sink.commit()).rejects.toThrow('the disk is broken');
  expect(await select(sink, 'SELECT count(*) FROM cdc_orders')).toEqual([[0n]]);
});

it('a reset, and a start after one that was killed, remove files durably before the journal goes', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  await sink.stage(await makeBatch(dataDir, 0, 0, [order(token(1))]));
  await sink.commit();
  await sink.close();
  const removal = [`rm ${FOLDER}/${NAME}`, `fsync ${FOLDER}`, ...NO_JOURNAL];
  const copy = temporaryDirectory();
  cpSync(dataDir, copy, { recursive: true });
  const instance = await openDatabase(databasePath(dataDir), sinkOptions(dataDir));
  const connection = await instance.connect();
  const request = { partition: 0, asked: '0', offset: 0, isEarliest: false, low: 0 };
  const steps = await noted(dataDir, () => reset(connection, request, sinkOptions(dataDir)));
  connection.closeSync();
  instance.closeSync();
  expect(steps).toEqual(['fsync .commit.json.tmp', 'rename commit.json', 'fsync ', ...removal]);

  cpSync(join(copy, FOLDER, NAME), join(dataDir, FOLDER, NAME));
  writeJournal(dataDir, { commit: 1, files: [`${FOLDER}/${NAME}`] });
  const started = await noted(dataDir, () => openSink(dataDir));
  const at = started.indexOf(removal[0]);
  expect(started.slice(at, at + removal.length)).toEqual(removal);
});

it('a rewritten file is durable under its temporary name before the ledger has its size', async () => {
  const dataDir = temporaryDirectory();
  await grownDirectory(dataDir, 1, 0);
  const sink = await openSink(dataDir, { spec: GROWN_SPEC });
  const ledger = () => select(sink, 'SELECT file_bytes FROM sluice.batches');
  const before = await ledger();
  broken.path = FOLDER;
  onTestFinished(() => {
    broken.path = undefined;
  });
  await expect(sink.compact({ rewrite: true })).rejects.toThrow('the disk is broken');
  expect(await ledger()).toEqual(before);
  broken.path = undefined;
  const name = NAME.replace('1.parquet', '2.parquet');
  expect(await noted(dataDir, () => sink.compact({ rewrite: true }))).toEqual([
    `fsync ${FOLDER}/.${name}.tmp`,
    `fsync ${FOLDER}`,
    `rename ${FOLDER}/${name}`,
    `fsync ${FOLDER}`,
  ]);
  expect(await ledger()).not.toEqual(before);
});

it.each([FOLDER, '.parquet.tmp'])('a join changes nothing if %s cannot be made durable', async (path) => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  for (const offset of [0, 1]) {
    await sink.stage(await makeBatch(dataDir, 0, offset, [order(token(offset + 1))]));
    await sink.commit();
  }
  const ledger = () => select(sink, 'SELECT file, file_bytes FROM sluice.batches');
  const [before, files] = [await ledger(), listFiles(join(dataDir, FOLDER)).sort()];
  broken.path = path;
  onTestFinished(() => {
    broken.path = undefined;
  });
  await expect(sink.compact({ everything: true })).rejects.toMatchObject({
    code: 'SLUICE_DATA_DIR',
    message: expect.stringContaining('the disk is broken'),
  });
  expect([await ledger(), listFiles(join(dataDir, FOLDER)).sort()]).toEqual([before, files]);
});

it('a new database is whole and durable before it has its name', async () => {
  const dataDir = join(temporaryDirectory(), 'new');
  const steps = await noted(dataDir, () => openSink(dataDir));
  const at = steps.indexOf('link analytics.db');
  expect(steps.slice(at - 1, at + 2)).toEqual(['fsync .analytics.db.new', 'link analytics.db', 'fsync ']);
});

it('a new database whose name is not durable is none', async () => {
  const dataDir = temporaryDirectory();
  broken.path = dataDir;
  onTestFinished(() => {
    broken.path = undefined;
  });
  const making = createDatabase({ dataDir, threads: 1, memoryLimit: undefined });
  await expect(making).rejects.toThrow('analytics.db cannot be made: the disk is broken');
});
