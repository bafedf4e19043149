/** Learned rows that are damaged at every byte, packed without a gap: what is left open runs into the next row. */
import { describe, expect, it } from 'vitest';
import { GuardedKernel, tightKernels } from '../support/guarded-kernel.js';
import { chunksOf, expectAsReference, kernelsOf, messagesOf, VARIANTS } from '../support/kernel.js';
import { KINDS_SPEC } from '../support/kinds-spec.js';

const ID = '"id":"82677501C00000002A"';
const SUBJECTS = {
  'values of all kinds': [
    `{${ID},"key":"k-1","text":"t \\u00e9","amount":"$1,234.50","time":"2025-01-02T03:04:05.678901Z","int":42`,
    ',"flag":true,"a":{"d":"leaf","x":1.5,"b":{"c":{"d":"deep"}}},"json":[{"n":2},[]],"x":{"y":null}}',
  ].join(''),
  'indented text': [
    `{\n  ${ID},\n  "key": "k-1",\n  "b": {\n    "d": 7,\n    "amount": 12.5\n  },\n`,
    '  "x": [\n    1\n  ]\n}\n',
  ].join(''),
  'long text': `{${ID},"key":"${'k'.repeat(40)}","${'long-'.repeat(9)}":"Zoë 田中 🎉","text":"${'\\n'.repeat(20)}"}`,
} as const;

const REPLACEMENTS = [...Buffer.from('"\\{},:7 '), 0x00, 0x0a, 0x80, 0xc3, 0xff];
const LEARNED_ROWS = 100;

/** Each damaged row, and between them 0 to 3 good ones: so that it stands at other places of a block. */
function between(good: Buffer, damaged: readonly Buffer[]): Buffer[] {
  const start = Array.from({ length: LEARNED_ROWS }, () => good);
  return [...start, ...damaged.flatMap((row, index) => [row, good, good, good].slice(0, 1 + (index % 4))), good, good];
}

describe.each(Object.entries(SUBJECTS))('a row with %s', (_name, text) => {
  const good = Buffer.from(text);
  const everywhere = Array.from(good.keys());
  const truncated = everywhere.map((end) => good.subarray(0, end));

  function expectFresh(damaged: readonly Buffer[]): void {
    const messages = messagesOf(between(good, damaged));
    expectAsReference(kernelsOf(KINDS_SPEC), KINDS_SPEC, messages);
    const few = messages.slice(0, 4000);
    expectAsReference(tightKernels(KINDS_SPEC, few), KINDS_SPEC, few);
  }

  it('is cut off at every byte', () => {
    expectFresh(truncated);
    expectFresh([...truncated].reverse());
  });

  it('is cut off at every byte where the input region ends', () => {
    const rows = 9;
    const limits = {
      chunkRows: rows,
      batchRows: rows,
      keyBytes: 0,
      chunkBytes: rows * good.length,
      columnBytes: rows * good.length,
    };
    const kernels = VARIANTS.map((variant) => new GuardedKernel(KINDS_SPEC, limits, variant));
    for (const [index, last] of truncated.entries()) {
      const others = Array.from({ length: rows - 2 - (index % 2) }, () => good);
      const spaces = limits.chunkBytes - good.length * (others.length + 1) - last.length;
      const messages = messagesOf([`${' '.repeat(spaces)}${text}`, ...others, last]);
      const [chunk] = chunksOf(messages);
      expect(chunk.valueBytes).toBe(limits.chunkBytes);
      expectAsReference(kernels, KINDS_SPEC, messages, [chunk]);
    }
  });

  it('has every byte replaced', () => {
    const replaced = everywhere.flatMap((at) =>
      REPLACEMENTS.map((byte) => Buffer.concat([good.subarray(0, at), Buffer.of(byte), good.subarray(at + 1)])),
    );
    expectFresh(replaced);
  });

  it('lacks every byte, and has every byte twice', () => {
    const lacking = everywhere.map((at) => Buffer.concat([good.subarray(0, at), good.subarray(at + 1)]));
    const twice = everywhere.map((at) => Buffer.concat([good.subarray(0, at + 1), good.subarray(at)]));
    expectFresh([...lacking, ...twice]);
  });
});
