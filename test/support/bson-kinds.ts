/** Random BSON documents with values of every type. */
import {
  Binary,
  BSONRegExp,
  BSONSymbol,
  Code,
  Decimal128,
  Double,
  Int32,
  Long,
  MaxKey,
  MinKey,
  ObjectId,
  Timestamp,
  UUID,
} from 'mongodb';
import type { Random } from './random.js';

const TEXTS = [
  '',
  'a',
  'plain text',
  'quote " and \\',
  'line\nbreak\t\u0001\u001f\u007f',
  'é',
  'Ωmega 😀',
  '\u2028',
  '日本語',
];
const NAMES = ['a', 'b.c', 'status', 'ünï', 'with "quotes"', 'operation_', 'a_name_of_twenty_chars', '$odd', ''];
const DOUBLES = [
  0,
  -0,
  0.1,
  -1.5,
  1e21,
  1e-7,
  5e-324,
  1.7976931348623157e308,
  Number.NaN,
  Infinity,
  -Infinity,
  2 ** 53,
];
const DECIMALS = [
  '0',
  '-0',
  '0.00',
  '1E+3',
  '-12.50',
  '0.000001',
  '1E-7',
  'NaN',
  '-Infinity',
  '9007199254740993',
  '0E-6176',
];

function bytesOf(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.below(256)));
}

function decimalOf(random: Random): Decimal128 {
  if (random.next() < 0.3) return Decimal128.fromString(random.pick(DECIMALS));
  const digits = Array.from({ length: 1 + random.below(34) }, () => random.below(10)).join('');
  return Decimal128.fromString(`${random.pick(['', '-'])}${digits}E${random.below(60) - 45}`);
}

const SCALARS: readonly ((random: Random) => unknown)[] = [
  (random) => random.pick(TEXTS),
  (random) => random.pick(TEXTS).repeat(random.below(40)),
  (random) => new Int32(random.below(2 ** 32) - 2 ** 31),
  (random) => new Double(random.pick(DOUBLES)),
  (random) => new Double((random.next() - 0.5) * 10 ** random.below(30)),
  (random) => Long.fromBigInt(bytesOf(random, 8).readBigInt64LE()),
  (random) => Long.fromBigInt(bytesOf(random, 8).readBigInt64LE() >> BigInt(random.below(63))),
  decimalOf,
  (random) => new Date(random.below(4e12) - 2e12),
  (random) => new ObjectId(bytesOf(random, 12)),
  (random) => random.next() < 0.5,
  () => null,
  (random) => new Binary(bytesOf(random, random.below(40)), random.pick([0, 2, 5, 128])),
  (random) => new UUID(bytesOf(random, 16)),
  (random) => new Timestamp({ t: random.below(2 ** 32), i: random.below(2 ** 32) }),
  (random) => new BSONRegExp(random.pick(['a.*', '^"é']), random.pick(['', 'i'])),
  () => new Code('return "x"'),
  () => new Code('f()', { n: new Int32(1) }),
  () => new BSONSymbol('sym"bol'),
  () => new MinKey(),
  () => new MaxKey(),
];

export function anyValue(random: Random, depth = 3): unknown {
  if (depth > 0 && random.next() < 0.2) return anyDocument(random, depth - 1);
  if (depth > 0 && random.next() < 0.15)
    return Array.from({ length: random.below(5) }, () => anyValue(random, depth - 1));
  return random.pick(SCALARS)(random);
}

/** @param names of fields, some of which it has */
export function anyDocument(random: Random, depth = 3, names: readonly string[] = NAMES): Record<string, unknown> {
  const document: Record<string, unknown> = {};
  for (let fields = random.below(8); fields > 0; fields--) document[random.pick(names)] = anyValue(random, depth);
  return document;
}
