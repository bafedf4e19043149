/** What of a lake is fsynced before a commit, and what outlives a COMMIT of which nobody knows: no crash shows it. */
import { readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { order, temporaryDirectory, token } from '../../support/batches.js';
import { whyNoExtensions } from '../../support/duckdb-extensions.js';
import { lakeOptions, makeLakeBatch, openLakeSink } from '../../support/lakes.js';

const synced = vi.hoisted((): string[] => []);

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
      synced.push(paths.get(handle)!);
      fs.fsyncSync(handle);
    },
  };
});

describe.skipIf(whyNoExtensions() !== undefined)('a commit to a lake', () => {
  it('is made after the folder of the files and the file of the catalog have durable names', async () => {
    const options = lakeOptions(temporaryDirectory());
    const apart = {
      ...options,
      dataPath: join(options.dataDir, 'far', 'lake'),
      catalog: join(temporaryDirectory(), 'c'),
    };
    await openLakeSink(apart);
    const parents = [options.dataDir, join(options.dataDir, 'far'), dirname(apart.catalog)];
    expect(synced).toEqual(expect.arrayContaining(parents));
  });

  it("makes the workers' files durable, and those of deleted rows and quarantined messages", async () => {
    const options = lakeOptions(temporaryDirectory());
    const sink = await openLakeSink(options);
    const [{ epoch }] = await sink.claim([0, 1]);
    await sink.stage(await makeLakeBatch(options, 0, 0, [order(token(1)), order(token(1))], { epoch }));
    await sink.stage(await makeLakeBatch(options, 1, 0, Array(101).fill('{bad'), { epoch }));
    await sink.commit();
    const folder = join(options.dataPath, 'main', 'cdc_orders');
    const [deleteFile, ...others] = readdirSync(folder);
    expect([deleteFile.endsWith('-delete.parquet'), others]).toEqual([true, []]);
    const file = `cdc_orders/p0/${epoch}-00000000000000000000-00000000000000000002.parquet`;
    const quarantine = `quarantine/p1/${epoch}-00000000000000000000-00000000000000000101.parquet`;
    expect(synced.map((path) => relative(options.dataPath, path))).toEqual(
      expect.arrayContaining([
        ...[file, 'cdc_orders/p0', 'cdc_orders'],
        ...[`cdc_orders/${quarantine}`, dirname(`cdc_orders/${quarantine}`), 'cdc_orders/quarantine'],
        ...[`main/cdc_orders/${deleteFile}`, 'main/cdc_orders', 'main', ''],
      ]),
    );
  });
});
