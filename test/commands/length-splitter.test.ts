import { expect, it } from 'vitest';
import { LengthSplitter } from '../../src/commands/length-splitter.js';
import { type Message, TOO_LARGE } from '../../src/commands/message-splitter.js';

function withLength(message: Uint8Array | null): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(message?.length ?? -1);
  return Buffer.concat([length, message ?? Buffer.alloc(0)]);
}

/** What comes of bytes in pieces of this size. */
function split(bytes: Uint8Array, pieceBytes: number): (Message | null)[] {
  const splitter = new LengthSplitter();
  const found: (Message | null)[] = [];
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    for (const message of splitter.push(bytes.subarray(at, at + pieceBytes))) found.push(message);
  }
  splitter.end();
  return found;
}

const MESSAGES = [Buffer.from([0, 10, 0, 255]), null, Buffer.alloc(0), Buffer.from('a'.repeat(300)), null];

it.each([1, 3, 4, 7, 1000])('takes messages of any bytes, tombstones and empty ones: %i at a time', (size) => {
  const found = split(Buffer.concat(MESSAGES.map(withLength)), size);
  expect(found.map((message) => message && Buffer.from(message as Uint8Array))).toEqual(MESSAGES);
});

it('passes over a message that is too large to keep, and reads the next', () => {
  const length = Buffer.alloc(4);
  length.writeInt32BE((128 << 20) + 1);
  const large = Buffer.concat([length, Buffer.alloc((128 << 20) + 1)]);
  const bytes = Buffer.concat([withLength(MESSAGES[0]), large, withLength(MESSAGES[0])]);
  expect(split(bytes, 10 << 20)).toEqual([MESSAGES[0], TOO_LARGE, MESSAGES[0]]);
});

it('refuses what is no length, and an end within a message', () => {
  const bytes = Buffer.concat([withLength(MESSAGES[0]), Buffer.from([0x80, 0, 0, 0])]);
  expect(() => split(bytes, 100)).toThrow(
    'at byte 8 of the input is no length of a message: --delimiter length takes what',
  );
  for (const cut of [1, 2, 5, 7]) {
    expect(() => split(withLength(MESSAGES[0]).subarray(0, cut), 100)).toThrow('the input ends within a message');
  }
});
