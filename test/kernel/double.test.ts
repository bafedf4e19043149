/** Doubles are those of the platform, bit by bit, however they are written: a million of them. */
import { describe, expect, it } from 'vitest';
import type { Kernel } from '../../src/kernel/kernel.js';
import { tableColumns } from '../../src/schema/spec.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import { chunksOf, expectAsReference, kernelsOf, messagesOf, VARIANTS } from '../support/kernel.js';
import { Random } from '../support/random.js';

const NAMES = Array.from({ length: 8 }, (_, index) => `d${index}`);
const SPEC = parseSpec(
  JSON.stringify({
    table: 't',
    view: 'v',
    columns: [
      { name: 'key', kind: 'text', required: true, role: 'key' },
      ...NAMES.map((name) => ({ name, kind: 'double' })),
    ],
  }),
  'of the test',
);
const FIRST = tableColumns(SPEC).findIndex(({ name }) => name === NAMES[0]);
const BATCH_ROWS = 1000;
const bits = new DataView(new ArrayBuffer(8));

/** The exact decimal digits of m × 2^power. */
function exactText(m: bigint, power: number): string {
  if (power >= 0) return String(m << BigInt(power));
  const digits = String(m * 5n ** BigInt(-power)).padStart(1 - power, '0');
  return `${digits.slice(0, power)}.${digits.slice(power)}`;
}

/** What is exactly in the middle between a double and the next one away from 0, and right above and below that. */
function halfway(double: number): string[] {
  bits.setFloat64(0, Math.abs(double));
  const all = bits.getBigUint64(0);
  const exponent = Number(all >> 52n);
  const fraction = (all & 0xfffffffffffffn) | (exponent === 0 ? 0n : 1n << 52n);
  const middle = exactText(fraction * 2n + 1n, (exponent || 1) - 1076);
  const digits = BigInt(middle.replace('.', ''));
  const places = middle.split('.')[1]?.length ?? 0;
  const withPoint = places > 0 ? middle : `${middle}.0`;
  return [middle, `${digits - 1n}e-${places}`, `${withPoint}000000000000000000001`, `${withPoint}${'0'.repeat(900)}1`];
}

function anyBits(random: Random): number {
  bits.setUint32(0, random.below(2 ** 32));
  bits.setUint32(4, random.below(2 ** 32));
  const double = bits.getFloat64(0);
  return Number.isFinite(double) ? double : random.next();
}

/** A JSON number of any length, and how often such lengths come up. */
function numberText(random: Random): string {
  const digits = () => String(1 + random.below(10 ** (1 + random.below(9))));
  switch (random.below(8)) {
    case 0:
      return String(anyBits(random));
    case 1:
      return anyBits(random).toExponential(16 + random.below(8));
    case 2:
      return String((random.next() - 0.5) * 10 ** random.below(12));
    case 3:
      return (random.next() * 10 ** random.below(8)).toFixed(random.below(8));
    case 4:
      return `${digits()}${digits()}${digits()}e${random.below(720) - 360}`;
    case 5:
      return `-${digits()}.${digits()}${digits()}E+${random.below(40)}`;
    case 6:
      return `0.${'0'.repeat(random.below(340))}${digits()}${digits()}`;
    default:
      return random.below(20) > 0 ? digits() : random.pick(halfway(anyBits(random)));
  }
}

/** Fails if a number is another one than the platform's; none is infinite. */
function expectAsPlatform(kernel: Kernel, texts: readonly string[]): void {
  const rows = Math.ceil(texts.length / NAMES.length);
  const values = Array.from({ length: rows }, (_, row) => {
    const members = NAMES.map((name, index) => `"${name}":${texts[row * NAMES.length + index] ?? 'null'}`);
    return `{"key":"k",${members.join(',')}}`;
  });
  const chunks = chunksOf(messagesOf(values)).map((chunk) => chunk.handle());
  const found = kernel
    .read(3, chunks)
    .recordBatches.flatMap((batch) =>
      Array.from({ length: batch.numRows }, (_, row) =>
        NAMES.map((_, index) => batch.getChildAt(FIRST + index)!.get(row) as number | null),
      ),
    );
  for (const [index, text] of texts.entries()) {
    const wanted = Number(text);
    const value = found[Math.floor(index / NAMES.length)][index % NAMES.length];
    if (!Object.is(value, Number.isFinite(wanted) ? wanted : null)) expect([text, value]).toEqual([text, wanted]);
  }
}

const HARD = [
  ...['0', '-0', '0.0', '-0e5', '0e999999999999', '1e400', '-1e400', '1e-400', '1e99999999999999999999'],
  ...['1.7976931348623157e308', '1.7976931348623158e308', '1.7976931348623159e308', `1${'0'.repeat(308)}`],
  ...[`1${'0'.repeat(309)}`, '2.4703282292062327e-324', '2.4703282292062328e-324', '2.5e-324', '4.9e-324', '5e-324'],
  ...['2.2250738585072011e-308', '2.2250738585072012e-308', '2.2250738585072014e-308', '1e23', '8.5e22', '1e22'],
  ...['9007199254740991', '9007199254740992', '9007199254740993', '9007199254740993.0', '18446744073709551615'],
  ...[
    `0.${'0'.repeat(5000)}1e5001`,
    `1${'0'.repeat(5000)}e-5000`,
    `${'9'.repeat(1000)}e-700`,
    '6.631236846766476e-316',
  ],
  ...[5e-324, 2 ** -1074 * 3, 2 ** -1022, 2 ** 52, 2 ** 53, Number.MAX_VALUE, 0.1, 1].flatMap(halfway),
];

describe('double', () => {
  it.each(VARIANTS)('is the nearest one of hard cases: $wasm, learned $learned', (variant) => {
    const [kernel] = kernelsOf(SPEC, {}, [variant]);
    expectAsPlatform(kernel, HARD);
  });

  it('is the nearest one of a million', () => {
    const [kernel] = kernelsOf(SPEC, {}, [VARIANTS[0]]);
    const random = new Random(1);
    for (let left = 1_000_000; left > 0; left -= BATCH_ROWS * NAMES.length) {
      const texts = Array.from({ length: BATCH_ROWS * NAMES.length }, () => numberText(random));
      expectAsPlatform(kernel, texts);
    }
  });

  it('is read of texts and extended JSON, and never infinite or no number', () => {
    const forms = ['"1.5"', '"-.5e0"', '"\\u0031e3"', '{"$numberDouble":"1.5E10"}', '{"$numberDecimal":"0.1"}'];
    const others = ['{"$numberInt":7}', '{"$numberLong":"9007199254740993"}', '"1e999"', '"+1"', '"0x1"', '" 1"', '""'];
    const none = [
      '"NaN"',
      '"Infinity"',
      '"-Infinity"',
      '{"$numberDouble":"NaN"}',
      '"1,5"',
      '"1e"',
      'true',
      '[1]',
      '{}',
    ];
    const values = [...forms, ...others, ...none].map((json) => `{"key":"k","d0":${json}}`);
    expectAsReference(kernelsOf(SPEC), SPEC, messagesOf(values));
  });
});
