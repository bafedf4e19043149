/** Where bytes lie must not matter: alignments, the ends of regions, splits, and messages of any size. */
import { describe, expect, it } from 'vitest';
import { Chunk } from '../../src/core/chunk.js';
import type { KernelLimits } from '../../src/kernel/regions.js';
import { ORDERS_SPEC, parseSpec } from '../../src/schema/spec-file.js';
import { EQUAL_SHARES } from '../support/event-kinds.js';
import { orderEvents } from '../support/events.js';
import { GuardedKernel, tightKernels } from '../support/guarded-kernel.js';
import { chunksOf, expectAsReference, kernelResults, kernelsOf, messagesOf, VARIANTS } from '../support/kernel.js';
import { rowsOf } from '../support/kernel-output.js';
import { mutated } from '../support/mutate.js';
import { Random } from '../support/random.js';

const kernels = kernelsOf(ORDERS_SPEC);
const BLOCK = 64;
/** The input region of the kernel. */
const REGION_BYTES = 1 << 20;

function values(count: number, seed = 1): (Buffer | null)[] {
  return [...orderEvents({ count, seed, shares: EQUAL_SHARES })].map(({ value }) => value);
}

/** A message of about so many bytes. */
function largeMessage(id: string, bytes: number, field = 'items'): string {
  return `{"change_id":"${id}","order_id":"k","${field}":"${'x\\u00e9'.repeat(bytes / 7)}","amount":"12.50"}`;
}

describe('alignment', () => {
  it('is any: each corpus at every offset of a block', () => {
    const corpus = values(60);
    for (let offset = 0; offset < BLOCK; offset++) {
      expectAsReference(kernels, ORDERS_SPEC, messagesOf([' '.repeat(offset), ...corpus]));
    }
  });

  it('is any, for a string, an escape and a number at the end of a block', () => {
    for (let length = 0; length < 2 * BLOCK; length++) {
      const text = 'a'.repeat(length);
      const texts = [
        `"${text}\\u00e9"`,
        `"${text}é🎉"`,
        `"${text}\\\\"`,
        `"${text}\\"${text}"`,
        `"${text}`,
        `1${'0'.repeat(length)}`,
      ];
      const messages = texts.map((json) => `{"change_id":"i","order_id":"k","status":${json},"items":${json}}`);
      expectAsReference(kernels, ORDERS_SPEC, messagesOf(messages));
    }
  });

  it('is that of the end of the input region for the last message', () => {
    const ends = [
      '{"change_id":"i","order_id":"k"}',
      '{"change_id":"i',
      '{"change_id":"i\\',
      '{"change_id":"\xf0\x9f',
      '12',
      'tru',
    ];
    for (const end of ends) {
      const last = Buffer.from(end, 'latin1');
      const first = Buffer.from(largeMessage('i', REGION_BYTES).slice(0, REGION_BYTES - last.length));
      const messages = messagesOf([first, last]);
      const chunk = new Chunk(undefined, REGION_BYTES);
      expectAsReference(
        kernels,
        ORDERS_SPEC,
        messages,
        chunksOf(messages, () => chunk),
      );
      expect(chunk.valueBytes).toBe(REGION_BYTES);
    }
  });
});

describe('messages of any size', () => {
  it.each([100, REGION_BYTES - 100, REGION_BYTES, REGION_BYTES + 1, 5 * REGION_BYTES])(
    '%i bytes among small ones',
    (bytes) => {
      const small = values(20);
      const large = ['items', 'status', 'note'].map((field, index) => largeMessage(`large-${index}`, bytes, field));
      expectAsReference(
        kernels,
        ORDERS_SPEC,
        messagesOf([...small, large[0], ...small, ...large.slice(1), `${large[0]}x`, ...small]),
      );
    },
  );

  it('that no memory can hold are quarantined as too large', () => {
    const bytes = 300 << 20;
    const chunk = new Chunk(8, bytes);
    chunk.views.valueOffsets[1] = bytes;
    chunk.views.valueValidity[0] = 1;
    chunk.valueBytes = bytes;
    chunk.rows = 1;
    const { rejects, counts, recordBatches } = kernels[0].read(0, [chunk.handle()]);
    expect(rejects).toEqual([{ chunk: 0, row: 0, status: 'too_large', position: -1 }]);
    expect({ ...counts, batches: recordBatches.length }).toMatchObject({ too_large: 1, ok: 0, batches: 0 });
  });
});

describe('record batches', () => {
  const split = kernelsOf(ORDERS_SPEC, { batchRows: 100, batchBytes: 1000 });

  it('are split if rows or a text column would not fit, and lose nothing', () => {
    const many = messagesOf(values(9000));
    const wide = messagesOf(Array.from({ length: 8 }, (_, n) => largeMessage(`w-${n}`, 900_000)));
    for (const messages of [many, wide]) {
      const handles = chunksOf(messages).map((chunk) => chunk.handle());
      for (const kernel of split) {
        const { recordBatches, counts } = kernel.read(3, handles);
        expect(recordBatches.length).toBeGreaterThan(1);
        expect(rowsOf(recordBatches, ORDERS_SPEC)).toHaveLength(counts.ok);
      }
      expectAsReference(split, ORDERS_SPEC, messages);
    }
  });

  it('of one call do not show in the next', () => {
    const [first, second] = [messagesOf(values(500, 2)), messagesOf(values(200, 3), 1)];
    for (const kernel of kernels) {
      kernelResults(kernel, ORDERS_SPEC, first);
      expectAsReference([kernel], ORDERS_SPEC, second);
      expect(kernel.read(0, [])).toMatchObject({ recordBatches: [], rejects: [], minChangeSeq: 0n });
    }
  });
});

describe('regions', () => {
  const LIMITS: KernelLimits = {
    chunkRows: 64,
    chunkBytes: 64 << 10,
    keyBytes: 0,
    batchRows: 64,
    columnBytes: 64 << 10,
  };

  it.each(VARIANTS)('are never left by what the kernel writes: $wasm, learned $learned', (variant) => {
    const kernel = new GuardedKernel(ORDERS_SPEC, LIMITS, variant);
    const random = new Random(7);
    for (let round = 0; round < 100; round++) {
      const shares = round % 4 === 3 ? EQUAL_SHARES : { unicode: 0.1, extra_fields: 0.1, truncated: 0.1 };
      const events = [...orderEvents({ count: 1 + random.below(64), seed: round, shares })];
      const messages = messagesOf(
        events.map(({ value }) => value && (random.below(4) > 0 ? value : mutated(value, random))),
      );
      expectAsReference([kernel], ORDERS_SPEC, messages);
    }
  });

  it('have space for the extras of a block that are written again, to the last byte', () => {
    const columns = [
      { name: 'i', kind: 'text', required: true, role: 'change_id' },
      { name: 'k', kind: 'text', required: true, role: 'key' },
      { name: 'n', kind: 'int64' },
    ];
    const spec = parseSpec(JSON.stringify({ table: 't', view: 'v', columns }), 'test');
    // Nearly all of each message is in the extras: of the first ones only after they were read again.
    const message = (key: string, bytes: number) => `{"i":"","k":"","${key}":"${'x'.repeat(bytes)}"}`;
    for (const keys of [
      ['n', 'o'],
      ['o', 'n'],
      ['n', 'n', 'o'],
      ['n', 'o', 'n'],
    ]) {
      for (let bytes = 0; bytes < 2 * BLOCK; bytes++) {
        const messages = messagesOf(keys.map((key, index) => message(key, bytes + index)));
        expectAsReference(tightKernels(spec, messages), spec, messages);
      }
    }
  });
});
