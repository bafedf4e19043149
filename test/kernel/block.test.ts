/** Rows are read by blocks and written in blocks of 64: how many there are, and what is where, must not matter. */
import { describe, it } from 'vitest';
import { Chunk } from '../../src/core/chunk.js';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { EQUAL_SHARES } from '../support/event-kinds.js';
import { orderEvents } from '../support/events.js';
import { tightKernels } from '../support/guarded-kernel.js';
import { chunksOf, expectAsReference, kernelsOf, messagesOf } from '../support/kernel.js';
import { KINDS_SPEC } from '../support/kinds-spec.js';
import { Random } from '../support/random.js';
import { filled } from '../support/shapes.js';

const BLOCK = 64;
/** Around blocks and the bytes of bitmaps. */
const COUNTS = [1, 2, 3, 63, 64, 65, 129];
const PLACES = [0, 1, 2, 7, 62, 63, 64, 65, 127, 128];

const USUAL =
  '{"id":"82%","key":"%","text":"%","amount":"$12.50","time":"2025-01-02","int":#,"flag":true,"a":{"d":"%","x":#}}';
const ODD: readonly (string | null)[] = [
  '{"id":"i',
  '{"id":"i","key":"k"}}',
  '',
  '[]',
  '{"key":"k"}',
  '{"id":"i","key":null}',
  '{"key":"k","id":"i","a":null}',
  null,
];

function usualRows(count: number, random: Random): (Buffer | string | null)[] {
  return Array.from({ length: count }, () => filled(USUAL, random));
}

/** Small chunks, of which the first takes `rows` messages. */
function splitAt(rows: number): (valueBytes: number) => Chunk {
  let first = true;
  return () => {
    const chunk = new Chunk(first ? rows : 2 * BLOCK, 64 << 10, 0, 4 * BLOCK);
    first = false;
    return chunk;
  };
}

describe.each(COUNTS)('%i rows', (count) => {
  const kernels = kernelsOf(KINDS_SPEC);
  const random = new Random(count);

  it.each(ODD)('one or two of which are %s', (odd) => {
    for (const place of PLACES.filter((at) => at < count)) {
      const messages = messagesOf(usualRows(count, random).fill(odd, place, place + 1 + random.below(2)));
      expectAsReference(kernels, KINDS_SPEC, messages, chunksOf(messages, splitAt(count)));
    }
  });

  it('all, or every other one, are rejects of any kind', () => {
    for (const step of [1, 2, 3]) {
      const values = usualRows(count, random).map((value, index) => (index % step === 0 ? random.pick(ODD) : value));
      expectAsReference(kernels, KINDS_SPEC, messagesOf(values));
    }
  });

  it('fill all output regions to the last row and byte, in one chunk and in three', () => {
    const [head, tail] = ['{"id":"i","key":"k","', '}'];
    const heavy = [
      'text":"%"',
      'json":[#,"%"]',
      'amount":"%"',
      'x":"%"',
      'a":{"x":"%"}',
      'b":{"json":"%"}',
      'key":"%"',
    ];
    for (const member of heavy) {
      const values = Array.from({ length: count }, () => filled(`${head}${member}${tail}`, random));
      const once = messagesOf(values);
      expectAsReference(tightKernels(KINDS_SPEC, once), KINDS_SPEC, once, chunksOf(once, splitAt(count)));
      const thrice = messagesOf([...values, ...values, ...values]);
      const chunks = chunksOf(thrice, () => new Chunk(count, 64 << 10, 0, 4 * BLOCK));
      expectAsReference(tightKernels(KINDS_SPEC, once, 3), KINDS_SPEC, thrice, chunks);
    }
  });
});

describe('splits', () => {
  const plain = [...orderEvents({ count: 24, seed: 2, shares: {} })].map(({ value }) => value);
  const odd = [...orderEvents({ count: 18, seed: 3, shares: EQUAL_SHARES })].map(({ value }) => value);
  const corpus = plain.flatMap((value, index) => (index < odd.length ? [value, odd[index]] : [value]));
  const kernels = kernelsOf(ORDERS_SPEC);

  it('are any: into two chunks at every row, with the rows at every offset of a block', { timeout: 60_000 }, () => {
    for (let offset = 0; offset < BLOCK; offset++) {
      const values = [`${' '.repeat(offset)}{"change_id":"i","order_id":"k"}`, ...corpus];
      const messages = messagesOf(values);
      const chunkings = values.map((_, rows) => chunksOf(messages, splitAt(rows + 1)));
      expectAsReference(kernels, ORDERS_SPEC, messages, ...chunkings);
    }
  });

  it('leave a chunk to be continued at any row, after a message that is larger than the input region', () => {
    const large = Buffer.from(`{"change_id":"large","order_id":"k"}${' '.repeat(1 << 20)}`);
    for (let row = 0; row <= 17; row++) {
      const messages = messagesOf([...corpus.slice(0, row), large, null, ...corpus.slice(row)]);
      const chunk = () => new Chunk(undefined, 2 << 20);
      expectAsReference(kernels, ORDERS_SPEC, messages, chunksOf(messages, chunk));
    }
  });
});
