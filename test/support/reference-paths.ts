/** The paths of a spec, for the reference: what each member of a message is for, and where columns have values. */
import type { FieldPath } from '../../src/schema/field-path.js';
import type { SpecColumn, TableSpec } from '../../src/schema/spec.js';
import { type Embedding, type JsonNode, sourceOf, utf8 } from './reference-json.js';

/** What a key leads to: a column, nothing, `extra` in any case, or an object in which there are such keys. */
export type Target = 'column' | 'ignored' | 'kept' | PathNode;

export class PathNode implements Embedding {
  readonly members = new Map<string, Target>();
  isEmbedded = false;
  isIgnored = false;
  isTombstone = false;

  member(name: string): PathNode | undefined {
    const target = this.members.get(name);
    return target instanceof PathNode ? target : undefined;
  }

  /** The node at the names, which is made if need be; inside of what is ignored all is. */
  at([name, ...names]: readonly string[]): PathNode {
    if (name === undefined) return this;
    const inner = this.member(name) ?? new PathNode();
    this.members.set(name, inner);
    inner.isIgnored ||= this.isIgnored;
    return inner.at(names);
  }
}

const trees = { value: new WeakMap<TableSpec, PathNode>(), key: new WeakMap<TableSpec, PathNode>() };
const NONE: ReadonlySet<FieldPath> = new Set();

/** The fields of a message's value, or of its key. @param unread fields that their columns could not take */
export function specTree(spec: TableSpec, of: FieldPath['of'], unread = NONE): PathNode {
  const tree = (unread.size === 0 ? trees[of].get(spec) : undefined) ?? newTree(spec, of, unread);
  if (unread.size === 0) trees[of].set(spec, tree);
  return tree;
}

function newTree(spec: TableSpec, of: FieldPath['of'], unread: ReadonlySet<FieldPath>): PathNode {
  const root = new PathNode();
  const isOfRoot = (path: FieldPath) => path.of === of;
  const columnPaths = spec.columns.flatMap(({ paths }) => paths).filter(isOfRoot);
  const ignored = spec.ignore.filter(isOfRoot);
  for (const { names } of ignored) {
    const isAround = [...columnPaths, ...spec.embedded.filter(isOfRoot)].some((path) =>
      names.every((name, depth) => name === path.names[depth]),
    );
    if (isAround || names.length === 0) root.at(names).isIgnored = true;
    else root.at(names.slice(0, -1)).members.set(names.at(-1)!, 'ignored');
  }
  for (const path of columnPaths.filter(({ names }) => names.length > 0)) {
    const { names } = path;
    root.at(names.slice(0, -1)).members.set(names.at(-1)!, unread.has(path) ? 'kept' : 'column');
  }
  for (const { names } of spec.embedded.filter(isOfRoot)) root.at(names).isEmbedded = true;
  const nullAt = spec.deletes?.nullAt;
  if (nullAt?.of === of) root.at(nullAt.names).isTombstone = true;
  return root;
}

/** The value at these names: of a repeated key the last one. */
export function nodeAt(root: JsonNode | undefined, names: readonly string[]): JsonNode | undefined {
  let node = root;
  for (const name of names) node = node?.members.findLast(({ key }) => key === name)?.value;
  return node;
}

/** The same through the objects that JSON.parse made. */
export function parsedAt(root: unknown, names: readonly string[], tree: PathNode): unknown {
  let value = root;
  let at: PathNode | undefined = tree;
  for (const name of names) {
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
    value = isObject && Object.hasOwn(value as object, name) ? (value as Record<string, unknown>)[name] : undefined;
    at = at?.member(name);
    // Its text is UTF-8, which has no half surrogates: JSON.parse would join one with one that the text escapes.
    if (at?.isEmbedded && typeof value === 'string') value = JSON.parse(Buffer.from(value).toString());
  }
  return value;
}

/** Whether columns are read from the messages' keys. */
export function readsKeys({ columns }: TableSpec): boolean {
  return columns.some(({ paths }) => paths.some(({ of }) => of === 'key'));
}

/** Whether the column of all of the key takes it as the text that it is. */
export function takesKeyAsText({ columns }: TableSpec): boolean {
  return columns.some((column) => column.kind === 'text' && takesWholeKey(column));
}

function takesWholeKey({ paths }: SpecColumn): boolean {
  return paths.some(({ of, names }) => of === 'key' && names.length === 0);
}

/** The members that no column takes, joined, as they are in the source. */
export function extraMembers(object: JsonNode, tree: PathNode): string {
  const kept: string[] = [];
  for (const { key, keySource, value } of object.members) {
    const target = tree.members.get(key);
    const member = `${utf8(keySource)}:${sourceOf(value)}`;
    if (target === 'kept' || (target === undefined && !tree.isIgnored)) kept.push(member);
    if (!(target instanceof PathNode)) continue;
    if (object.members.findLast((other) => other.key === key)?.value !== value) continue;
    if (value.kind === 'object') {
      const inner = extraMembers(value, target);
      if (inner !== '') kept.push(`${utf8(keySource)}:{${inner}}`);
    } else if (!target.isIgnored && !(target.isTombstone && value.kind === 'null')) kept.push(member);
  }
  return kept.join(',');
}
