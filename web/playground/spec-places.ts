/** Where in the text of a spec a problem is that `parseSpec` has found. */
import { jsonParseLinter } from '@codemirror/lang-json';
import { ensureSyntaxTree } from '@codemirror/language';
import type { Diagnostic } from '@codemirror/lint';
import type { EditorState } from '@codemirror/state';
import type { SyntaxNode } from '@lezer/common';
import type { EditorView } from 'codemirror';

const PARSE_MS = 500;

/** @param message of the error: a line for each problem, the first of which says which spec it is about */
export function diagnosticsOf(view: EditorView, message: string): Diagnostic[] {
  const syntax = jsonParseLinter()(view);
  // A place between two characters would not be seen.
  if (syntax.length > 0)
    return syntax.map((found) => ({ ...found, to: Math.min(found.to + 1, view.state.doc.length) }));
  const [summary, ...problems] = message.split('\n').map((line) => line.trim());
  return (problems.length > 0 ? problems : [summary]).map((problem) => {
    const { from, to } = placeOf(view.state, problem);
    return { from, to, severity: 'error', message: problem };
  });
}

/** A problem begins with the path of a field (`columns.2.kind`), a column (`column amount`) or a part of the spec. */
function placeOf(state: EditorState, problem: string): { from: number; to: number } {
  const start = { from: 0, to: Math.min(1, state.doc.length) };
  const top = ensureSyntaxTree(state, state.doc.length, PARSE_MS)?.topNode.firstChild;
  const subject = /^(.*?)(?:: | must )/.exec(problem)?.[1];
  if (!top || subject === undefined) return start;
  const column = /^column (\w+)$/.exec(subject)?.[1];
  const role = /^role (\w+)$/.exec(subject)?.[1];
  if (column !== undefined) return columnWith(state, top, ['name', 'raw'], column) ?? start;
  if (role !== undefined) return columnWith(state, top, ['role'], role) ?? property(state, top, 'columns') ?? start;
  // `embedded ["after"]`, `table and view`
  const node = walk(state, top, subject.replace(/ .*$/, '').split('.'));
  return node === top ? start : node;
}

/** The value of a field of one of the columns. */
function columnWith(state: EditorState, top: SyntaxNode, fields: readonly string[], text: string) {
  const columns = property(state, top, 'columns');
  if (columns === undefined) return undefined;
  for (const column of values(columns)) {
    for (const field of fields) {
      const value = property(state, column, field);
      if (value !== undefined && textOf(state, value) === JSON.stringify(text)) return value;
    }
  }
  return undefined;
}

/** As far as the path leads: a field that is missing is a problem of what it should be in. */
function walk(state: EditorState, top: SyntaxNode, path: readonly string[]): SyntaxNode {
  let node = top;
  for (const name of path) {
    const next = node.name === 'Array' ? values(node)[Number(name)] : property(state, node, name);
    if (next === undefined) break;
    node = next;
  }
  return node;
}

/** The value of a property of an object. */
function property(state: EditorState, node: SyntaxNode, name: string): SyntaxNode | undefined {
  const found = node.getChildren('Property').find((child) => {
    const key = child.getChild('PropertyName');
    return key !== null && textOf(state, key) === JSON.stringify(name);
  });
  return found?.lastChild ?? undefined;
}

const VALUES = new Set(['Object', 'Array', 'String', 'Number', 'True', 'False', 'Null']);

function values(array: SyntaxNode): SyntaxNode[] {
  const found: SyntaxNode[] = [];
  for (let child = array.firstChild; child !== null; child = child.nextSibling) {
    if (VALUES.has(child.name)) found.push(child);
  }
  return found;
}

function textOf(state: EditorState, { from, to }: SyntaxNode): string {
  return state.sliceDoc(from, to);
}
