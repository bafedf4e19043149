/**
 * Sample topics of connectors in fixtures/cdc/: messages, and what rows or rejects they must become. A key or value
 * that is a string is the message's text, as it is; anything else stands for its JSON without spaces. So it is with
 * `extra`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { loadSpec } from '../../src/schema/load-spec.js';
import type { SpecColumn, TableSpec } from '../../src/schema/spec.js';
import { parseSpec } from '../../src/schema/spec-file.js';
import type { ReferenceMessage, ReferenceResult, ReferenceValue } from './reference.js';

const FOLDER = new URL('../../fixtures/cdc/', import.meta.url);

/** What a message must become, for people: only what is not null, with amounts and times as text, `extra` as it is. */
export interface ExpectedResult {
  readonly about: string;
  readonly status?: string;
  readonly column?: string;
  /** Of status malformed: the byte to blame, or -1. */
  readonly position?: number;
  readonly row?: Readonly<Record<string, unknown>>;
}

export interface CdcForm {
  readonly name: string;
  /** Undefined: the sample has a spec of its own. */
  readonly preset: string | undefined;
  readonly spec: TableSpec;
  readonly about: readonly string[];
  readonly messages: readonly ReferenceMessage[];
  readonly expected: readonly ExpectedResult[];
}

export function cdcForms(): CdcForm[] {
  return readdirSync(FOLDER)
    .sort()
    .map((name) => {
      const text = readFileSync(new URL(`${name}/messages.jsonl`, FOLDER), 'utf8');
      const lines = text.split('\n').filter((line) => line !== '');
      const samples = lines.map((line) => JSON.parse(line) as { about: string; key: unknown; value: unknown });
      const { preset, spec, expected } = JSON.parse(readFileSync(new URL(`${name}/expected.json`, FOLDER), 'utf8'));
      const bytes = (sample: unknown) => (sample === null ? null : Buffer.from(textOf(sample)));
      const messages = samples.map(({ key, value }, index) => {
        return { key: bytes(key), value: bytes(value), partition: 0, offset: index, timestamp: 1_736_337_600_500 };
      });
      const about = samples.map((sample) => sample.about);
      const used = spec === undefined ? loadSpec(`preset:${preset}`) : parseSpec(JSON.stringify(spec), `of ${name}`);
      return { name, preset, about, messages, spec: used, expected: expected.map(withText) };
    });
}

function textOf(sample: unknown): string {
  return typeof sample === 'string' ? sample : JSON.stringify(sample);
}

function withText(expected: ExpectedResult): ExpectedResult {
  const { row } = expected;
  return row?.extra === undefined ? expected : { ...expected, row: { ...row, extra: textOf(row.extra) } };
}

/** Columns that say the same of each message. */
const LEFT_OUT = new Set(['kafka_partition', 'kafka_offset', 'kafka_timestamp', 'is_late']);

const UNREMARKABLE: Readonly<Record<string, ReferenceValue>> = { issues: 0n, change_seq: 0n, is_high_value: false };

/** A result in the form that is expected of it. */
export function readableResult(spec: TableSpec, about: string, result: ReferenceResult): ExpectedResult {
  const { status, column, position, row } = result;
  const detail = { ...(column !== undefined && { column }), ...(status === 'malformed' && { position }) };
  if (row === undefined) return { about, status, ...detail };
  const columns = new Map(spec.columns.map((of) => [of.name, of]));
  const entries = Object.entries(row).flatMap(([name, value]): [string, unknown][] => {
    if (LEFT_OUT.has(name) || value === null || value === UNREMARKABLE[name]) return [];
    if (name === 'issues') {
      return [[name, spec.columns.filter((_, bit) => ((value as bigint) >> BigInt(bit)) & 1n).map((of) => of.name)]];
    }
    return [[name, readable(columns.get(name), value)]];
  });
  return { about, row: Object.fromEntries(entries) };
}

function readable(column: SpecColumn | undefined, value: ReferenceValue): unknown {
  const { kind, scale } = column ?? {};
  if (kind === 'date') return new Date((value as number) * 86_400_000).toISOString().slice(0, 10);
  if (kind === 'amount') return (Number(value) / 1e4).toFixed(4);
  if (kind === 'decimal')
    return String(value).replace(/\d+/, (all) =>
      all.padStart(scale! + 1, '0').replace(new RegExp(`(\\d{${scale}})$`), '.$1'),
    );
  if (kind === 'timestamp') {
    const time = value as bigint;
    return new Date(Number(time / 1000n)).toISOString().replace('Z', `${String(time % 1000n).padStart(3, '0')}Z`);
  }
  return typeof value === 'bigint' ? String(value) : value;
}
