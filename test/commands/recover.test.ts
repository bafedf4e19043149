import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { makeBatch, openSink, order, temporaryDirectory, token } from '../support/batches.js';
import { damageBlocks, database, filled, nameOf, parquetFiles, recovered } from '../support/recovering.js';

describe('recover without rebuilding', () => {
  it('says that nothing is wrong, and what the next start removes', async () => {
    const dataDir = temporaryDirectory();
    await filled(dataDir);
    expect(await recovered(dataDir, undefined)).toEqual({ ok: true, text: 'nothing to recover\n' });
    await makeBatch(dataDir, 0, 9, [order(token(7))]);
    expect((await recovered(dataDir, undefined)).text).toMatch(/^the next start removes \S+\.tmp: a write.*\nnothing/);
  });

  it.each([
    [
      'a file too many',
      (dataDir: string) => copyFileSync(join(dataDir, nameOf(0, 4, 9)), join(dataDir, nameOf(0, 9, 14))),
    ],
    ['a database that is gone', (dataDir: string) => rmSync(database(dataDir))],
    [
      'a database that is empty, as without the log of its first run',
      async (dataDir: string) => {
        rmSync(database(dataDir));
        (await DuckDBInstance.create(database(dataDir))).closeSync();
      },
    ],
    ['a database that cannot be read', (dataDir: string) => writeFileSync(database(dataDir), 'damaged')],
    ['a database with a damaged block, which is no lock', damageBlocks],
  ])('explains %s and the choices, and changes nothing', async (_, damage) => {
    const dataDir = temporaryDirectory();
    await filled(dataDir);
    await damage(dataDir);
    const before = parquetFiles(dataDir);
    const { ok, text } = await recovered(dataDir, undefined);
    expect(ok).toBe(false);
    expect(text).toMatch(/put the newer analytics\.db back.*--from-parquet.*--remove-uncounted/s);
    expect(parquetFiles(dataDir)).toEqual(before);
  });

  it('removes what the database does not name, and then opens', async () => {
    const dataDir = temporaryDirectory();
    await filled(dataDir);
    const stray = nameOf(0, 9, 14);
    copyFileSync(join(dataDir, nameOf(0, 4, 9)), join(dataDir, stray));
    const { ok, text } = await recovered(dataDir, 'removeUncounted');
    expect(ok).toBe(true);
    expect(text).toMatch(new RegExp(`^removed ${stray}: the ledger does not name it\n1 file removed; `));
    await (await openSink(dataDir)).close();
    expect(await recovered(dataDir, 'removeUncounted')).toMatchObject({
      text: expect.stringMatching(/^0 files removed/),
    });
  });

  it('removes nothing while the ledger lacks files: their rows may be in those that it does not name', async () => {
    const dataDir = temporaryDirectory();
    await filled(dataDir);
    renameSync(join(dataDir, nameOf(0, 0, 4)), join(dataDir, nameOf(0, 0, 9)));
    const before = readFileSync(database(dataDir));
    await expect(recovered(dataDir, 'removeUncounted')).rejects.toMatchObject({
      code: 'SLUICE_SINK',
      message: expect.stringMatching(/lacks .*0+4\.parquet is missing\. Nothing was removed/),
    });
    expect(existsSync(join(dataDir, nameOf(0, 0, 9)))).toBe(true);
    // Else its log, if it is put back, would no longer fit.
    expect(readFileSync(database(dataDir)).equals(before)).toBe(true);
  });
});
