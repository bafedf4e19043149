import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { DuckDBConnection } from '@duckdb/node-api';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { DuckLakeSink, type DuckLakeSinkOptions } from '../../../src/sinks/ducklake/sink.js';
import { listFiles } from '../../../src/storage/data-dir.js';
import { order, temporaryDirectory } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, onLake, openLakeSink, problems, s3LakeOptions } from '../../support/lakes.js';
import { describePostgres } from '../../support/postgres.js';
import { describeS3 } from '../../support/s3.js';

const ANOTHER_MARK = 'sluice-lake-00000000-0000-4000-8000-000000000000.json';
const COUNT = 'SELECT count(*)::INTEGER FROM cdc_orders';

let dataPath: string;

/** A lake with a catalog of its own. */
function lakeAt(path: string): DuckLakeSinkOptions {
  return { ...lakeOptions(temporaryDirectory()), dataPath: path };
}

/** Commits two batches, and joins their files if that is wanted. */
async function fill(options: DuckLakeSinkOptions, isJoined = false): Promise<void> {
  const sink = await openLakeSink(options);
  const [{ epoch }] = await sink.claim([0]);
  for (const offset of [0, 1]) {
    await sink.stage(await makeLakeBatch(options, 0, offset, [order(`c${offset}`)], { epoch }));
    await sink.commit();
  }
  if (isJoined) await sink.compact(true);
  await sink.close();
}

async function open(options: DuckLakeSinkOptions): Promise<void> {
  const sink = new DuckLakeSink(options);
  onTestFinished(() => sink.close());
  await sink.open();
  await sink.close();
}

/** @param path what the message has */
function refused(path: string) {
  return { code: 'SLUICE_UNEXPLAINED_FILES', message: expect.stringContaining(path) };
}

const isMark = (path: string) => basename(path).startsWith('sluice-lake-');
const marks = (path = dataPath) => readdirSync(path).filter(isMark);

