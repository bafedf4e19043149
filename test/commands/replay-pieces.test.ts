import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, onTestFinished, vi } from 'vitest';
import { PieceReader, type Work } from '../../src/commands/replay-pieces.js';
import { readConfig } from '../../src/config.js';
import { createLogger } from '../../src/core/log.js';
import type { ReplayOutcome, ReplayPiece } from '../../src/core/replay.js';
import { MessageCipher, messagePlace } from '../../src/schema/mask-key.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import { specHash } from '../../src/schema/spec-hash.js';
import { TOMBSTONES_SPEC, TOPIC, temporaryDirectory } from '../support/batches.js';
import { shopSpec } from '../support/shop-spec.js';

const TEXT = shopSpec(false, [{ name: 'noted', action: 'warn', column: 'shop', not_null: true }]);
const SPEC = parseSpec(TEXT, 'of the test');
const MASK_KEY = new Uint8Array(32).fill(7);
const row = (id: string) => JSON.stringify({ id, key: id, operation: 'insert' });
const OUTCOME: ReplayOutcome = { merged: 1, duplicate: 2, marker: 3, tombstone: 4 };
const part = (from: number, to: number) => ({ partition: 0, start: from, next: to + 1, from, to });

/** @param values of the messages from offset 0 on, as the quarantine has them */
async function reader(values: (string | Uint8Array | null)[], more: Partial<Work> = {}, key: string | null = null) {
  const dataDir = temporaryDirectory();
  const spec = join(dataDir, 'spec.json');
  writeFileSync(spec, TEXT);
  const folder = join(dataDir, '.replay');
  const hex = (bytes: string | Uint8Array | null) => bytes && Buffer.from(bytes).toString('hex');
  /** As SQL finds them: those of the offsets in it. */
  const all = vi.fn(async (sql: string) => {
    const [, from, to] = /message_offset >= (\d+) AND message_offset <= (\d+)/.exec(sql)!.map(Number);
    return values.flatMap((value, offset) =>
      offset < from || offset > to || value === 'gone'
        ? []
        : [
            {
              ...{ topic: TOPIC, partition_id: 0, message_offset: BigInt(offset), key: hex(key), value: hex(value) },
              ...{ reason: offset < 2 ? 'first' : 'others', time: null },
            },
          ],
    );
  });
  const config = { ...readConfig({ DATA_DIR: dataDir, TABLE_SPEC: spec }), maskKey: MASK_KEY };
  const log = createLogger({ level: 'silent', format: 'json' });
  const onDone = vi.fn();
  const work = { config, topic: TOPIC, spec: SPEC, condition: 'meant', log, onDone, ...more };
  const issueBits = work.spec.columns.map((_, index) => index);
  const pieces = await PieceReader.open(work, folder, all, issueBits);
  onTestFinished(() => pieces.close());
  const replay = vi.fn<(piece: ReplayPiece) => Promise<ReplayOutcome | undefined>>().mockResolvedValue(OUTCOME);
  return { pieces, all, replay, folder, onDone, counts: () => Object.fromEntries(pieces.byReason) };
}

it('a piece is the messages that are rows or tombstones now, and all are counted', async () => {
  const { pieces, all, replay, folder, onDone, counts } = await reader([row('a'), '{', null, row('b'), 'gone']);
  const filesOf: boolean[] = [];
  replay.mockImplementation(async ({ batches }) => {
    filesOf.push(...batches.map(({ file }) => file !== undefined && existsSync(file.tempPath)));
    return OUTCOME;
  });
  expect(await pieces.take([part(0, 1), part(2, 3), part(4, 4)], { replay })).toBe(OUTCOME);
  const [[{ specHash: hash, batches }]] = replay.mock.calls;
  expect(hash).toBe(specHash(SPEC));
  expect(batches).toMatchObject([
    { startOffset: 0, nextOffset: 2, taken: [0], quarantined: [], failedExpectations: [], stats: { ok: 1 } },
    { startOffset: 2, nextOffset: 4, taken: [2, 3], stats: { ok: 1, tombstone: 1 } },
  ]);
  expect(filesOf).toEqual([true, true]);
  expect(existsSync(folder)).toBe(false);
  expect(counts()).toEqual({
    first: { rows: 1, tombstones: 0, stay: 1 },
    others: { rows: 1, tombstones: 1, stay: 0 },
  });
  expect(onDone.mock.calls).toEqual([[4]]);
  expect(all).toHaveBeenCalledWith(expect.stringContaining('(meant)'));
});

