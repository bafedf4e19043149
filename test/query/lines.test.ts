import { expect, it } from 'vitest';
import { LineReader } from '../../src/query/lines.js';

const TEXT = Buffer.from('{"a":"\u2028ä"}\n\nlast\n');

/** A reader of bytes in pieces that are cut after each so many, and how many pieces it took. */
function reader(bytes: Uint8Array, size: number) {
  let pieces = 0;
  async function* cut() {
    for (let start = 0; start < bytes.length; start += size) {
      pieces++;
      yield bytes.subarray(start, start + size);
    }
  }
  return { lines: new LineReader(cut()), pieces: () => pieces };
}

it.each([1, 2, 3, 7, 100])('reads lines and bytes, wherever they are cut: %i', async (size) => {
  const binary = Uint8Array.from([0x0a, 0xff, 0x0a]);
  const { lines } = reader(Buffer.concat([TEXT, binary, TEXT]), size);
  for (let round = 0; round < 2; round++) {
    expect(await lines.line()).toBe('{"a":"\u2028ä"}');
    expect(await lines.line()).toBe('');
    expect(await lines.line()).toBe('last');
    if (round === 0) expect([...(await lines.bytes(3))!]).toEqual([...binary]);
  }
  expect(await lines.line()).toBeUndefined();
});

it('has no line that was cut off, and no bytes that are too few', async () => {
  for (let length = 1; length < 5; length++) {
    const cut = reader(Buffer.from('whole\npart').subarray(0, 'whole\n'.length + length), 4).lines;
    expect(await cut.line()).toBe('whole');
    expect(await cut.line()).toBeUndefined();
  }
  const { lines } = reader(Buffer.from('12345'), 2);
  expect(await lines.bytes(0)).toHaveLength(0);
  expect(Buffer.from((await lines.bytes(3))!).toString()).toBe('123');
  expect(await lines.bytes(3)).toBeUndefined();
});

it('reads no further than it is asked to', async () => {
  const { lines, pieces } = reader(Buffer.from('one\ntwo\nthree\n'), 4);
  await lines.line();
  expect(pieces()).toBe(1);
  await lines.bytes(4);
  expect(pieces()).toBe(2);
});
