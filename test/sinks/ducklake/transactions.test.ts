import { DuckDBInstance } from '@duckdb/node-api';
import { expect, it, onTestFinished, vi } from 'vitest';
import { ORDERS_SPEC } from '../../../src/schema/spec-file.js';
import { DeleteFiles } from '../../../src/sinks/ducklake/delete-files.js';
import { Transactions } from '../../../src/sinks/ducklake/transactions.js';
import { TOPIC, temporaryDirectory } from '../../support/batches.js';

it('puts back delete files that could not be put back, before anything else', async () => {
  const instance = await DuckDBInstance.create();
  const [connection, ofFiles] = [await instance.connect(), await instance.connect()];
  onTestFinished(() => {
    for (const each of [connection, ofFiles]) each.closeSync();
    instance.closeSync();
  });
  const deleteFiles = new DeleteFiles(ofFiles, temporaryDirectory(), ORDERS_SPEC);
  const restore = vi.spyOn(deleteFiles, 'restore');
  const ownership = {
    exclusively: <T>(work: (last: { commit: number; maxChangeSeq: undefined }) => Promise<T>) =>
      work({ commit: 0, maxChangeSeq: undefined }),
    committed: () => {},
    outcomeOf: async () => 'open' as const,
  };
  const { signal } = new AbortController();
  const transactions = new Transactions(connection, ownership, deleteFiles, TOPIC, signal);
  const write = vi.fn().mockRejectedValue(new Error('the answer was lost'));
  const run = () => transactions.run([], undefined, write);
  restore.mockRejectedValueOnce(new Error('the store is down'));
  await expect(run()).rejects.toThrow('the answer was lost');
  restore.mockRejectedValueOnce(new Error('the store is still down'));
  await expect(run()).rejects.toThrow('the store is still down');
  expect(write).toHaveBeenCalledTimes(1);
  write.mockRejectedValue(new Error('SLUICE_FENCED: partition 1'));
  await expect(run()).rejects.toThrow('another process has taken over');
  expect(restore).toHaveBeenCalledTimes(3);
  // All is where it should be.
  await expect(run()).rejects.toThrow('another process has taken over');
  expect(restore).toHaveBeenCalledTimes(3);
});
