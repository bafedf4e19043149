import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { writeFileInPlace } from '../../src/storage/staged-file.js';
import { temporaryDirectory } from '../support/batches.js';

it('tells a file that the next owner of its partition removed from one that cannot be written', async () => {
  const path = join(temporaryDirectory(), 'p0', 'a.parquet');
  const removed = async () => {
    writeFileSync(path, 'rows');
    rmSync(path);
  };
  await expect(writeFileInPlace(path, removed)).rejects.toMatchObject({ code: 'SLUICE_FENCED' });
  const failing = async () => {
    writeFileSync(path, 'ro');
    throw Object.assign(new Error('no such device'), { code: 'ENOENT' });
  };
  await expect(writeFileInPlace(path, failing)).rejects.toMatchObject({ code: 'SLUICE_SINK' });
  expect(existsSync(path)).toBe(false);
  await expect(writeFileInPlace(path, async () => writeFileSync(path, 'rows'))).resolves.toMatchObject({ bytes: 4 });
});
