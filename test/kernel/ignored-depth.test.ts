/** How deep a value may be that is ignored, also where the speculative path reads it as a whole. */
import { describe, expect, it } from 'vitest';
import { parseSpec } from '../../src/schema/spec-file.js';
import { expectAsReference, kernelResults, kernelsOf, messagesOf } from '../support/kernel.js';

const specOf = (more: object) => {
  const columns = [
    { name: 'id', kind: 'text' },
    { name: 'key', paths: ['doc._id', { key: 'id._id' }], kind: 'text', required: true, role: 'key' },
  ];
  return parseSpec(JSON.stringify({ table: 't', view: 'v', columns, ...more }), 'of the test');
};
const ofValue = specOf({ ignore: ['s', 'doc.s'] });
const ofText = specOf({ embedded: ['doc', { key: 'id' }], ignore: ['doc.s', { key: 's' }] });
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;

describe('what is ignored', () => {
  it.each([
    ['at the top', ofValue, (s: string) => `{"s":${s},"id":"i","doc":{"_id":"k"}}`, 1],
    ['in an object', ofValue, (s: string) => `{"id":"i","doc":{"s":${s},"_id":"k"}}`, 2],
    ['in an embedded text', ofText, (s: string) => `{"id":"i","doc":${JSON.stringify(`{"s":${s},"_id":"k"}`)}}`, 1],
    ['in an object that could be a text', ofText, (s: string) => `{"id":"i","doc":{"s":${s},"_id":"k"}}`, 2],
  ])('is checked for its depth, %s', (_, of, message, around) => {
    const deep = [1022, 1023, 1024, 1025].map((depth) => message(nested(depth)));
    const kernels = kernelsOf(of);
    // The first ones are learned with the long value as a whole.
    expectAsReference(kernels, of, messagesOf(Array.from({ length: 200 }, () => message(nested(400)))));
    const messages = messagesOf(Array.from({ length: 10 }, () => deep).flat());
    expectAsReference(kernels, of, messages);
    const statuses = kernelResults(kernels[0], of, messages.slice(0, 4)).map(({ status }) => status);
    expect(statuses.indexOf('malformed')).toBe(1024 - around - 1022 + 1);
  });

  it('is checked for its depth in the key', () => {
    const message = '{"id":"i","doc":{"_id":"k"}}';
    const key = (depth: number) => `{"s":${nested(depth)},"id":{"_id":"k"}}`;
    const depths = [...Array.from({ length: 200 }, () => 400), 1022, 1023, 1024, 1025];
    const messages = messagesOf(
      depths.map(() => message),
      3,
      depths.map(key),
    );
    expectAsReference(kernelsOf(ofText), ofText, messages);
  });
});
