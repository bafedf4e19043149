/**
 * Expectations: what a spec says of the values of its columns, and what happens where they are otherwise. All of them
 * are of the table's columns, so that the kernel, SQL and other libraries mean the same. What is null fails `not_null`
 * and counts in `nulls`; all others leave it out.
 */
import { MAX_MILLISECONDS } from '../core/event-time.js';
import type { Action } from '../core/flow.js';
import { type Automaton, automatonOf } from './automaton.js';
import { literalNode, PatternError, type PatternNode, parsePattern } from './pattern.js';
import type { Kind, SpecColumn, TableSpec } from './spec.js';

/** What a rate or uniqueness is of: the rows of a batch, or those of a minute by Kafka timestamp. */
export const WINDOWS = ['batch', 'minute'] as const;
export type Window = (typeof WINDOWS)[number];

interface Bounds<Bound> {
  readonly min?: Bound | undefined;
  readonly max?: Bound | undefined;
}

interface Rate {
  /** From 0 to 1: what is more fails. */
  readonly max_share: number;
  readonly per: Window;
}

/** What can be expected; an expectation has one of them. */
export interface Tests {
  readonly not_null: true;
  /** Text of the column's kind: decimals, integers, times as in ISO 8601. Both bounds belong to the range. */
  readonly range: Bounds<string>;
  readonly values: readonly string[];
  /** Of the whole text (pattern.ts). */
  readonly pattern: string;
  /** Characters: code points. */
  readonly length: Bounds<number>;
  readonly nulls: Rate;
  readonly late: Rate;
  readonly unique: { readonly per: Window };
  /** How old the newest event time of a batch is at most when it is read, milliseconds. */
  readonly freshness: { readonly max_ms: number };
}
export type TestName = keyof Tests;

/** Those that a row passes or fails by itself. */
export const ROW_TESTS = ['not_null', 'range', 'values', 'pattern', 'length'] as const satisfies readonly TestName[];
/** Those of many rows. */
export const WINDOW_TESTS = ['nulls', 'late', 'unique', 'freshness'] as const satisfies readonly TestName[];
export type RowTest = (typeof ROW_TESTS)[number];

export interface Expectation extends Readonly<Partial<Tests>> {
  readonly name: string;
  readonly action: Action;
  /** A column of the spec; undefined of `late` and `freshness`. */
  readonly column?: string | undefined;
}

/** One of the tests that a row passes or fails by itself. */
export interface RowCheck {
  /** Its place in the spec's expectations. */
  readonly index: number;
  readonly expectation: Expectation;
  readonly column: SpecColumn;
}

/** What an expectation tests. */
export function testOf(expectation: Expectation): TestName {
  return [...ROW_TESTS, ...WINDOW_TESTS].find((name) => expectation[name] !== undefined)!;
}

export function isRowTest(expectation: Expectation): boolean {
  return ROW_TESTS.some((name) => expectation[name] !== undefined);
}

/** Those of rows, in the order of the kernel: what quarantines comes first. */
export function rowChecks({ expectations, columns }: Pick<TableSpec, 'expectations' | 'columns'>): RowCheck[] {
  const checks = expectations.flatMap((expectation, index) => {
    const column = columns.find(({ name }) => name === expectation.column);
    return column !== undefined && isRowTest(expectation) ? [{ index, expectation, column }] : [];
  });
  const isFirst = ({ expectation }: RowCheck) => expectation.action === 'quarantine';
  return [...checks.filter(isFirst), ...checks.filter((check) => !isFirst(check))];
}

/** The lowest and the highest number of 64 bits. */
const LOWEST = -(2n ** 63n);
const HIGHEST = 2n ** 63n - 1n;

/** The kinds that have a range: text of a bound → the number that the column has; undefined if it is none. */
const NUMBERS: Readonly<Partial<Record<Kind, (text: string) => bigint | undefined>>> = {
  amount: (text) => {
    const [, sign, whole, fraction = ''] = /^(-?)(\d{1,14})(?:\.(\d{1,4}))?$/.exec(text) ?? [];
    return whole === undefined ? undefined : BigInt(`${sign}${whole}${fraction.padEnd(4, '0')}`);
  },
  int64: (text) => {
    const number = /^-?\d{1,19}$/.test(text) ? BigInt(text) : undefined;
    return number !== undefined && number >= LOWEST && number <= HIGHEST ? number : undefined;
  },
  timestamp: (text) => {
    const time = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d{1,3})?(?:Z|[+-]\d\d:\d\d))?$/.test(text)
      ? Date.parse(text)
      : NaN;
    return Math.abs(time) <= MAX_MILLISECONDS ? BigInt(time) * 1000n : undefined;
  },
  date: (text) => {
    const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : NaN;
    return Number.isNaN(time) ? undefined : BigInt(time / 86_400_000);
  },
};

export interface NumberRange {
  readonly min: bigint;
  readonly max: bigint;
}

