/** The masks of a spec as the records that the kernel reads, and what it needs to compute HMACs. */
import { SluiceError } from '../core/errors.js';
import { copiesOf, maskedFields, masksInside, masksOfCopies } from '../schema/copies.js';
import { type FieldPath, isWithin } from '../schema/field-path.js';
import { hasMasks, type Mask, maskName } from '../schema/mask.js';
import type { SpecColumn, TableSpec } from '../schema/spec.js';
import {
  CACHED_MASK,
  COLUMN_MASK,
  COLUMN_MASKS,
  HEADER,
  HMAC_CACHE,
  HMAC_TEXT,
  MASK,
  MASK_KEY,
  MASK_NODE,
  MASK_TIMES,
  PERIOD,
  SHA_CONSTANTS,
  SHA_START,
} from './abi.js';
import { KEY_MEMBER } from './path-tree.js';

/** Bytes of the key of an HMAC, which is the block of its hash. */
export const MASK_KEY_BYTES = 64;
/** After the bytes of each name, which are compared by 16. */
const SPARE_NAME_BYTES = 16;
const SCALE_OF_AMOUNTS = 10_000n;
/** A masked text with quotes, which a shorter value can become. */
export const MASK_ROW_BYTES = HMAC_TEXT + 2;

const utf8 = new TextEncoder();

/** What the kernel knows of masks at a place of a message. */
class MaskTree {
  readonly members = new Map<string, MaskTree>();
  mask: Mask | undefined;
  /** What it is without a mask. */
  kind: 'inner' | 'paths' | 'around' = 'inner';

  at([name, ...names]: readonly string[]): MaskTree {
    if (name === undefined) return this;
    const inner = this.members.get(name) ?? new MaskTree();
    this.members.set(name, inner);
    return inner.at(names);
  }

  find([name, ...names]: readonly string[]): MaskTree | undefined {
    return name === undefined ? this : this.members.get(name)?.find(names);
  }

  /** Itself and all inside of it. */
  all(): MaskTree[] {
    return [this, ...[...this.members.values()].flatMap((inner) => inner.all())];
  }
}

interface MaskTrees {
  /** Of `extra`. */
  readonly root: MaskTree;
  /** By column, undefined if nothing of it is masked. */
  readonly columns: readonly (MaskTree | undefined)[];
  /** Of what may be any of several. */
  readonly hidden: MaskTree;
}

function maskTrees(spec: TableSpec): MaskTrees {
  const root = new MaskTree();
  const inExtra = ({ of, names }: FieldPath) => (of === 'key' ? [KEY_MEMBER, ...names] : names);
  for (const { path, mask } of [...maskedFields(spec), ...masksOfCopies(spec)]) root.at(inExtra(path)).mask ??= mask;
  markCopies(root, spec, []);
  const hidden = new MaskTree();
  hidden.mask = 'redact';
  return { root, columns: spec.columns.map((column) => treeOf(column, spec)), hidden };
}

function treeOf(column: SpecColumn, spec: TableSpec): MaskTree | undefined {
  if (spec.masksInside !== undefined) {
    const { name } = column;
    return treeOf(spec.masksInside.columns.find((original) => original.name === name)!, spec.masksInside);
  }
  const { paths, mask } = column;
  const tree = new MaskTree();
  tree.mask = mask;
  for (const { names, mask: inner } of masksInside(column, spec)) tree.at(names).mask ??= inner;
  if (mask === undefined && tree.members.size === 0) return undefined;
  for (const { of, names } of paths) if (of === 'value') markCopies(tree, spec, names);
  return tree;
}

/** @param around the names that lead to the tree */
function markCopies(tree: MaskTree, spec: TableSpec, around: readonly string[]): void {
  const isNamed = (names: readonly string[]) =>
    [...maskedFields(spec), ...(spec.copies ?? [])].some(({ path }) => isWithin(path, { of: 'value', names }));
  for (const { path, dotted } of copiesOf(spec)) {
    if (!isWithin(path, { of: 'value', names: around })) continue;
    for (let depth = Math.max(around.length, 1); depth <= path.names.length; depth++) {
      const node = tree.find(path.names.slice(around.length, depth));
      const hasCopies = depth === path.names.length;
      if (node === undefined) continue;
      if (hasCopies && dotted) node.kind = 'paths';
      // Nobody said that this topic has copies there: what cannot be some is not masked.
      else if (!isNamed(path.names.slice(0, depth))) node.kind = 'around';
    }
  }
}

function allTrees({ root, columns, hidden }: MaskTrees): MaskTree[] {
  return [root, ...columns.filter((tree) => tree !== undefined), hidden].flatMap((tree) => tree.all());
}

/** Whether a column has JSON text of which parts are masked. */
export function hasInnerMasks(column: SpecColumn, spec: TableSpec): boolean {
  return column.mask === undefined && hasMasks(spec) && treeOf(column, spec) !== undefined;
}

/** How many bytes one of a message can become in a text column: in JSON each value may be masked. */
export function textTimes(spec: TableSpec, source: number | undefined): number {
  const isMasked = source === undefined ? hasMasks(spec) : hasInnerMasks(spec.columns[source], spec);
  return isMasked ? MASK_TIMES : 1;
}

