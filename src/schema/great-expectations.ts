/**
 * Expectations as a suite of Great Expectations 1.x, for the table in DuckDB or its Parquet files in pandas. What its
 * library has no expectation of that means the same is left out, and said.
 */
import { type Expectation, nodeOfTest, testOf } from './expectations.js';
import { patternText } from './pattern.js';
import type { Kind, TableSpec } from './spec.js';

interface SuiteExpectation {
  readonly type: string;
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly meta: Readonly<Record<string, unknown>>;
}

export interface GreatExpectationsSuite {
  readonly name: string;
  readonly expectations: readonly SuiteExpectation[];
  readonly meta: Readonly<Record<string, unknown>>;
}

/** The suite, named after the table; `meta` of it lists the expectations that it leaves out. */
export function greatExpectationsSuite(spec: TableSpec): GreatExpectationsSuite {
  const made = spec.expectations.map((expectation) => ({ expectation, suite: suiteExpectation(spec, expectation) }));
  const leftOut = made.filter(({ suite }) => suite === undefined).map(({ expectation: { name } }) => name);
  return {
    name: spec.table,
    expectations: made.flatMap(({ suite }) => (suite === undefined ? [] : [suite])),
    meta: { made_by: 'sluice check --great-expectations', left_out: leftOut },
  };
}

function suiteExpectation(spec: TableSpec, expectation: Expectation): SuiteExpectation | undefined {
  const { name, action, column } = expectation;
  const test = suiteTest(spec, expectation);
  if (test === undefined) return undefined;
  const [type, kwargs] = test;
  const meta = { sluice: { expectation: name, action, test: testOf(expectation) } };
  return { type, kwargs: { column, ...kwargs }, meta };
}

type SuiteTest = readonly [type: string, kwargs: Readonly<Record<string, unknown>>];

function suiteTest({ columns }: TableSpec, expectation: Expectation): SuiteTest | undefined {
  const { not_null, range, values, pattern, length } = expectation;
  if (not_null) return ['expect_column_values_to_not_be_null', {}];
  if (values !== undefined) return ['expect_column_values_to_be_in_set', { value_set: values }];
  if (pattern !== undefined) {
    const regex = `\\A(?:${patternText(nodeOfTest({ pattern }))})\\Z`;
    return ['expect_column_values_to_match_regex', { regex }];
  }
  if (length !== undefined) {
    const { min: min_value, max: max_value } = length;
    return ['expect_column_value_lengths_to_be_between', { min_value, max_value }];
  }
  if (range !== undefined) {
    const { kind } = columns.find(({ name }) => name === expectation.column)!;
    return [
      'expect_column_values_to_be_between',
      { min_value: bound(kind, range.min), max_value: bound(kind, range.max) },
    ];
  }
  // A rate of the whole table is no rate of its batches or minutes, and so with all others.
  return undefined;
}

/** As the library compares it with the column's values: numbers, and times with their zone. */
function bound(kind: Kind, text: string | undefined): number | string | undefined {
  if (text === undefined || kind === 'date') return text;
  return kind === 'timestamp' ? new Date(text).toISOString() : Number(text);
}