/** A range as the column has its values; undefined if a bound is no value of the kind, or the range is empty. */
export function numberRange(kind: Kind, { min, max }: Bounds<string>): NumberRange | undefined {
  const number = NUMBERS[kind];
  if (number === undefined) return undefined;
  const range = {
    min: min === undefined ? LOWEST : number(min),
    max: max === undefined ? HIGHEST : number(max),
  };
  const { min: from, max: to } = range;
  return from === undefined || to === undefined || from > to ? undefined : { min: from, max: to };
}

const MAX_VALUES = 1000;
const TEXT: readonly Kind[] = ['text'];

/** The automaton of an expectation's values or pattern. @throws PatternError */
export function automatonOfTest({ values, pattern }: Expectation): Automaton {
  return automatonOf(nodeOfTest({ values, pattern }));
}

/** @throws PatternError */
export function nodeOfTest({ values, pattern }: Pick<Expectation, 'values' | 'pattern'>): PatternNode {
  if (pattern !== undefined) return parsePattern(pattern);
  return { kind: 'choice', options: (values ?? []).map(literalNode) };
}

/** What is wrong with the expectations of a spec, a line each. */
export function expectationProblems(spec: TableSpec): string[] {
  const problems: string[] = [];
  const seen = new Set<string>();
  for (const expectation of spec.expectations) {
    const { name } = expectation;
    if (seen.has(name)) problems.push(`expectation ${name}: the name is taken twice`);
    seen.add(name);
    const why = problemOf(spec, expectation);
    if (why !== undefined) problems.push(`expectation ${name}: ${why}`);
  }
  return problems;
}

/** Tests that a mask makes no sense of. */
const OF_CLEAR_VALUES: readonly TestName[] = ['range', 'values', 'pattern', 'length'];

function problemOf(spec: TableSpec, expectation: Expectation): string | undefined {
  const given = [...ROW_TESTS, ...WINDOW_TESTS].filter((name) => expectation[name] !== undefined);
  if (given.length !== 1) {
    const all = [...ROW_TESTS, ...WINDOW_TESTS].join(', ');
    return `it tests ${given.join(' and ') || 'nothing'}: give it one of ${all}`;
  }
  const [test] = given;
  if (expectation.action === 'quarantine' && !isRowTest(expectation)) {
    return `${test} is of many rows, none of which is to blame: its action is warn or stop`;
  }
  if (test === 'late' || test === 'freshness') {
    if (expectation.column !== undefined) return `${test} is of the column in the role event_time: leave column out`;
    if (!spec.columns.some(({ role }) => role === 'event_time')) return `${test} needs a column in the role event_time`;
    return undefined;
  }
  const column = spec.columns.find(({ name }) => name === expectation.column);
  if (column === undefined) return `column must name a column of the spec, and is ${expectation.column ?? 'missing'}`;
  return columnProblem(test, expectation, column);
}

function columnProblem(test: TestName, expectation: Expectation, { name, kind, mask }: SpecColumn): string | undefined {
  const { range, length } = expectation;
  if (mask !== undefined && OF_CLEAR_VALUES.includes(test)) {
    return `${name} has a mask: ${test} would be of what the mask makes of its values`;
  }
  const needs = (kinds: readonly string[]) =>
    kinds.includes(kind) ? undefined : `${test} is for columns of kind ${kinds.join(', ')}, and ${name} is ${kind}`;
  switch (test) {
    case 'range': {
      const isOfKind = needs(Object.keys(NUMBERS));
      if (isOfKind !== undefined) return isOfKind;
      if (range?.min === undefined && range?.max === undefined) return 'range needs min, max, or both';
      const isRange = numberRange(kind, range!) !== undefined;
      return isRange ? undefined : `range must have ${EXAMPLES[kind]} of which min is not above max`;
    }
    case 'length': {
      const { min = 0, max = Number.POSITIVE_INFINITY } = length!;
      if (length?.min === undefined && length?.max === undefined) return 'length needs min, max, or both';
      return needs(['text', 'json']) ?? (min > max ? 'length has a min above its max' : undefined);
    }
    case 'values':
    case 'pattern':
      return needs(TEXT) ?? automatonProblem(test, expectation);
    case 'unique':
      return kind === 'json' ? needs(['text', ...Object.keys(NUMBERS), 'bool']) : undefined;
    default:
      return undefined;
  }
}

const EXAMPLES: Readonly<Partial<Record<Kind, string>>> = {
  amount: 'decimals as text, with at most 4 decimals,',
  int64: 'integers of 64 bits as text',
  timestamp: 'times as text, such as "2025-01-31" or "2025-01-31T12:00:00Z",',
  date: 'days as text, such as "2025-01-31",',
};

function automatonProblem(test: TestName, expectation: Expectation): string | undefined {
  if (test === 'values' && expectation.values!.length > MAX_VALUES) return `values are at most ${MAX_VALUES}`;
  try {
    automatonOfTest(expectation);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof PatternError) return `the ${test} cannot be tested: ${thrown.message}`;
    throw thrown;
  }
}
