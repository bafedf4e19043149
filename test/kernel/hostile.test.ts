/** Input that is made to take long: as much as a chunk has, which would take minutes if time grew with its square. */
import { describe, expect, it } from 'vitest';
import { Chunk } from '../../src/core/chunk.js';
import { chunksOf, expectSameOutput, kernelsOf, messagesOf } from '../support/kernel.js';
import { KINDS_SPEC } from '../support/kinds-spec.js';
import { Random } from '../support/random.js';
import { filled } from '../support/shapes.js';

const BYTES = 1 << 20;
const ROWS = 1 << 14;
const USUAL = '{"id":"82%","key":"%","text":"%","a":{"d":"%"},"x":["%"]}';
const kernels = kernelsOf(KINDS_SPEC);

/** A megabyte of the text. */
function times(text: string, bytes = BYTES): string {
  return text.repeat(Math.ceil(bytes / text.length));
}

/** Reads the values as one chunk, after some of the usual shape; all kernels must say the same. */
function read(values: readonly (Buffer | string)[]): { ok: number; malformed: number } {
  const random = new Random(1);
  const usual = Array.from({ length: 100 }, () => filled(USUAL, random));
  const messages = messagesOf([...usual, ...values]);
  const rows = (messages.length + 7) & ~7;
  const chunks = chunksOf(messages, (bytes) => new Chunk(rows, Math.max(bytes, 3 * BYTES), 0, rows));
  const { counts } = expectSameOutput(kernels, chunks);
  return { ok: counts.ok - usual.length, malformed: counts.malformed };
}

const OPEN_ROWS = [
  ...['{', '[', '"', '\\', ' ', 'a', '{"', '{"id":"', '{"id":"\\', '{"id":"82', '{"id":"82","key":"', '{"a":{"d":"'],
  ...[
    '{"id":"i","key":"k","x":["',
    '{"id":"i","key":"k","text":"\\',
    '{"id":"i","key":"k","x":[1',
    '{"id":-',
    '{"a":{',
  ],
];

describe('many rows', () => {
  it.each(OPEN_ROWS)('that are left open: %s', (row) => {
    expect(read(Array.from({ length: ROWS }, () => row))).toEqual({ ok: 0, malformed: ROWS });
  });

  it('one of which leaves a string open while the others have no quote', () => {
    const rows = Array.from({ length: ROWS }, (_, n) => (n % 4096 === 50 ? '{"id":"82","key":"' : 'a'.repeat(16)));
    expect(read(rows)).toEqual({ ok: 0, malformed: rows.length });
  });

  it('each of another shape', () => {
    const rows = Array.from({ length: 20_000 }, (_, n) => `{"id":"i","key":"k","x${n}":{"y${n}":[${n}]}}`);
    expect(read(rows)).toEqual({ ok: rows.length, malformed: 0 });
  });
});

const HEAD = '{"id":"i","key":"k"';
const LONG_ROWS: Readonly<Record<string, string>> = {
  'unmapped fields': times(',"x":1'),
  'one field again and again': times(',"text":"t"'),
  'one container again and again': times(',"json":[]'),
  'one object again and again': times(',"a":{"x":1}'),
  'an empty object again and again': times(',"a":{}'),
  'two objects in turns': times(',"a":{"x":1},"b":{"x":1,"y":2}'),
  'nested objects again and again': times(',"a":{"b":{"c":{"x":1},"c":{"x":1}},"b":{"y":1}}'),
  'an object that is something else in between': times(',"a":{"x":1},"a":1'),
  'many unmapped fields, and many objects after them': times(',"x":1') + times(',"a":{"y":1}'),
  'an object of many fields that comes again': times(`,"a":{"y":1${',"x":1'.repeat(1000)}}`),
  escapes: `,"text":"${times('\\u0041')}"`,
  'half surrogates': `,"text":"${times('\\ud83d')}"`,
  'an escaped key': `,"${times('\\u0074')}":1`,
  digits: `,"amount":${times('1')}`,
  'grouped digits': `,"amount":"${times("1'000'")}"`,
  spaces: times(' '),
  'an array of values': `,"x":[1${times(',"a"')}]`,
  'an array of objects': `,"json":[{}${times(',{"d":1}')}]`,
};

describe('a row of a megabyte', () => {
  it.each(Object.entries(LONG_ROWS))('of %s', (_name, members) => {
    const row = `${HEAD}${members}}`;
    expect(read([row])).toEqual({ ok: 1, malformed: 0 });
    expect(read([row.slice(0, -1), HEAD])).toEqual({ ok: 0, malformed: 2 });
  });

  it.each(['[', '{"a":', '{"a":[', '[[],'])('of %s to any depth', (open) => {
    expect(read([times(open), `${HEAD},"x":${times(open)}`])).toEqual({ ok: 0, malformed: 2 });
  });
});
