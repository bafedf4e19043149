/** Ways of damaging a message a little: most results are not JSON any more, many are, and some mean something else. */
import type { Random } from './random.js';

type Mutation = (bytes: Buffer, random: Random) => Buffer;

/** A copy with one to three mutations. */
export function mutated(bytes: Buffer, random: Random): Buffer {
  let result = bytes;
  for (let left = 1 + random.below(3); left > 0; left--) result = random.pick(MUTATIONS)(result, random);
  return result;
}

const INSERTS: readonly Buffer[] = [
  ...['\\u0041', '\\ud83d', '\\ude00', '\\', '\\"', '"', '\\n', '\\u00', '\\u0000'],
  ...[
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '{}',
    '[]',
    '""',
    ',"x":1',
    '"a":',
    ' ',
    '\n',
    '\t',
    '\r',
    '\0',
    '\u00a0',
    '\u202f',
  ],
  ...[
    '-',
    '+',
    '.',
    'e',
    'E9',
    '0',
    '00',
    '9223372036854775807',
    '-9223372036854775809',
    '1e400',
    '.5',
    '99999999999999.99995',
  ],
  ...['true', 'false', 'null', 'NaN', '$', '€', '(', ')', "'", '\u2019', '\u2212', 'é', '漢', '🎉', '\ufeff', '\u007f'],
  ...[[0x80], [0xff], [0xc0, 0xaf], [0xe0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xc3], [0xe2, 0x82]],
  [0xf0, 0x9f],
].map((insert) => (typeof insert === 'string' ? Buffer.from(insert) : Buffer.from(insert)));

const MUTATIONS: readonly Mutation[] = [
  function flipBit(bytes, random) {
    const copy = Buffer.from(bytes);
    if (copy.length > 0) copy[random.below(copy.length)] ^= 1 << random.below(8);
    return copy;
  },
  function truncate(bytes, random) {
    return bytes.subarray(0, random.below(bytes.length + 1));
  },
  function splice(bytes, random) {
    const [from, to] = range(bytes, random);
    const at = random.below(bytes.length + 1);
    return inserted(bytes, at, bytes.subarray(from, to));
  },
  function remove(bytes, random) {
    const [from, to] = range(bytes, random);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
  },
  function insert(bytes, random) {
    return inserted(bytes, random.below(bytes.length + 1), random.pick(INSERTS));
  },
  function insertAtToken(bytes, random) {
    // Next to a character of the grammar, where an insertion is most likely to be JSON still.
    const start = random.below(bytes.length + 1);
    const found = bytes.subarray(start).findIndex((byte) => '{}[],:"'.includes(String.fromCharCode(byte)));
    const at = found === -1 ? start : start + found + random.below(2);
    return inserted(bytes, at, random.pick(INSERTS));
  },
];

function inserted(bytes: Buffer, at: number, what: Buffer): Buffer {
  return Buffer.concat([bytes.subarray(0, at), what, bytes.subarray(at)]);
}

/** A short stretch of the bytes. */
function range(bytes: Buffer, random: Random): [from: number, to: number] {
  const from = random.below(bytes.length + 1);
  return [from, Math.min(bytes.length, from + random.below(24))];
}
