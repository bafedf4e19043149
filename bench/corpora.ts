/** Messages for the kernel's benchmarks, packed into chunks, and a plain `JSON.parse` reader of the same columns. */
import { Chunk, setBit } from '../src/core/chunk.js';
import type { TableSpec } from '../src/schema/spec.js';
import { ORDERS_SPEC, parseSpec } from '../src/schema/spec-file.js';
import { orderEvents } from '../test/support/events.js';
import { Random } from '../test/support/random.js';
import { mongoEvents, relationalEvents } from './change-events.js';

export interface Corpus {
  readonly name: string;
  readonly spec: TableSpec;
  readonly values: readonly Buffer[];
  /** Of the messages; none by default. */
  readonly keys?: readonly Buffer[];
}

const NO_KEY = Buffer.alloc(0);
const NON_ASCII = '田中太郎，東京都港区，Zoë ';
const COLUMNS = 64;

/** One at a time: together they would fill the heap, and its collection would disturb the figures. */
export function* corpora(events: number): Generator<Corpus> {
  const plain = values(events);
  const random = new Random(3);
  const rewritten = (name: string, rewrite: (json: string, index: number) => string): Corpus => ({
    name,
    spec: ORDERS_SPEC,
    values: plain.map((value, index) => Buffer.from(rewrite(value.toString(), index))),
  });
  yield { name: 'orders, one shape', spec: ORDERS_SPEC, values: plain };
  yield rewritten('pretty-printed', (json) => JSON.stringify(JSON.parse(json), null, 2));
  yield rewritten('30% non-ASCII', nonAscii);
  // Cut off anywhere.
  yield rewritten('5% malformed', (json, n) => (n % 20 === 0 ? json.slice(0, random.below(json.length)) : json));
  yield rewritten('four key orders', (json, n) => reordered(json, (keys) => rotated(keys, (n % 4) * 2)));
  yield rewritten('random key order', (json) => reordered(json, (keys) => shuffled(keys, random)));
  yield { name: '64 columns', spec: wideSpec(), values: plain.map(wideMessage) };
  yield rewritten(
    '100 bytes',
    (_, n) => `{"change_id":"82${hex(n)}","order_id":"ORD-${hex(n).slice(8)}","amount":"$12.50","status":"delivered"}`,
  );
  yield { name: 'Debezium, MongoDB', ...mongoEvents(events) };
  yield { name: 'Debezium, relational with schema', ...relationalEvents(events / 4) };
  yield {
    name: '20 KB',
    spec: ORDERS_SPEC,
    values: plain
      .slice(0, events / 20)
      .map((value) => Buffer.from(`${value.toString().slice(0, -1)},"note":"${'n'.repeat(20_000)}"}`)),
  };
}

function values(count: number): Buffer[] {
  return [...orderEvents({ count, shares: {} })].map(({ value }) => value!);
}

const hex = (value: number) => value.toString(16).padStart(16, '0');

/** Other text for the name and the items: three of ten bytes of the event are not ASCII. */
function nonAscii(json: string): string {
  const text = NON_ASCII.repeat(3);
  return json.replace(/"items":\[.*?\]/, `"items":["${text}"]`).replace('"name":"', `"name":"${NON_ASCII}`);
}

function reordered(json: string, order: (keys: string[]) => string[]): string {
  const object = JSON.parse(json) as Record<string, unknown>;
  return JSON.stringify(Object.fromEntries(order(Object.keys(object)).map((key) => [key, object[key]])));
}

function rotated(keys: string[], by: number): string[] {
  return [...keys.slice(by), ...keys.slice(0, by)];
}

function shuffled(keys: string[], random: Random): string[] {
  return keys
    .map((key) => ({ key, at: random.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ key }) => key);
}

function wideSpec(): TableSpec {
  const columns = Array.from({ length: COLUMNS - 2 }, (_, n) => ({
    name: `field_${n}`,
    path: n % 4 === 0 ? `group_${n >> 3}.field_${n}` : `field_${n}`,
    kind: (['text', 'int64', 'amount', 'bool'] as const)[n % 4],
  }));
  const keys = [
    { name: 'id', kind: 'text', required: true, role: 'change_id' },
    { name: 'key', kind: 'text', required: true, role: 'key' },
  ];
  return parseSpec(JSON.stringify({ table: 'wide', view: 'wide_newest', columns: [...keys, ...columns] }), 'wide');
}

