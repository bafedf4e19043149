/** A commit that fails for want of something that comes back, and is tried again. */
import type * as FileSystem from 'node:fs';
import { DuckDBConnection } from '@duckdb/node-api';
import { expect, it, vi } from 'vitest';
import { ORDERS_SPEC } from '../../../src/schema/spec-file.js';
import { specHash } from '../../../src/schema/spec-hash.js';
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

/** Does the next COMMIT, and loses its answer. */
function loseAnswer(): void {
  const run = DuckDBConnection.prototype.run;
  const spy = vi.spyOn(DuckDBConnection.prototype, 'run').mockImplementation(async function (this: never, ...args) {
    const result = await run.apply(this, args);
    if (args[0] !== 'COMMIT') return result;
    spy.mockRestore();
    throw new Error('no answer');
  });
}

it.each([
  ['the answer to its COMMIT', 'SLUICE_SINK', loseAnswer],
  ['the rename of its file', 'SLUICE_DATA_DIR', () => failures.push(systemError('ENOSPC'))],
] as const)('goes no further after a replay that lacks %s, which the next start finishes', async (_, code, fail) => {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  await sink.stage(await makeBatch(dataDir, 0, 0, [order(token(1)), '{']));
  await sink.commit();
  const batch = await makeBatch(temporaryDirectory(), 0, 0, [null, order(token(2))]);
  const taken = { ...batch, quarantined: [], stats: { ...batch.stats, quarantined: 0 }, taken: [1] };
  const piece = { specHash: specHash(ORDERS_SPEC), batches: [taken] };
  fail();
  const forGood = { code, retryable: false, message: expect.stringContaining('a replay cannot be committed') };
  const both = [sink.replay(piece), sink.replay(piece)];
  await Promise.all(both.map((replayed) => expect(replayed).rejects.toMatchObject(forGood)));
  await sink.stage(await makeBatch(dataDir, 0, 2, [order(token(2))]));
  await expect(sink.commit()).rejects.toMatchObject(forGood);
  await expect(sink.compact({ everything: true })).rejects.toMatchObject(forGood);
  await sink.close();
  const next = await openSink(dataDir);
  expect(await select(next, 'SELECT count(*) FROM cdc_orders')).toEqual([[2n]]);
  await next.close();
  expect((await verified(dataDir)).problems).toEqual([]);
});
