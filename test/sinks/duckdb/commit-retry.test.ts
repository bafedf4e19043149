/** A commit that fails for want of something that comes back, and is tried again. */
import type * as FileSystem from 'node:fs';
import { expect, it, vi } from 'vitest';
import { makeBatch, openSink, order, select, temporaryDirectory, token } from '../../support/batches.js';
import { verified } from '../../support/recovering.js';

/** What the next renames fail with: of the journal, then of the files. */
const failures: (NodeJS.ErrnoException | undefined)[] = [];

vi.mock('node:fs', async (load) => {
  const real = await load<typeof FileSystem>();
  const renameSync: typeof real.renameSync = (from, to) => {
    const failure = failures.shift();
    if (failure !== undefined) throw failure;
    real.renameSync(from, to);
  };
  return { ...real, renameSync };
});

const systemError = (code: string) => Object.assign(new Error(`${code}: rename`), { code, syscall: 'rename' });

it('takes the same group again, nothing twice, and what was staged meanwhile after it', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  for (const partition of [0, 1]) {
    await sink.stage(await makeBatch(dataDir, partition, 0, [order(token(1)), order(token(1))]));
  }
  failures.push(undefined, undefined, systemError('ENOSPC'));
  await expect(sink.commit()).rejects.toMatchObject({ code: 'SLUICE_DATA_DIR', retryable: true });
  expect(await select(sink, 'SELECT count(*) FROM sluice.batches')).toEqual([[0n]]);
  await sink.stage(await makeBatch(dataDir, 0, 2, [order(token(3))]));
  const again = await sink.commit();
  expect(again).toMatchObject({
    stats: { merged: 1, duplicate: 3 },
    positions: [{ nextOffset: 2 }, { nextOffset: 2 }],
  });
  expect(await sink.commit()).toMatchObject({ stats: { merged: 1, duplicate: 0 }, positions: [{ nextOffset: 3 }] });
  await sink.close();
  expect((await verified(dataDir)).problems).toEqual([]);
});

it('is not tried again for what does not pass by itself, and its files are removed', async () => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  await sink.stage(await makeBatch(dataDir, 0, 0, [order(token(1))]));
  failures.push(undefined, systemError('EACCES'));
  await expect(sink.commit()).rejects.toMatchObject({ code: 'SLUICE_DATA_DIR', retryable: false });
  await expect(sink.commit()).rejects.toThrow(/one commit at a time/);
});