describe.skipIf(whyNoExtensions() !== undefined)('the path of a lake', { timeout: 120_000 }, () => {
  beforeEach(() => {
    dataPath = join(temporaryDirectory(), 'lake');
  });

  it('is marked by what writes to it, once, and by no reader', async () => {
    const options = lakeAt(dataPath);
    await fill(options);
    const [mark] = marks();
    const { lake, topic } = JSON.parse(readFileSync(join(dataPath, mark), 'utf8')) as Record<string, string>;
    expect([mark, topic]).toEqual([`sluice-lake-${lake}.json`, 'cdc_orders']);
    rmSync(join(dataPath, mark));
    expect(await problems(options)).toEqual([]);
    expect(marks()).toEqual([]);
    await open(options);
    expect(marks()).toEqual([mark]);
    expect(await problems(options)).toEqual([]);
  });

  it('is still that of a catalog that is put back from a backup', async () => {
    const options = lakeAt(dataPath);
    await open(options);
    copyFileSync(options.catalog, `${options.catalog}.backup`);
    const sink = await openLakeSink(options);
    await sink.close();
    copyFileSync(`${options.catalog}.backup`, options.catalog);
    await open(options);
    expect(marks()).toHaveLength(1);
  });

  it.each([
    ['the same path', (path: string) => path],
    ['one above it', (path: string) => join(path, '..')],
    ['one below it', (path: string) => join(path, 'of', 'another')],
    ['one below it by another name', (path: string) => join(linkTo(path), 'of-another')],
  ])('is refused to a lake with %s, of another topic, and nothing is removed', async (_, pathOf) => {
    const options = lakeAt(dataPath);
    await fill(options, true);
    const before = listFiles(dataPath);
    const other = { ...lakeAt(pathOf(dataPath)), topic: 'cdc_payments' };
    for (const _again of [1, 2]) await expect(open(other)).rejects.toMatchObject(refused(join(dataPath, marks()[0])));
    expect(listFiles(dataPath)).toEqual(before);
    await open(options);
    expect(await onLake(options, COUNT)).toEqual([[2]]);
  });

  it('has no copy of the lake below it', async () => {
    const options = lakeAt(dataPath);
    await open(options);
    await open(lakeAt(join(dataPath, '..', 'copy')));
    const copy = join(dataPath, 'copy');
    await expect(open(lakeAt(copy))).rejects.toMatchObject(refused(marks()[0]));
    copyFileSync(join(dataPath, marks()[0]), join(copy, marks()[0]));
    await expect(open(options)).rejects.toMatchObject(refused(join(copy, marks()[0])));
  });

  it.each([false, true])('of an older release without a mark is refused to others (joined: %s)', async (isJoined) => {
    const [options, above] = [lakeAt(dataPath), lakeAt(join(dataPath, '..'))];
    await fill(options, isJoined);
    rmSync(join(dataPath, marks()[0]));
    for (const other of [{ ...lakeAt(dataPath), topic: 'cdc_payments' }, above]) {
      await expect(open(other)).rejects.toMatchObject(refused(dataPath));
      expect(marks(other.dataPath)).toEqual([]);
    }
    await open(options);
    expect(marks()).toHaveLength(1);
  });

  it('is refused to a lake that had begun elsewhere in it before there were marks', async () => {
    const [options, above] = [lakeAt(dataPath), lakeAt(join(dataPath, '..'))];
    await fill(above);
    for (const mark of marks(above.dataPath)) rmSync(join(above.dataPath, mark));
    await fill(options, true);
    rmSync(join(dataPath, marks()[0]));
    await expect(open(above)).rejects.toMatchObject(refused(dataPath));
  });

  it('is refused when another lake marks it at the same moment', async () => {
    const options = lakeAt(dataPath);
    const run = DuckDBConnection.prototype.run;
    const spy = vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(function (this: DuckDBConnection, sql) {
      if (sql.startsWith('COPY')) writeFileSync(join(dataPath, ANOTHER_MARK), '');
      return run.call(this, sql);
    });
    await expect(open(options)).rejects.toMatchObject(refused(ANOTHER_MARK));
    spy.mockRestore();
    await expect(open(options)).rejects.toMatchObject(refused(ANOTHER_MARK));
    rmSync(join(dataPath, ANOTHER_MARK));
    await open(options);
  });

  it('keeps the mark of another process when its own cannot be written', async () => {
    const options = lakeAt(dataPath);
    await open(options);
    const [mark] = marks();
    rmSync(join(dataPath, mark));
    const run = DuckDBConnection.prototype.run;
    const spy = vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(function (this: DuckDBConnection, sql) {
      if (!sql.startsWith('COPY')) return run.call(this, sql);
      writeFileSync(join(dataPath, mark), '');
      return Promise.reject(new Error('could not set lock on file'));
    });
    await expect(open(options)).rejects.toThrow('could not set lock');
    spy.mockRestore();
    expect(marks()).toEqual([mark]);
  });

  it('may have a bracket in its name', async () => {
    dataPath = join(dataPath, 'y[1]');
    const options = lakeAt(dataPath);
    await fill(options, true);
    expect(await problems(options)).toEqual([]);
    const leftover = join(dataPath, 'cdc_orders', 'p0', '0-00000000000000000007-00000000000000000009.parquet');
    copyFileSync(listFiles(dataPath).find((file) => file.endsWith('.parquet'))!, leftover);
    await expect(open(lakeAt(join(dataPath, 'below')))).rejects.toMatchObject(refused(marks()[0]));
    await open(options);
    expect(existsSync(leftover)).toBe(false);
  });

  it('may have leftovers of a table that is gone', async () => {
    const options = lakeAt(dataPath);
    await fill(options, true);
    const leftover = join(dataPath, 'sluice', 'gone', 'ducklake-019a0000-0000-7000-8000-000000000000.parquet');
    mkdirSync(dirname(leftover), { recursive: true });
    writeFileSync(leftover, '');
    await open(options);
  });

  describePostgres('with the catalog in Postgres', (postgres) => {
    it('is that of all processes, which may come at once', async () => {
      const catalog = `postgres:${await postgres().createDatabase()}`;
      const options = () => ({ ...lakeAt(dataPath), catalog });
      await Promise.all([options(), options(), options()].map(open));
      expect(marks()).toHaveLength(1);
    });
  });

  describeS3('in an object store', (s3) => {
    it('is marked, and refused to lakes with the same one, one above it, and one below it', async () => {
      const bucket = `s3://${await s3().createBucket()}`;
      const at = (path: string) => s3LakeOptions(s3().endpoint, path);
      const options = at(`${bucket}/all/orders`);
      await fill(options);
      await open(options);
      const found = await onLake(options, `SELECT file FROM glob('${bucket}/**/*.json')`);
      expect(found).toEqual([[expect.stringContaining('/all/orders/sluice-lake-')]]);
      const [[mark]] = found as string[][];
      for (const path of ['/all/orders', '/all', '', '/all/orders/of/another']) {
        const other = { ...at(bucket + path), topic: 'cdc_payments' };
        await expect(open(other)).rejects.toMatchObject(refused(mark));
      }
      await open(at(`${bucket}/all/orders-of-another`));
      await open(options);
      expect(await onLake(options, COUNT)).toEqual([[2]]);
    });
  });
});

/** @returns a link to a folder */
function linkTo(folder: string): string {
  const link = join(temporaryDirectory(), 'link');
  symlinkSync(folder, link);
  expect(existsSync(link)).toBe(true);
  return link;
}
