import fc from 'fast-check';
import { expect, it } from 'vitest';
import { specJson } from '../../src/schema/spec.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import { specHash } from '../../src/schema/spec-hash.js';
import { anySpec } from '../support/any-spec.js';

it('is read as the spec that was stored, whatever that is', () => {
  fc.assert(
    fc.property(anySpec, (any) => {
      const stored = parseSpec(specJson(any), 'stored');
      expect(stored).toEqual(any);
      expect(specHash(stored)).toBe(specHash(any));
    }),
    { numRuns: 300 },
  );
});
