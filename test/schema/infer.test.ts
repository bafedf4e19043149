import { describe, expect, it } from 'vitest';
import { sampleEvents } from '../../src/commands/sample-events.js';
import { inferSpec, type RawMessage } from '../../src/schema/infer.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import { cdcForms } from '../support/cdc-forms.js';
import { messagesOf } from '../support/kernel.js';
import { type ReferenceMessage, referenceRow } from '../support/reference.js';

const OPTIONS = { highValueThreshold: '1000', lateAfterMs: 0 };

const raw = ({ key, value }: { key: Uint8Array | null; value: Uint8Array | null }): RawMessage => ({
  key: key && Buffer.from(key).toString(),
  value: value && Buffer.from(value).toString(),
});

const ofValues = (...values: readonly unknown[]) =>
  values.map((value): RawMessage => ({ key: null, value: JSON.stringify(value) }));

interface WrittenColumn {
  readonly name: string;
  readonly comment?: string;
}

/** The columns as they are printed, by name. */
function columnsOf(sample: readonly RawMessage[], name = 'orders') {
  const text = inferSpec(sample, name);
  parseSpec(text, 'inferred');
  const columns = JSON.parse(text).columns as WrittenColumn[];
  return Object.fromEntries(columns.map(({ name, ...column }) => [name, column]));
}

describe('a spec that is inferred', () => {
  it.each(cdcForms())('reads every change of $name', ({ messages, about, expected }) => {
    const spec = parseSpec(inferSpec(messages.map(raw), 'shop.orders'), 'inferred');
    const results = messages.map((message) => referenceRow(spec, OPTIONS, message));
    const rejected = results.flatMap(({ status, column }, index) =>
      status !== 'ok' && expected[index].row !== undefined ? [{ about: about[index], status, column }] : [],
    );
    expect(rejected).toEqual([]);
    expect(results.some(({ row }) => row !== undefined)).toBe(true);
    // What a preset makes of an operation, it does as well.
    results.forEach(({ row }, index) => {
      if (row !== undefined && expected[index].row?.operation !== undefined) {
        expect([about[index], row.operation]).toEqual([about[index], expected[index].row.operation]);
      }
    });
  });

  it('reads our own events', () => {
    const events = [...sampleEvents(2000, 1_750_000_000_000)];
    const spec = parseSpec(inferSpec(events.map(raw), 'orders'), 'inferred');
    const whole = messagesOf(events.map(({ value }) => value)).filter(({ value }) => isJson(value));
    const results = whole.map((message) => referenceRow(spec, OPTIONS, message));
    expect(results.filter(({ status }) => status !== 'ok')).toEqual([]);
    expect(spec.columns.map(({ role }) => role).filter(Boolean)).toEqual([
      'key',
      'change_id',
      'operation',
      'key',
      'event_time',
      'amount',
    ]);
  });
});

function isJson(value: ReferenceMessage['value']): boolean {
  try {
    return value !== null && JSON.parse(Buffer.from(value).toString()) !== null;
  } catch {
    return false;
  }
}
