import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { NO_STATS } from '../../../src/core/batch-stats.js';
import { SluiceError } from '../../../src/core/errors.js';
import type { BatchResult } from '../../../src/core/flow.js';
import { readJournal } from '../../../src/sinks/duckdb/commit-journal.js';
import {
  clearStaging,
  combineReceipts,
  filesOf,
  publishGroup,
  writeError,
} from '../../../src/sinks/duckdb/group-transaction.js';
import { temporaryDirectory } from '../../support/batches.js';

function batch(file?: BatchResult['file']): BatchResult {
  const nothing = { leaderEpoch: undefined, arrow: undefined, quarantined: [], kernelTrap: undefined };
  return { ...nothing, partition: 3, startOffset: 5, nextOffset: 9, file, stats: NO_STATS };
}

describe('the files of a group', () => {
  it('get their names, which the journal explains', () => {
    const dataDir = temporaryDirectory();
    const folder = join(dataDir, 'parquet', 'a');
    mkdirSync(folder, { recursive: true });
    const files = ['a', 'b'].map((name) => {
      return { tempPath: join(folder, `.${name}.tmp`), path: join(folder, name), bytes: 1 };
    });
    for (const { tempPath } of files) writeFileSync(tempPath, 'x');
    const batches = [batch(files[0]), batch(), batch(files[1])];
    expect(filesOf(batches)).toEqual(files);
    publishGroup({ dataDir, commitId: 7 }, filesOf(batches));
    expect(readJournal(dataDir)).toEqual({ commit: 7, files: ['parquet/a/a', 'parquet/a/b'] });
    for (const { path, tempPath } of files) expect([existsSync(path), existsSync(tempPath)]).toEqual([true, false]);
  });

  it('need no journal if there are none', () => {
    const dataDir = temporaryDirectory();
    publishGroup({ dataDir, commitId: 7 }, []);
    expect(readJournal(dataDir)).toBeUndefined();
  });
});

describe('a group that is not written', () => {
  it('needs less at once if there is no memory, and is a failure else', () => {
    const cause = new Error('Out of Memory Error: no');
    const error = writeError([batch()], cause);
    expect(error).toMatchObject({ code: 'SLUICE_SINK', cause });
    expect(error.message).toMatch(/^a commit of partition 3, offsets 5 to 9, needs more .*: Out of Memory Error: no$/);
    expect(writeError([batch()], new Error('no')).message).toMatch(/^a commit group cannot be written.*no/);
  });

  it('cannot be tried again if it is only its staging that stays', async () => {
    const full = new SluiceError('SLUICE_DATA_DIR', 'no space', { retryable: true });
    const staging = { clear: () => Promise.reject(full) } as Parameters<typeof clearStaging>[0];
    await expect(clearStaging(staging)).rejects.toMatchObject({ code: 'SLUICE_DATA_DIR', retryable: false });
  });
});

it('transactions one after the other leave the positions of the last', () => {
  const at = (partition: number, nextOffset: number) => {
    return { partition, nextOffset, leaderEpoch: undefined, watermark: undefined };
  };
  const stats = { ...NO_STATS, merged: 2 };
  const combined = combineReceipts([
    { positions: [at(0, 4), at(1, 5)], stats },
    { positions: [at(1, 9)], stats },
  ]);
  expect(combined).toEqual({
    positions: [at(0, 4), at(1, 9)],
    stats: { ...NO_STATS, merged: 4 },
    failedExpectations: [],
  });
});
