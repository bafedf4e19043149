/**
 * Vectors of DuckDB → Arrow's columns. Where both have the same layout, memory is copied; text takes one pass over its
 * lengths and addresses (arrow-text.ts). Only what Arrow has no type for is made of single values.
 */
import { DuckDBTypeId, type DuckDBValue, DuckDBVector } from '@duckdb/node-api';
import bindings from '@duckdb/node-bindings';
import { type Data, type DataType, makeData, Utf8 } from 'apache-arrow';
import { bit } from '../core/chunk.js';
import { SluiceError } from '../core/errors.js';
import { type TextBuffers, textBuffers } from './arrow-text.js';
import { HUGEINT_DIGITS, itemType } from './arrow-types.js';
import { type RawValue, rawValue, shownValue, type ValueType } from './values.js';
import { arrayItems, bitsOf, fixedWidth, listItems, nullsOf, type VectorRows } from './vector-rows.js';

/**
 * The rows of a vector as Arrow holds them, copied: they outlive the vector.
 * @param arrow the type that `arrowType` says
 * @throws SluiceError SLUICE_QUERY if Arrow's type cannot hold a value
 */
export function arrowColumn(
  vector: bindings.Vector,
  type: ValueType,
  arrow: DataType,
  rows: VectorRows,
  timeZone: string,
): Data {
  const nulls = nullsOf(vector, rows);
  const part = (child: bindings.Vector, index: number, partType: ValueType | undefined, partRows: VectorRows) =>
    arrowColumn(child, partType as ValueType, arrow.children[index].type, partRows, timeZone);
  // `makeData` tells its overloads apart by the type alone, which is only known at run time here.
  const make = (props: object) => makeData({ type: arrow, length: rows.length, ...nulls, ...props } as never) as Data;
  switch (type.typeId) {
    case DuckDBTypeId.LIST:
    case DuckDBTypeId.MAP: {
      const { valueOffsets, items } = listItems(vector, rows, nulls.nullBitmap);
      return make({ valueOffsets, child: part(bindings.list_vector_get_child(vector), 0, itemType(type), items) });
    }
    case DuckDBTypeId.ARRAY: {
      const items = arrayItems(rows, type.length ?? 0);
      return make({ child: part(bindings.array_vector_get_child(vector), 0, type.valueType, items) });
    }
    case DuckDBTypeId.STRUCT: {
      const entries = type.entryTypes ?? [];
      const children = entries.map((entry, index) =>
        part(bindings.struct_vector_get_child(vector, index), index, entry, rows),
      );
      return make({ children });
    }
    default:
      return make(flatBuffers(vector, type, arrow, rows, { nullBitmap: nulls.nullBitmap, timeZone }));
  }
}

interface FlatContext {
  readonly nullBitmap: Uint8Array | undefined;
  readonly timeZone: string;
}

/** The buffers of a type that has no parts, besides that of its nulls. */
function flatBuffers(
  vector: bindings.Vector,
  type: ValueType,
  arrow: DataType,
  rows: VectorRows,
  { nullBitmap, timeZone }: FlatContext,
): object {
  switch (type.typeId) {
    case DuckDBTypeId.SQLNULL:
      return {};
    case DuckDBTypeId.BOOLEAN:
      return { data: bitsOf(new Uint8Array(fixedWidth(vector, rows, 1))) };
    case DuckDBTypeId.INTERVAL:
      return { data: intervals(fixedWidth(vector, rows, 16), nullBitmap) };
    case DuckDBTypeId.VARCHAR:
    case DuckDBTypeId.BLOB:
    case DuckDBTypeId.GEOMETRY:
      return textBuffers(vector, rows, nullBitmap);
    case DuckDBTypeId.HUGEINT:
      return { data: hugeints(new Int32Array(fixedWidth(vector, rows, 16)), nullBitmap) };
    case DuckDBTypeId.DECIMAL:
      return { data: decimals(vector, rows, type.width ?? 0) };
    default:
      if (arrow instanceof Utf8) return singleTexts(vector, type, rows, timeZone);
      return { data: new arrow.ArrayType(fixedWidth(vector, rows, widthOf(arrow))) };
  }
}

