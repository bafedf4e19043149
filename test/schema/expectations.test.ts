import { describe, expect, it } from 'vitest';
import { specJson } from '../../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec, presetText } from '../../src/schema/spec-file.js';
import { specHash } from '../../src/schema/spec-hash.js';

const parse = (...expectations: object[]) =>
  parseSpec(JSON.stringify({ ...JSON.parse(specJson(ORDERS_SPEC)), expectations }), 'x.json');

it('of the orders are twelve in a preset of their own, and the built-in spec stays what it was', () => {
  const checked = parseSpec(presetText('orders-checked'), 'preset');
  expect(checked.expectations).toHaveLength(12);
  expect(new Set(checked.expectations.map(({ action }) => action))).toEqual(new Set(['warn']));
  expect(specHash({ ...checked, expectations: [] })).toBe(specHash(ORDERS_SPEC));
});

it('are read as they were stored', () => {
  const range = { name: 'r', column: 'amount', range: { min: '0' }, comment: 'why' };
  const spec = parse(range, { name: 'l', late: { max_share: 0.5, per: 'minute' }, action: 'stop' });
  expect(spec.expectations[0]).toEqual({ name: 'r', action: 'warn', column: 'amount', range: { min: '0' } });
  expect(parseSpec(specJson(spec), 'stored')).toEqual(spec);
});

describe('what is no expectation is refused, and it is said why', () => {
  it.each<[object, string]>([
    [{ column: 'amount' }, 'it tests nothing: give it one of not_null, range,'],
    [{ column: 'amount', not_null: true, range: { min: '1' } }, 'it tests not_null and range'],
    [{ column: 'nothing', not_null: true }, 'column must name a column of the spec, and is nothing'],
    [{ not_null: true }, 'and is missing'],
    [
      { column: 'status', range: { min: '1' } },
      'range is for columns of kind amount, int64, timestamp, date, and status',
    ],
    [{ column: 'amount', range: {} }, 'range needs min, max, or both'],
    [{ column: 'amount', range: { min: '2', max: '1' } }, 'of which min is not above max'],
    [{ column: 'amount', range: { min: '1.23456' } }, 'decimals as text, with at most 4 decimals'],
    [{ column: 'event_time', range: { min: 'today' } }, 'times as text, such as'],
    [{ column: 'amount', values: ['1'] }, 'values is for columns of kind text, and amount is amount'],
    [{ column: 'status', pattern: '(a' }, 'the pattern cannot be tested: a group without its )'],
    [{ column: 'status', length: {} }, 'length needs min, max, or both'],
    [{ column: 'status', length: { min: 2, max: 1 } }, 'length has a min above its max'],
    [{ column: 'items', unique: { per: 'batch' } }, 'unique is for columns of kind text'],
    [{ column: 'amount', nulls: { max_share: 0.1, per: 'batch' }, action: 'quarantine' }, 'its action is warn or stop'],
    [{ column: 'amount', late: { max_share: 0.1, per: 'batch' } }, 'leave column out'],
    [{ name: 'Upper', column: 'amount', not_null: true }, 'expectations.0.name: must be a lower-case SQL identifier'],
  ])('%j', (expectation, why) => {
    expect(() => parse({ name: 'e', ...expectation })).toThrow(why);
  });

  it('a name that is taken', () => {
    const twice = { name: 'e', column: 'amount', not_null: true };
    expect(() => parse(twice, twice)).toThrow('expectation e: the name is taken twice');
  });
});
