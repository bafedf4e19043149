/** A key leaves a data directory, whatever else the directory was made for; `verify` agrees. */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { forget } from '../../src/commands/forget.js';
import { readConfig } from '../../src/config.js';
import { createLogger } from '../../src/core/log.js';
import { MessageCipher } from '../../src/schema/mask-key.js';
import { specJson } from '../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../../src/schema/spec-file.js';
import { makeBatch, openSink, order, select, temporaryDirectory } from '../support/batches.js';
import { verified } from '../support/recovering.js';
import { changeDatabase, queryDatabase } from '../support/verifying.js';

const LOG = createLogger({ level: 'silent', format: 'json' });
const HOUR_MS = 3_600_000;
const SPEC = parseSpec(
  JSON.stringify({
    ...JSON.parse(specJson(ORDERS_SPEC)),
    expectations: [{ name: 'positive', column: 'amount', range: { min: '0' }, action: 'quarantine' }],
  }),
  'of the test',
);

const of = (key: string, changeId: string, fields = {}) =>
  order(changeId, { order_id: key, order_id_type: 'string', ...fields });
const forgetting = (dataDir: string, dryRun = false, env = {}) =>
  forget(readConfig({ DATA_DIR: dataDir, ...env }), LOG, 'C1', dryRun);

const COUNTS = `SELECT rows_merged, rows_quarantined, failed_expectations::VARCHAR FROM sluice.batches
  ORDER BY partition_id, start_offset`;

it('leaves nothing of it in changes, retired changes, state, quarantine and expectations', async () => {
  const dataDir = temporaryDirectory();
  const retention = { changesMs: HOUR_MS, quarantineMs: undefined, parquetMs: undefined };
  const sink = await openSink(dataDir, { spec: SPEC, state: 'table', retention });
  const odd = (key: string, changeId: string) => of(key, changeId, { amount: -1 });
  const batches = [
    [of('C1', 'a'), of('C1', 'b'), of('C2', 'c'), odd('C1', 'd'), odd('C2', 'e'), odd('C1', 'f'), '{"order_id":"C1'],
    [of('C1', 'g'), of('C2', 'h'), odd('C1', 'i')],
  ];
  for (const [index, values] of batches.entries()) {
    await sink.stage(await makeBatch(dataDir, 0, index * 7, values, { spec: SPEC }));
    await sink.commit();
  }
  await select(sink, 'UPDATE sluice.batches SET committed_at = now() - INTERVAL 2 HOURS');
  const { retired } = await sink.compact({ everything: true });
  expect(retired.changes).toBeGreaterThan(0);
  await sink.close();
  expect((await verified(dataDir)).problems).toEqual([]);

  const listed = ['3', '5', '6', '9'].map((offset) => `  partition 0, offset ${offset}\n`).join('');
  expect(await forgetting(dataDir, true)).toContain(`and 4 messages in the quarantine are of the key\n${listed}a dry`);
  const text = await forgetting(dataDir, false, { RETAIN_CHANGES: '1h' });
  expect(text).toMatch(/4 quarantined messages; 1 files/);
  expect(text).toContain('the next run with STATE=table makes it again');
  expect(await queryDatabase(dataDir, COUNTS)).toEqual([
    [1n, 1n, "{'expectation:positive'=1}"],
    [1n, 0n, null],
  ]);
  for (const table of ['cdc_orders', `read_parquet('${dataDir}/parquet/*/*/*.parquet')`]) {
    expect(await queryDatabase(dataDir, `SELECT count(*) FROM ${table} WHERE order_id = 'C1'`)).toEqual([[0n]]);
  }
  expect((await verified(dataDir)).problems).toEqual([]);
  expect(await forgetting(dataDir)).toMatch(/^forgotten: 0 rows, 0 .* 0 quarantined messages; 0 files/);
});

/** A directory with a row of C1 and this value in the quarantine, and the key that it says it encrypts with. */
async function withQuarantined(value: Uint8Array, keyId?: string): Promise<string> {
  const dataDir = temporaryDirectory();
  const sink = await openSink(dataDir);
  await sink.stage(await makeBatch(dataDir, 0, 0, [order('a', { order_id: 'C1' }), '{']));
  await sink.commit();
  await sink.close();
  const hex = Buffer.from(value).toString('hex');
  await changeDatabase(dataDir, `UPDATE sluice.quarantine SET value = unhex('${hex}')`);
  if (keyId !== undefined) {
    await changeDatabase(dataDir, 'ALTER TABLE sluice.meta ADD COLUMN mask_key_id VARCHAR');
    await changeDatabase(dataDir, `UPDATE sluice.meta SET mask_key_id = '${keyId}'`);
  }
  return dataDir;
}

function keyFile(folder: string, key: string): string {
  const path = join(folder, 'key');
  writeFileSync(path, key, { mode: 0o600 });
  return path;
}

it('names a message that it cannot open without a key before anything has left', async () => {
  const cipher = new MessageCipher(randomBytes(32));
  const dataDir = await withQuarantined(cipher.seal(Buffer.from('{'), 'cdc_orders/0/1/value'), cipher.id);
  const MASK_KEY_FILE = keyFile(dataDir, randomBytes(32).toString('hex'));
  for (const [env, message] of [
    [{}, /partition 0, offset 1: .*encrypted.*MASK_KEY_FILE/],
    [{ MASK_KEY_FILE }, /the masks in here are of the key .*MASK_KEY_FILE/],
  ] as const) {
    const expected = { code: 'SLUICE_CONFIG', message: expect.stringMatching(message) };
    await expect(forgetting(dataDir, false, env)).rejects.toMatchObject(expected);
  }
  expect(await queryDatabase(dataDir, "SELECT count(*) FROM cdc_orders WHERE order_id = 'C1'")).toEqual([[1n]]);
});

it('is not stopped by messages that only look encrypted', async () => {
  const key = randomBytes(32).toString('hex');
  const cipher = new MessageCipher(Buffer.from(key));
  const of = (sealed: Uint8Array) => Buffer.concat([sealed, Buffer.from(' C1 ')]);
  const ofOther = of(new MessageCipher(randomBytes(32)).seal(Buffer.from('{'), 'cdc_orders/0/1/value'));
  const ofThis = of(cipher.seal(Buffer.from('{'), 'cdc_orders/0/1/value'));
  for (const [value, keyId] of [
    [ofOther, undefined],
    [ofOther, cipher.id],
    [ofThis, cipher.id],
  ] as const) {
    const dataDir = await withQuarantined(value, keyId);
    const env = keyId === undefined ? {} : { MASK_KEY_FILE: keyFile(dataDir, key) };
    const text = await forgetting(dataDir, false, env);
    expect(text).toMatch(/^forgotten: 1 rows, .* 1 quarantined messages/);
  }
});
