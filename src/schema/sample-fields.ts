/** The fields of a sample of documents: how often each has a value, and what shapes its values have. */
import { MAX_PATH_DEPTH } from './field-path.js';

export type JsonObject = Readonly<Record<string, unknown>>;

/** What a value looks like. Texts are told apart by what else they could be, numbers by what they need. */
export type Shape =
  | 'integer'
  | 'decimal'
  | 'double'
  | 'bool'
  | 'text'
  | 'true/false in text'
  | 'integer in text'
  | 'decimal in text'
  | 'amount in text'
  | 'date in text'
  | 'time in text'
  | 'JSON in text'
  | '$oid'
  | '$number'
  | '$decimal'
  | '$date'
  | '$uuid'
  | '$binary'
  | 'object'
  | 'array';

const MAX_INTEGER = 2 ** 63;
/** Of DECIMAL(18,4). */
const MAX_AMOUNT = 1e14;
const DECIMAL = /^-?\d{1,14}(\.\d{1,4})?$/;
/** Different texts that are kept of a field. */
const MAX_WORDS = 16;

const TEXT_SHAPES: readonly (readonly [RegExp, Shape])[] = [
  [/^(true|false)$/, 'true/false in text'],
  [/^-?\d{1,18}$/, 'integer in text'],
  [DECIMAL, 'decimal in text'],
  [/^\d{4}-\d\d-\d\d$/, 'date in text'],
  [/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d(:?\d\d)?)?$/, 'time in text'],
  [
    /^-?([$€£¥]|[A-Z]{3}) ?-?\d[\d.,]*$|^-?\d[\d.,]* ?([$€£¥]|[A-Z]{3})$|^-?\d{1,3}([.,]\d{3})*[.,]\d+$/,
    'amount in text',
  ],
];

/** Extended JSON of MongoDB, of which a field becomes one value. */
const EXTENDED: Readonly<Record<string, Shape>> = {
  $oid: '$oid',
  $numberInt: '$number',
  $numberLong: '$number',
  $numberDouble: '$decimal',
  $numberDecimal: '$decimal',
  $date: '$date',
  $uuid: '$uuid',
  $binary: '$binary',
};

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A string of a JSON object as that; everything else as it is. */
export function objectIn(value: unknown): unknown {
  if (typeof value !== 'string' || !value.startsWith('{')) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

export class SampleField {
  /** How many messages have it, and not null. */
  seen = 0;
  readonly shapes = new Map<Shape, number>();
  /** Of those that are objects. */
  readonly fields = new Map<string, SampleField>();
  /** The first few texts. */
  readonly words = new Set<string>();
  min = Number.POSITIVE_INFINITY;
  max = Number.NEGATIVE_INFINITY;

  /** @param depth objects around it */
  add(value: unknown, depth = 0): void {
    if (value === null || value === undefined) return;
    this.seen++;
    const shape = shapeOf(value);
    this.shapes.set(shape, (this.shapes.get(shape) ?? 0) + 1);
    if (typeof value === 'string' && this.words.size < MAX_WORDS) this.words.add(value);
    if (shape === 'integer') {
      this.min = Math.min(this.min, value as number);
      this.max = Math.max(this.max, value as number);
    }
    if (shape === 'object' && depth < MAX_PATH_DEPTH) this.addFields(value as JsonObject, depth);
  }

  /** A field that is null in all messages is one as well. */
  addFields(object: JsonObject, depth = 0): void {
    for (const [name, value] of Object.entries(object)) {
      const field = this.fields.get(name) ?? new SampleField();
      this.fields.set(name, field);
      field.add(value, depth + 1);
    }
  }

  /** Whether it has values, and all are of these shapes. */
  isOnly(...shapes: readonly Shape[]): boolean {
    return this.seen > 0 && [...this.shapes.keys()].every((shape) => shapes.includes(shape));
  }

  has(...shapes: readonly Shape[]): boolean {
    return shapes.some((shape) => this.shapes.has(shape));
  }
}

function shapeOf(value: unknown): Shape {
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'number') return numberShape(value);
  if (typeof value === 'string') {
    if (isObject(objectIn(value))) return 'JSON in text';
    return TEXT_SHAPES.find(([pattern]) => pattern.test(value))?.[1] ?? 'text';
  }
  if (!isObject(value)) return 'array';
  const names = Object.keys(value);
  const shape = names.length === 1 && Object.hasOwn(EXTENDED, names[0]) ? EXTENDED[names[0]] : 'object';
  if (shape === '$binary') return isUuid(value[names[0]]) ? '$uuid' : shape;
  return shape === '$decimal' && !DECIMAL.test(String(value[names[0]])) ? 'double' : shape;
}

/** Whether the value of `$binary` has the subtype of UUIDs. */
function isUuid(binary: unknown): boolean {
  return isObject(binary) && (binary.subType === '04' || binary.subType === '4');
}

function numberShape(value: number): Shape {
  if (Number.isInteger(value) && Math.abs(value) < MAX_INTEGER) return 'integer';
  return Math.abs(value) < MAX_AMOUNT && DECIMAL.test(String(value)) ? 'decimal' : 'double';
}
