/** Random expectations of what rows pass or fail by themselves, for any spec. */
import { ACTIONS } from '../../src/core/flow.js';
import type { Kind, TableSpec } from '../../src/schema/spec.js';
import { specJson } from '../../src/schema/spec.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import type { Random } from './random.js';

/** Bounds that values of the generators are on both sides of, in order. */
const BOUNDS: Partial<Record<Kind, readonly string[]>> = {
  amount: ['-1', '0', '1.5', '12.5', '99.9999', '1000'],
  int64: ['-9223372036854775808', '-1', '0', '42', '1000', '9223372036854775807'],
  timestamp: ['1970-01-01', '2025-01-02', '2025-01-02T03:04:05.678Z', '2025-06-01'],
  date: ['1970-01-01', '2025-01-02', '2025-01-31'],
};
/** Kinds that have more than nulls to test. */
const TESTED: ReadonlySet<Kind> = new Set(['text', 'json', ...(Object.keys(BOUNDS) as Kind[])]);
const VALUES = ['', 'text', 'tex', 'true', '0', 'é 🎉', 'paid', 'EUR', 'insert', '[]', '{}', '42', 'k', 'x'.repeat(40)];
const PATTERNS = [
  '[A-Z]{3}',
  '.*',
  '82.*',
  '\\d+',
  '[^x]{0,3}',
  '(a|é|te)?x?t?',
  '.*🎉',
  '[a-z@\\.]+',
  '\\S{1,20}',
  '[{\\[].*',
];

/** The spec with one to eight of them. */
export function withExpectations(spec: TableSpec, random: Random): TableSpec {
  const expectations = Array.from({ length: 1 + random.below(8) }, (_, index) => {
    const { name: column, kind } = random.pick(spec.columns);
    return { name: `e${index}`, action: random.pick(ACTIONS), column, ...anyTest(kind, random) };
  });
  return parseSpec(JSON.stringify({ ...JSON.parse(specJson(spec)), expectations }), 'of the test');
}

function anyTest(kind: Kind, random: Random): object {
  const bounds = BOUNDS[kind];
  if (!TESTED.has(kind) || random.below(4) === 0) return { not_null: true };
  if (bounds !== undefined) return { range: between(bounds, random) };
  const test = kind === 'json' ? 0 : random.below(3);
  if (test === 0) return { length: between([0, 1, 2, 3, 4, 5, 8, 20, 100], random) };
  return test === 1
    ? { pattern: random.pick(PATTERNS) }
    : { values: VALUES.filter(() => random.below(2) === 0).concat('-') };
}

/** One or both of two bounds. */
function between<Bound>(bounds: readonly Bound[], random: Random): { min?: Bound; max?: Bound } {
  const from = random.below(bounds.length);
  const to = from + random.below(bounds.length - from);
  const given = random.below(3);
  return { ...(given !== 0 && { min: bounds[from] }), ...(given !== 1 && { max: bounds[to] }) };
}
