/** The kind of a column, from the shapes of the values that a sample has in its field. */
import type { SampleField, Shape } from './sample-fields.js';
import { DEFAULT_UNIT, type Kind, type TimeUnit } from './spec.js';

export interface InferredKind {
  readonly kind: Kind;
  readonly unit?: TimeUnit;
  /** An amount whose text as it came is worth a column. */
  readonly raw?: boolean;
  /** What a person should look at. */
  readonly doubt?: string;
}

/** Seconds since 1970 of the years 2000 and 2100: what lies between them may be a time. */
const EPOCH_SECONDS = [946_684_800, 4_102_444_800] as const;
const UNITS: readonly (readonly [TimeUnit, number])[] = [
  ['s', 1],
  ['ms', 1e3],
  ['us', 1e6],
  ['ns', 1e9],
];
/** Of the years 1860 and 2100. */
const EPOCH_DAYS = 47_482;

const TIME_NAME =
  /(^|_)(ts|time|timestamp|date|created|updated|modified|deleted|at|on)(_(s|ms|us|ns))?$|(At|On|Time|Date)$/;
const DAY_NAME = /(^|_)(date|day|on)$|(Date|Day|On)$/;

const TIMES: readonly Shape[] = ['$date', 'time in text', 'date in text'];
const INTEGERS: readonly Shape[] = ['integer', '$number'];
const NUMBERS: readonly Shape[] = [...INTEGERS, 'decimal', '$decimal'];
const NUMBER_TEXTS: readonly Shape[] = ['integer in text', 'decimal in text'];
const TEXTS: readonly Shape[] = [
  ...NUMBER_TEXTS,
  'text',
  'true/false in text',
  'amount in text',
  'date in text',
  'time in text',
  'JSON in text',
];

/** @param name of the field, which tells times from other large integers */
export function inferKind(name: string, field: SampleField): InferredKind {
  if (field.seen === 0) return { kind: 'text', doubt: 'Only null was seen.' };
  if (field.isOnly('integer')) return integerKind(name, field);
  if (field.isOnly(...INTEGERS)) return { kind: 'int64' };
  if (field.isOnly('bool')) return { kind: 'bool' };
  if (field.isOnly('$uuid')) return { kind: 'uuid' };
  if (field.isOnly('$binary')) return { kind: 'binary' };
  if (field.isOnly('true/false in text')) return { kind: 'bool', doubt: 'Texts, "true" and "false".' };
  if (field.isOnly('bool', 'true/false in text')) return { kind: 'bool', doubt: mixed(field) };
  if (field.isOnly('date in text')) return { kind: 'date' };
  if (field.isOnly(...TIMES)) return { kind: 'timestamp' };
  if (field.isOnly(...TIMES, 'integer')) return mixedTimes(field);
  return textKind(field) ?? numberKind(field) ?? containerKind(field);
}

const ENCODED =
  'Texts that look like base64: if they are NUMERIC (decimal.handling.mode=precise), then kind amount, ' +
  '"encoding": "base64" and the "scale" of the column.';

/** Whether all texts are base64 of at most 16 bytes, and one of them is no word. */
function looksEncoded({ words }: SampleField): boolean {
  const texts = [...words];
  const isBase64 = (text: string) => text.length <= 24 && /^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2,3}=)?=?$/.test(text);
  return texts.every((text) => text.length % 4 === 0 && isBase64(text)) && texts.some((text) => /[+/=]/.test(text));
}

function textKind(field: SampleField): InferredKind | undefined {
  if (field.isOnly(...NUMBER_TEXTS)) {
    const kind = field.isOnly('integer in text') ? 'int64' : 'amount';
    return { kind: 'text', doubt: `Texts that look like numbers: ${kind} would read them.` };
  }
  if (field.isOnly('amount in text', ...NUMBER_TEXTS)) {
    return { kind: 'amount', raw: true, doubt: 'Texts that look like amounts.' };
  }
  if (field.isOnly('JSON in text')) {
    return { kind: 'text', doubt: 'Texts of JSON: in "embedded" it would be read, and its fields could be columns.' };
  }
  if (field.isOnly(...TEXTS)) return { kind: 'text', ...(looksEncoded(field) && { doubt: ENCODED }) };
  return field.isOnly('$oid', ...TEXTS)
    ? { kind: 'text', ...(field.shapes.size > 1 && { doubt: mixed(field) }) }
    : undefined;
}

const DOUBLES = 'Numbers that an amount, with four decimals, cannot have: json would keep all their digits.';

/** Numbers, or most of them: what else there is of an amount stays in its raw text. */
function numberKind(field: SampleField): InferredKind | undefined {
  if (field.isOnly(...NUMBERS)) return { kind: 'amount' };
  if (field.isOnly(...NUMBERS, 'double')) return { kind: 'double', doubt: DOUBLES };
  if (field.isOnly(...INTEGERS, 'integer in text')) return { kind: 'int64', doubt: mixed(field) };
  const counted = [...NUMBERS, ...NUMBER_TEXTS, 'amount in text' as const];
  const read = counted.reduce((sum, shape) => sum + (field.shapes.get(shape) ?? 0), 0);
  if (!field.has('decimal', '$decimal') || !field.isOnly(...counted, 'text') || read * 2 < field.seen) return undefined;
  return { kind: 'amount', raw: true, doubt: mixed(field) };
}

function containerKind(field: SampleField): InferredKind {
  return { kind: 'json', ...(!field.isOnly('object') && !field.isOnly('array') && { doubt: mixed(field) }) };
}

function integerKind(name: string, field: SampleField): InferredKind {
  const unit = epochUnit(field);
  if (unit !== undefined) {
    const looks = `Integers that look like times, in ${unit} since 1970`;
    // Seconds and nanoseconds are as large as other numbers often are.
    const isTime = TIME_NAME.test(name) || (unit !== 's' && unit !== 'ns' && !/id$/i.test(name));
    if (!isTime) return { kind: 'int64', doubt: `${looks}: then kind timestamp with this unit.` };
    return { kind: 'timestamp', ...otherUnit(unit), doubt: `${looks}: the unit is guessed.` };
  }
  if (!DAY_NAME.test(name) || Math.max(field.max, -field.min) > EPOCH_DAYS) return { kind: 'int64' };
  return { kind: 'date', unit: 'd', doubt: 'Integers that look like days since 1970: guessed by the name.' };
}

function mixedTimes(field: SampleField): InferredKind {
  const unit = epochUnit(field);
  if (unit === undefined) return { kind: 'json', doubt: mixed(field) };
  return { kind: 'timestamp', ...otherUnit(unit), doubt: `${mixed(field)} The unit of the integers is guessed.` };
}

function otherUnit(unit: TimeUnit): { unit?: TimeUnit } {
  return unit === DEFAULT_UNIT ? {} : { unit };
}

/** The unit in which all integers are times of this century. */
function epochUnit({ min, max }: SampleField): TimeUnit | undefined {
  const [from, to] = EPOCH_SECONDS;
  return UNITS.find(([, factor]) => min >= from * factor && max < to * factor)?.[0];
}

function mixed({ shapes }: SampleField): string {
  const counts = [...shapes]
    .sort(([, one], [, other]) => other - one)
    .map(([shape, count]) => `${shape} ${count} times`);
  return `Mixed: ${counts.join(', ')}.`;
}