function wideMessage(_: Buffer, row: number): Buffer {
  const object: Record<string, unknown> = { id: `82${hex(row)}`, key: `k-${row}` };
  for (const [n, { paths, kind }] of wideSpec().columns.slice(2).entries()) {
    const value = kind === 'text' ? `text ${row}` : kind === 'bool' ? row % 2 === 0 : row * 100 + n;
    const [group, field] = paths[0].names;
    if (field === undefined) object[group] = value;
    else object[group] = { ...(object[group] as object), [field]: value };
  }
  return Buffer.from(JSON.stringify(object));
}

/** The values one after the other, as the source packs them. */
export function packed(values: readonly Buffer[], startOffset = 0, keys: readonly Buffer[] = []): Chunk[] {
  const chunks: Chunk[] = [];
  let chunk: Chunk | undefined;
  for (const [index, value] of values.entries()) {
    const key = keys[index] ?? NO_KEY;
    if (!chunk?.hasRoomFor(1, value.length, key.length)) {
      chunk = new Chunk();
      chunks.push(chunk);
    }
    const { views, rows } = chunk;
    views.values.set(value, chunk.valueBytes);
    views.keys.set(key, chunk.keyBytes);
    views.offsets[rows] = BigInt(startOffset + index);
    views.timestamps[rows] = 1_735_689_600_000n;
    setBit(views.valueValidity, rows, true);
    setBit(views.keyValidity, rows, key !== NO_KEY);
    chunk.valueBytes += value.length;
    chunk.keyBytes += key.length;
    chunk.rows++;
    views.valueOffsets[chunk.rows] = chunk.valueBytes;
    views.keyOffsets[chunk.rows] = chunk.keyBytes;
  }
  return chunks;
}

/**
 * The usual way without a kernel: `JSON.parse`, of embedded JSON and keys as well, and the fields of the spec into
 * column buffers. It reads amounts and times in their most common form only, so it does less than the kernel.
 * @returns how many rows were read
 */
export function parseIntoColumns({ spec, values, keys }: Corpus): number {
  const bytes = values.reduce((sum, value) => sum + value.length, 0);
  const columns = spec.columns.map(({ paths, kind }) => ({
    paths,
    kind,
    text: Buffer.allocUnsafe(kind === 'text' || kind === 'json' ? bytes : 0),
    numbers: new Float64Array(values.length),
    offsets: new Int32Array(values.length + 1),
  }));
  const readsKeys = spec.columns.some(({ paths }) => paths.some(({ of }) => of === 'key'));
  let rows = 0;
  for (const [index, value] of values.entries()) {
    let message: { value: unknown; key: unknown };
    try {
      const key = readsKeys && keys !== undefined ? JSON.parse(keys[index].toString()) : undefined;
      message = { value: JSON.parse(value.toString()), key };
    } catch {
      continue;
    }
    for (const { of, names } of spec.embedded) parseEmbedded(message[of], names);
    for (const { paths, kind, text, numbers, offsets } of columns) {
      let field: unknown;
      for (const { of, names } of paths) {
        field = message[of];
        for (const key of names) field = (field as Record<string, unknown> | undefined)?.[key];
        if (field !== undefined) break;
      }
      const at = offsets[rows];
      offsets[rows + 1] = at;
      if (kind === 'text') offsets[rows + 1] = at + (field === undefined ? 0 : text.write(String(field), at));
      else if (kind === 'json') offsets[rows + 1] = at + text.write(JSON.stringify(field) ?? '', at);
      else if (kind === 'timestamp') numbers[rows] = Date.parse(String(field));
      else numbers[rows] = Number(typeof field === 'string' ? field.replace(/[^0-9.-]/g, '') : field);
    }
    rows++;
  }
  return rows;
}

/** Puts the content in the place of a string of JSON. */
function parseEmbedded(root: unknown, names: readonly string[]): void {
  let around = root as Record<string, unknown> | undefined;
  for (const name of names.slice(0, -1)) around = around?.[name] as Record<string, unknown> | undefined;
  const last = names[names.length - 1];
  if (typeof around?.[last] === 'string') around[last] = JSON.parse(around[last]);
}
