/** Every value that came in is somewhere: in its column, in `extra`, or in the quarantine with its message. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { TableSpec } from '../../src/schema/spec.js';
import { anySpec, NAMES } from '../support/any-spec.js';
import { assertKept, type Member, type Message, type Tree, textOfTree, valueFor } from '../support/kept.js';
import { kernelResults, kernelsOf, messagesOf, VARIANTS } from '../support/kernel.js';
import { KINDS_SPEC } from '../support/kinds-spec.js';
import { ODD_AMOUNTS } from '../support/odd-amounts.js';

const SCALARS = [
  ...ODD_AMOUNTS.map(({ json }) => json),
  ...['null', 'true', 'false', '0', '-1', '1.5', '1735689600', '1735689600123456789', '9223372036854775807', '1e5'],
  ...['9223372036854775808', '104.0', '-104.50', '1e-7', '12345.678901', '1e400', '-0', '20089'],
  ...[
    '""',
    '"text"',
    '"-42"',
    '"104.0"',
    '"true"',
    '"lone \\ud83d"',
    '"\\u0041\\n"',
    '"é 🎉"',
    '"82677501C00000002A2B"',
  ],
  ...['"2025-01-02T03:04:05.678901Z"', '"2025-01-02T03:04:05+02"', '"2025-02-30"', '"2025-01-02"', '"soon"'],
  ...['[]', '{}', '[1,[2,{"a":null}]]', '{"$numberLong":"42"}', '{"$numberDouble":"104.0"}', '{"$numberInt":"x"}'],
  ...[
    '{"$date":{"$numberLong":"1735689600000"}}',
    '{"$date":1735689600000}',
    '{"$date":"2025-01-02"}',
    '{"$date":"no"}',
  ],
  ...['{"$oid":"64f1c0a2e4b0c3d2a1b0c9d8"}', '{"$oid":"none"}', '{"$numberDecimal":"1.23456"}'],
];
const IDS = new Set(['id', 'key']);
const scalar: fc.Arbitrary<Tree> = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...SCALARS) },
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
  fc.bigInt({ min: -(2n ** 65n), max: 2n ** 65n }).map(String),
  fc.string({ unit: 'grapheme' }).map((value) => JSON.stringify(value)),
);
const RELEASE = VARIANTS.filter(({ wasm }) => wasm === 'release');

/** Messages whose objects have such keys, each once; some without a key of their own, or with one that is no object. */
function messagesWith(names: readonly string[]): fc.Arbitrary<Message[]> {
  const members = (value: fc.Arbitrary<Tree>): fc.Arbitrary<Member[]> =>
    fc.uniqueArray(fc.tuple(fc.constantFrom(...names), value), { selector: ([key]) => key, maxLength: 8, size: 'max' });
  const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.oneof({ maxDepth: 4 }, { weight: 3, arbitrary: scalar }, { weight: 1, arbitrary: members(tie('tree')) }),
  }));
  const value = fc.tuple(scalar, scalar, members(tree), fc.boolean()).map(([id, key, others, isLast]): Tree => {
    const ids: Member[] = [
      ['id', id],
      ['key', key],
    ];
    return isLast ? [...others, ...ids] : [...ids, ...others];
  });
  const key = fc.oneof(
    { weight: 1, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: scalar },
    { weight: 4, arbitrary: members(tree) },
  );
  return fc.array(fc.record({ value, key }), { minLength: 20, maxLength: 70, size: 'max' });
}

describe('any message', () => {
  function expectKept(spec: TableSpec, messages: readonly Message[]): void {
    // Some of them often enough that the speculative path reads them.
    const all = Array.from({ length: 3 }, () => messages).flat();
    const read = messagesOf(
      all.map(({ value }) => textOfTree(value, spec)),
      3,
      all.map(({ key }) => (key === undefined ? null : textOfTree(key, spec, { of: 'key', names: [] }))),
    );
    for (const kernel of kernelsOf(spec, {}, RELEASE)) {
      const results = kernelResults(kernel, spec, read);
      for (const [index, { status, row, column }] of results.entries()) {
        if (status === 'ok') assertKept(spec, all[index], row!);
        else {
          expect(status).toBe('missing_required');
          expect(valueFor(spec.columns.find(({ name }) => name === column)!, all[index])).toBeUndefined();
        }
      }
    }
  }

  it('is in the row, value by value, whatever the spec is', { timeout: 120_000 }, () => {
    const keys = [...new Set(KINDS_SPEC.columns.flatMap(({ paths }) => paths[0].names)), 'x'].filter(
      (name) => !IDS.has(name),
    );
    const ofKinds = messagesWith(keys);
    fc.assert(fc.property(anySpec, messagesWith(NAMES), expectKept), { numRuns: 50 });
    fc.assert(
      fc.property(ofKinds, (messages) => expectKept(KINDS_SPEC, messages)),
      { numRuns: 50 },
    );
  });
});
