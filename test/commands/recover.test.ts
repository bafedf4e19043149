import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { describe, expect, it } from 'vitest';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { specHash } from '../../src/schema/spec-hash.js';
import { makeBatch, openSink, order, temporaryDirectory, token } from '../support/batches.js';
import { verifies } from '../support/configured.js';
import {
  damageBlockOf,
  damageBlocks,
  database,
  filled,
  nameOf,
  parquetFiles,
  recovered,
} from '../support/recovering.js';
import { changeDatabase, problems } from '../support/verifying.js';

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

describe('a database that can be read in part', () => {
  const DAMAGE = 'Corrupt database file';

  it('is no bad configuration: recover explains it, verify fails', async () => {
    const dataDir = temporaryDirectory();
    await filled(dataDir);
    damageBlockOf(dataDir, specHash(ORDERS_SPEC));
    const { ok, text } = await recovered(dataDir, undefined);
    expect(ok).toBe(false);
    expect(text).toContain(DAMAGE);
    expect(text).toMatch(/put the newer analytics\.db back.*--from-parquet/s);
    await expect(verifies({ DATA_DIR: dataDir })).rejects.toMatchObject({
      code: 'SLUICE_SINK',
      message: expect.stringMatching(/^the database is damaged, "sluice recover" says .*Corrupt database file/),
    });
  });

  it('is explained, too, before files are removed', async () => {
    const dataDir = temporaryDirectory();
    await filled(dataDir);
    const files = parquetFiles(dataDir);
    damageBlockOf(dataDir, specHash(ORDERS_SPEC));
    await expect(recovered(dataDir, 'removeUncounted')).rejects.toMatchObject({
      code: 'SLUICE_SINK',
      message: expect.stringMatching(/^the database is damaged, "sluice recover" says .*Corrupt database file/),
    });
    expect(parquetFiles(dataDir)).toEqual(files);
  });

  it('has quarantined messages that verify reads, and that a recovery leaves out only with the whole', async () => {
    const dataDir = temporaryDirectory();
    await filled(dataDir);
    const value = randomBytes(1 << 20);
    await changeDatabase(
      dataDir,
      `UPDATE sluice.quarantine SET value = from_hex('${value.toString('hex')}') WHERE partition_id = 0`,
    );
    damageBlockOf(dataDir, value.subarray(500_000, 500_016));
    expect(await problems(dataDir)).toEqual([expect.stringContaining(DAMAGE)]);
    const before = readFileSync(database(dataDir));
    await expect(recovered(dataDir, 'fromParquet')).rejects.toMatchObject({
      code: 'SLUICE_SINK',
      message: expect.stringMatching(
        /Corrupt database file.* Nothing was changed\. Move it away to recover without it/s,
      ),
    });
    expect(readFileSync(database(dataDir)).equals(before)).toBe(true);
    renameSync(database(dataDir), join(dataDir, 'away'));
    expect((await recovered(dataDir, 'fromParquet')).text).toContain('1 quarantined message lost with the database');
  });
});
