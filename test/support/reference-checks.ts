/** What rows fail of a spec's expectations: plain, on the values of the reference, with the platform's RegExp. */
import type { FailedExpectation } from '../../src/core/flow.js';
import type { Expectation } from '../../src/schema/expectations.js';
import type { TableSpec } from '../../src/schema/spec.js';
import type { ReferenceResult, ReferenceValue } from './reference.js';
import { decimal4 } from './reference-values.js';

type Row = Record<string, ReferenceValue>;

/** The first expectation by which a row goes to the quarantine. */
export function quarantiningCheck(spec: TableSpec, row: Row): Expectation | undefined {
  return spec.expectations.find((expectation) => expectation.action === 'quarantine' && fails(spec, expectation, row));
}

/** What all messages together fail, in the order of the spec. */
export function failedOf(spec: TableSpec, results: readonly ReferenceResult[]): FailedExpectation[] {
  return spec.expectations.flatMap((expectation) => {
    const { name, action } = expectation;
    const offsets = results.flatMap(({ expectation: rejectedBy, offset, row }) => {
      if (rejectedBy === name) return [offset!];
      return row !== undefined && fails(spec, expectation, row) ? [Number(row.kafka_offset)] : [];
    });
    return offsets.length === 0 ? [] : [{ name, action, failed: offsets.length, firstOffset: offsets[0] }];
  });
}

function fails(spec: TableSpec, expectation: Expectation, row: Row): boolean {
  const { not_null, range, values, pattern, length } = expectation;
  const value = row[expectation.column ?? ''];
  if (not_null) return value === null;
  if (value === null || value === undefined) return false;
  if (values !== undefined) return !values.includes(String(value));
  if (pattern !== undefined) return !platformPattern(pattern).test(String(value));
  if (length !== undefined) return !isWithin([...String(value)].length, length.min, length.max);
  if (range === undefined) return false;
  const { kind } = spec.columns.find(({ name }) => name === expectation.column)!;
  const bound = (text: string | undefined) =>
    text === undefined ? undefined : NUMBERS[kind as keyof typeof NUMBERS](text);
  return !isWithin(BigInt(value), bound(range.min), bound(range.max));
}

function isWithin<Value extends number | bigint>(value: Value, min?: Value, max?: Value): boolean {
  return (min === undefined || value >= min) && (max === undefined || value <= max);
}

const NUMBERS = {
  amount: decimal4,
  int64: BigInt,
  timestamp: (text: string) => BigInt(Date.parse(text)) * 1000n,
  date: (text: string) => BigInt(Date.parse(text)) / 86_400_000n,
};

const patterns = new Map<string, RegExp>();

function platformPattern(pattern: string): RegExp {
  const made = patterns.get(pattern) ?? new RegExp(`^(?:${asDocumented(pattern)})$`, 'u');
  patterns.set(pattern, made);
  return made;
}

/** "." is all but a line feed, and spaces are those of ASCII: JavaScript has more of both. */
function asDocumented(pattern: string): string {
  return pattern.replaceAll(/(?<!\\)\./g, '[^\\n]').replaceAll('\\S', '[^\\t\\n\\f\\r ]');
}
