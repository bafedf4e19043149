/** Completion of a spec from its JSON Schema: names of fields, and values of closed lists. */
import {
  type Completion,
  type CompletionContext,
  type CompletionResult,
  snippetCompletion,
} from '@codemirror/autocomplete';
import { syntaxTree } from '@codemirror/language';
import type { EditorState } from '@codemirror/state';
import type { SyntaxNode } from '@lezer/common';
import root from '../../docs/table-spec.schema.json';

/** As much of JSON Schema as the spec's has. */
interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly $defs?: Readonly<Record<string, Schema>>;
}

export function completeSpec(context: CompletionContext): CompletionResult | null {
  const { state, pos } = context;
  const node = withoutErrors(syntaxTree(state).resolveInner(pos, -1));
  const word = context.matchBefore(/"?[\w$]*/);
  if (!context.explicit && (word === null || word.from === word.to)) return null;
  const isName = node.name === 'PropertyName' || node.name === 'Object' || node.name === 'Property';
  const isString = node.name === 'PropertyName' || node.name === 'String';
  const from = isString ? node.from : (word?.from ?? pos);
  // An open string goes on to the end of its line.
  const to = isString && /^"[^"]*"$/.test(state.sliceDoc(node.from, node.to)) ? node.to : pos;
  const options = isName && !isValue(node, pos) ? names(state, node) : valuesOf(state, node);
  const begun = state.sliceDoc(from, pos).replace(/^(?!")/, '"');
  const fitting = context.explicit ? options : options.filter(({ label }) => label.startsWith(begun));
  // The editor's own filter would take what comes after the cursor for typed, too.
  return fitting.length === 0 ? null : { from, to, options: fitting, filter: false };
}

/** What is around a word without quotes, which is no JSON. */
function withoutErrors(node: SyntaxNode): SyntaxNode {
  let around = node;
  while (around.type.isError && around.parent !== null) around = around.parent;
  return around;
}

/** Whether the position is after the colon of a property. */
function isValue(node: SyntaxNode, pos: number): boolean {
  const name = node.name === 'Property' ? node.getChild('PropertyName') : null;
  return name !== null && pos > name.to;
}

/** The fields that the object does not have yet. */
function names(state: EditorState, node: SyntaxNode): Completion[] {
  let object: SyntaxNode | null = node;
  while (object !== null && object.name !== 'Object') object = object.parent;
  if (object === null) return [];
  const present = object.getChildren('Property').map((property) => nameOf(state, property));
  const { properties = {} } = schemaOf(state, object);
  const isOpen = node.name !== 'PropertyName';
  return Object.entries(properties)
    .filter(([name]) => !present.includes(name) || !isOpen)
    .map(([name, schema]) => {
      const quoted = JSON.stringify(name);
      const completion = { label: quoted, type: 'property' };
      return isOpen ? snippetCompletion(`${quoted}: ${startOf(resolve(schema))}`, completion) : completion;
    });
}

/** Of snippets: where the cursor comes to be. */
const CURSOR = '$' + '{}';

/** A value to go on with. */
function startOf({ type }: Schema): string {
  if (type === 'string') return `"${CURSOR}"`;
  if (type === 'array') return `[${CURSOR}]`;
  if (type === 'object') return `{${CURSOR}}`;
  return CURSOR;
}

function valuesOf(state: EditorState, node: SyntaxNode): Completion[] {
  const schema = schemaOf(state, node);
  const values =
    schema.type === 'boolean' ? ['true', 'false'] : (schema.enum ?? []).map((word) => JSON.stringify(word));
  return values.map((label) => ({ label, type: 'enum' }));
}

/** What the schema says of the value at a node. */
function schemaOf(state: EditorState, node: SyntaxNode): Schema {
  const path: string[] = [];
  for (let at: SyntaxNode | null = node; at !== null; at = at.parent) {
    if (at.name === 'Property') path.unshift(nameOf(state, at));
    if (at.name === 'Array' && at !== node) path.unshift('');
  }
  let schema = root as Schema;
  for (const name of path) {
    const { properties, additionalProperties, items } = resolve(schema);
    const others = typeof additionalProperties === 'object' ? additionalProperties : {};
    schema = name === '' ? (items ?? {}) : (properties?.[name] ?? others);
  }
  return resolve(schema);
}

function resolve(schema: Schema): Schema {
  const name = schema.$ref?.replace('#/$defs/', '');
  return name === undefined ? schema : ((root as Schema).$defs?.[name] ?? {});
}

function nameOf(state: EditorState, property: SyntaxNode): string {
  const name = property.getChild('PropertyName');
  return name === null ? '' : state.sliceDoc(name.from, name.to).replace(/^"|"$/g, '');
}