function widthOf(arrow: DataType): number {
  return (arrow.ArrayType as unknown as { readonly BYTES_PER_ELEMENT: number }).BYTES_PER_ELEMENT;
}

/** 128 bits each, in two's complement; DuckDB has as few as the digits need. */
function decimals(vector: bindings.Vector, rows: VectorRows, digits: number): Uint32Array {
  if (digits > 18) return new Uint32Array(fixedWidth(vector, rows, 16));
  const words = new Int32Array(rows.length * 4);
  if (digits > 9) {
    const pairs = new Int32Array(fixedWidth(vector, rows, 8));
    for (let index = 0; index < rows.length; index++) {
      words[index * 4] = pairs[index * 2];
      words[index * 4 + 1] = pairs[index * 2 + 1];
      words.fill(pairs[index * 2 + 1] >> 31, index * 4 + 2, index * 4 + 4);
    }
  } else {
    const narrow =
      digits > 4 ? new Int32Array(fixedWidth(vector, rows, 4)) : new Int16Array(fixedWidth(vector, rows, 2));
    for (let index = 0; index < rows.length; index++) {
      words[index * 4] = narrow[index];
      words.fill(narrow[index] >> 31, index * 4 + 1, index * 4 + 4);
    }
  }
  return new Uint32Array(words.buffer);
}

const LARGEST = 10n ** BigInt(HUGEINT_DIGITS) - 1n;
/** What the highest 32 bits of the largest are: only beyond them is the whole value looked at. */
const LARGEST_HIGH = Number(LARGEST >> 96n);

/** They are decimals of 38 digits, but for those that have 39. */
function hugeints(words: Int32Array, nullBitmap: Uint8Array | undefined): Uint32Array {
  for (let index = 0; index < words.length / 4; index++) {
    const high = words[index * 4 + 3];
    if (high < LARGEST_HIGH && high > -LARGEST_HIGH) continue;
    if (nullBitmap !== undefined && !bit(nullBitmap, index)) continue;
    const [low, upper] = new BigInt64Array(words.buffer, index * 16, 2);
    const value = (upper << 64n) | BigInt.asUintN(64, low);
    if (value <= LARGEST && value >= -LARGEST) continue;
    const message = `${value} has more digits than a decimal of Arrow: cast the column to DOUBLE or VARCHAR`;
    throw new SluiceError('SLUICE_QUERY', message);
  }
  return new Uint32Array(words.buffer);
}

/** Months, days and 64 bits of microseconds each → of nanoseconds. */
function intervals(bytes: ArrayBuffer, nullBitmap: Uint8Array | undefined): Int32Array {
  const micros = new BigInt64Array(bytes);
  for (let index = 1; index < micros.length; index += 2) {
    const nanos = micros[index] * 1000n;
    micros[index] = nanos;
    if (micros[index] === nanos || (nullBitmap !== undefined && !bit(nullBitmap, index >> 1))) continue;
    const message = 'an interval has more than 292 years of hours, which Arrow cannot hold: cast the column to VARCHAR';
    throw new SluiceError('SLUICE_QUERY', message);
  }
  return new Int32Array(bytes);
}

/** What Arrow has no type for: text, as JSON if it has parts. */
function singleTexts(vector: bindings.Vector, type: ValueType, rows: VectorRows, timeZone: string): TextBuffers {
  const values = DuckDBVector.create(vector, rows.size);
  const valueOffsets = new Int32Array(rows.length + 1);
  const texts: Buffer[] = [];
  for (let index = 0; index < rows.length; index++) {
    const item = values.getItem(rows.picked ? rows.picked[index] : rows.from + index);
    const text = Buffer.from(textOf(type, rawValue(item as DuckDBValue), timeZone));
    texts.push(text);
    valueOffsets[index + 1] = valueOffsets[index] + text.length;
  }
  return { valueOffsets, data: Buffer.concat(texts) };
}

function textOf(type: ValueType, value: RawValue, timeZone: string): string {
  if (value === null) return '';
  if (type.typeId === DuckDBTypeId.VARIANT) return String(value);
  const shown = shownValue(type, value, { timeZone, wideNumbers: false });
  return typeof shown === 'object' ? JSON.stringify(shown) : String(shown);
}
