/** What a replay asks of the process that runs. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { replay } from '../../src/commands/replay.js';
import { readConfig } from '../../src/config.js';
import { createLogger } from '../../src/core/log.js';
import { QueryServer } from '../../src/query/query-server.js';
import { replayRunning } from '../../src/query/sql-client.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import type { DuckDbSink } from '../../src/sinks/duckdb/sink.js';
import { makeBatch, openSink, select, temporaryDirectory } from '../support/batches.js';
import { shopSpec } from '../support/shop-spec.js';
import { changeDatabase } from '../support/verifying.js';

/** Without `shop` it is a row, and fails an expectation. */
const LOOSE_TEXT = shopSpec(false, [{ name: 'noted', action: 'warn', column: 'shop', not_null: true }]);
const LOOSE = parseSpec(LOOSE_TEXT, 'of the test');

/** One that runs, with a message that is a row with LOOSE. */
async function running(sql = 'SELECT 1'): Promise<{ dataDir: string; sink: DuckDbSink }> {
  const dataDir = temporaryDirectory();
  const strict = { spec: parseSpec(shopSpec(true), 'of the test') };
  const before = await openSink(dataDir, strict);
  await before.stage(await makeBatch(dataDir, 0, 0, ['{"id":"b","key":"b","operation":"insert"}'], strict));
  await before.commit();
  await before.close();
  await changeDatabase(dataDir, sql);
  const sink = await openSink(dataDir, { spec: LOOSE });
  const server = await QueryServer.start(sink, dataDir);
  onTestFinished(() => server.close());
  return { dataDir, sink };
}

function replayed(dataDir: string, env = {}) {
  const spec = join(dataDir, 'spec.json');
  writeFileSync(spec, LOOSE_TEXT);
  const log = createLogger({ level: 'silent', format: 'json' });
  return replay(readConfig({ DATA_DIR: dataDir, TABLE_SPEC: spec, ...env }), { dryRun: false, log });
}

it('is refused with another key of masks than that one has', async () => {
  const add = 'ALTER TABLE sluice.meta ADD mask_key_id VARCHAR';
  const { dataDir, sink } = await running(`${add}; UPDATE sluice.meta SET mask_key_id = 'x'`);
  const key = join(dataDir, 'key');
  writeFileSync(key, '4711'.repeat(16), { mode: 0o600 });
  await expect(replayed(dataDir, { MASK_KEY_FILE: key })).rejects.toMatchObject({
    code: 'SLUICE_CONFIG',
    message: expect.stringContaining('the masks in here are of the key x'),
  });
  expect(await select(sink, 'SELECT count(*) FROM sluice.quarantine')).toEqual([[1n]]);
});

it('asks for no more than that one takes', async () => {
  const { dataDir, sink } = await running();
  const replays = vi.spyOn(sink, 'replay');
  await replayed(dataDir);
  const [[{ batches }]] = replays.mock.calls;
  expect(batches).toMatchObject([{ stats: { ok: 1 }, failedExpectations: [] }]);
  // As much as BESIDE_A_RUN and a path can have.
  const path = '/'.padEnd(4096, 'x');
  const taken = Array.from({ length: 40 }, (_, n) => Number.MAX_SAFE_INTEGER - n);
  const largest = { ...batches[0], file: { tempPath: path, path, bytes: 1 }, taken };
  const piece = { specHash: 'another', batches: Array.from({ length: 500 }, () => largest) };
  await expect(replayRunning(dataDir, piece)).rejects.toMatchObject({ code: 'SLUICE_SPEC_CHANGED' });
});