it('nothing is asked of the target if nothing can be taken', async () => {
  const { pieces, replay, counts } = await reader(['{', 'gone']);
  const nothing = { merged: 0, duplicate: 0, marker: 0, tombstone: 0 };
  expect(await pieces.take([part(0, 0)], { replay })).toEqual(nothing);
  expect(await pieces.take([part(1, 1)], { replay })).toEqual(nothing);
  expect(replay).not.toHaveBeenCalled();
  expect(counts()).toEqual({ first: { rows: 0, tombstones: 0, stay: 1 } });
});

it('is read again if others take some of it, and counted once', async () => {
  const { pieces, all, replay, counts } = await reader([row('a')]);
  for (let attempt = 1; attempt < 20; attempt++) replay.mockResolvedValueOnce(undefined);
  expect(await pieces.take([part(0, 0)], { replay })).toBe(OUTCOME);
  expect([replay, all].map(({ mock }) => mock.calls.length)).toEqual([20, 20]);
  expect(counts()).toEqual({ first: { rows: 1, tombstones: 0, stay: 0 } });
});

it('is given up if others do so again and again', async () => {
  const { pieces, replay, folder, counts } = await reader([row('a'), row('b')]);
  replay.mockResolvedValue(undefined);
  await expect(pieces.take([part(0, 1)], { replay })).rejects.toMatchObject({
    code: 'SLUICE_LOCKED',
    message: expect.stringContaining('others take the messages of partition 0, offsets 0 to 1, or what is around'),
  });
  expect(replay).toHaveBeenCalledTimes(20);
  expect([existsSync(folder), counts()]).toEqual([false, {}]);
});

it('is only read for a dry run, with nobody to be told', async () => {
  const { pieces, folder, counts } = await reader([row('a'), '{', null], { onDone: undefined });
  await pieces.read([part(0, 2)]);
  expect(existsSync(folder)).toBe(false);
  expect(counts()).toEqual({
    first: { rows: 1, tombstones: 0, stay: 1 },
    others: { rows: 0, tombstones: 1, stay: 0 },
  });
});

it('of messages that have all gone is nothing, for a dry run too', async () => {
  const { pieces, counts, onDone } = await reader(['gone']);
  await pieces.read([part(0, 0)]);
  expect([counts(), onDone.mock.calls]).toEqual([{}, [[0]]]);
});

it('is decrypted where it is encrypted', async () => {
  const sealed = (offset: number) =>
    new MessageCipher(MASK_KEY).seal(Buffer.from(row('a')), messagePlace(TOPIC, 0, offset, 'value'));
  const { pieces, counts } = await reader([sealed(0), row('b')]);
  await pieces.read([part(0, 1)]);
  expect(counts()).toEqual({ first: { rows: 2, tombstones: 0, stay: 0 } });
  // It is of another message.
  await expect((await reader([sealed(1)])).pieces.read([part(0, 0)])).rejects.toMatchObject({ code: 'SLUICE_CONFIG' });
});

it('has tombstones that are rows of their keys, if the table spec says so', async () => {
  const { pieces, counts, replay } = await reader([null, '{}'], { spec: TOMBSTONES_SPEC }, '{"id":"k"}');
  await pieces.take([part(0, 1)], { replay });
  expect(counts()).toEqual({ first: { rows: 2, tombstones: 0, stay: 0 } });
  expect(replay.mock.calls[0][0].batches).toMatchObject([{ taken: [0, 1], stats: { ok: 2, tombstone: 0 } }]);
});