function usesKey({ columns, masks, masksInside: inside }: TableSpec): boolean {
  return [...columns, ...masks].some(({ mask }) => mask === 'hmac') || (inside !== undefined && usesKey(inside));
}

/** What records, names and the key take. */
export function maskTableBytes(spec: TableSpec): number {
  if (!hasMasks(spec)) return 0;
  return allTrees(maskTrees(spec)).reduce((sum, { members }) => {
    const names = [...members.keys()].map((name) => MASK_KEY.size + utf8.encode(name).length + SPARE_NAME_BYTES);
    return sum + MASK_NODE.size + names.reduce((bytes, more) => bytes + more, 0);
  }, MASK_KEY_BYTES);
}

/** What the masks that were made last take. */
export function maskCacheBytes(spec: TableSpec): number {
  return usesKey(spec) ? HMAC_CACHE * CACHED_MASK.size : 0;
}

/**
 * Writes all that masks need, at `at`.
 * @param key of HMACs: at most MASK_KEY_BYTES, to which zeros are added
 * @throws SluiceError SLUICE_CONFIG if the spec needs a key and there is none
 */
export function writeMasks(view: DataView, spec: TableSpec, at: number, key: Uint8Array | undefined): void {
  if (!hasMasks(spec)) return;
  const bytes = new Uint8Array(view.buffer);
  const word = (to: number, value: number) => view.setUint32(to, value, true);
  const trees = maskTrees(spec);
  const all = allTrees(trees);
  const firstNode = at + MASK_KEY_BYTES;
  const placeOf = (tree: MaskTree) => firstNode + all.indexOf(tree) * MASK_NODE.size;
  let record = firstNode + all.length * MASK_NODE.size;
  let text = record + all.reduce((sum, { members }) => sum + members.size, 0) * MASK_KEY.size;
  for (const tree of all) {
    const { mask, members, kind } = tree;
    const node = placeOf(tree);
    word(node + MASK_NODE.mask, MASK[mask === undefined ? kind : maskName(mask)]);
    word(node + MASK_NODE.keep, typeof mask === 'object' && 'partial' in mask ? mask.partial.keep : 0);
    word(node + MASK_NODE.keys, record);
    word(node + MASK_NODE.keyCount, members.size);
    for (const [name, inner] of members) {
      const encoded = utf8.encode(name);
      bytes.set(encoded, text);
      word(record + MASK_KEY.address, text);
      word(record + MASK_KEY.length, encoded.length);
      word(record + MASK_KEY.node, placeOf(inner));
      record += MASK_KEY.size;
      text += encoded.length + SPARE_NAME_BYTES;
    }
  }
  word(HEADER.maskRoot, placeOf(trees.root));
  word(HEADER.hiddenMask, placeOf(trees.hidden));
  for (const [index, tree] of trees.columns.entries()) {
    if (tree === undefined) continue;
    const column = COLUMN_MASKS + index * COLUMN_MASK.size;
    word(column + COLUMN_MASK.node, placeOf(tree));
    writeTruncation(view, column, spec.columns[index]);
  }
  if (usesKey(spec)) writeKey(view, at, key);
}

function writeTruncation(view: DataView, at: number, { kind, mask }: SpecColumn): void {
  if (typeof mask !== 'object' || !('truncate' in mask)) return;
  const { to } = mask.truncate;
  if (typeof to === 'string') view.setUint32(at + COLUMN_MASK.period, PERIOD[to], true);
  else view.setBigInt64(at + COLUMN_MASK.multiple, BigInt(to) * (kind === 'amount' ? SCALE_OF_AMOUNTS : 1n), true);
}

function writeKey(view: DataView, at: number, key: Uint8Array | undefined): void {
  if (key === undefined) {
    const why = 'the table spec has the mask hmac, and there is no key for it: MASK_KEY_FILE names its file';
    throw new SluiceError('SLUICE_CONFIG', why);
  }
  new Uint8Array(view.buffer).set(key, at);
  view.setUint32(HEADER.maskKey, at, true);
  const primes = firstPrimes(64);
  for (const [index, prime] of primes.entries()) {
    view.setUint32(SHA_CONSTANTS + index * 4, fractionOfRoot(prime, 3n), true);
    if (index < 8) view.setUint32(SHA_START + index * 4, fractionOfRoot(prime, 2n), true);
  }
}

function firstPrimes(count: number): bigint[] {
  const primes: bigint[] = [];
  for (let number = 2n; primes.length < count; number++) {
    if (primes.every((prime) => number % prime !== 0n)) primes.push(number);
  }
  return primes;
}

/** The first 32 bits of the fraction of a root: SHA-256's constants (FIPS 180-4, 4.2.2 and 5.3.3). */
function fractionOfRoot(number: bigint, degree: 2n | 3n): number {
  const scaled = number << (32n * degree);
  let [low, high] = [0n, 1n << 40n];
  while (high - low > 1n) {
    const middle = (low + high) >> 1n;
    if (middle ** degree <= scaled) low = middle;
    else high = middle;
  }
  return Number(low & 0xffff_ffffn);
}
