/** The table spec as text, with completion, and what is wrong with it where it is. */
import { autocompletion } from '@codemirror/autocomplete';
import { json } from '@codemirror/lang-json';
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { type Diagnostic, lintGutter, setDiagnostics } from '@codemirror/lint';
import { tags } from '@lezer/highlight';
import { basicSetup, EditorView } from 'codemirror';
import { useEffect, useRef, useState } from 'preact/hooks';
import { completeSpec } from './spec-completion.js';
import { diagnosticsOf } from './spec-places.js';

const COLOURS = HighlightStyle.define([
  { tag: tags.propertyName, color: 'var(--accent)' },
  { tag: tags.string, color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--bad)' },
  { tag: [tags.separator, tags.brace, tags.squareBracket], color: 'var(--faint)' },
]);

const THEME = EditorView.theme({
  '&': { height: '100%', color: 'var(--text)', backgroundColor: 'var(--raised)', fontSize: '13px' },
  '.cm-scroller': { fontFamily: 'ui-monospace, "DejaVu Sans Mono", monospace' },
  '.cm-content': { caretColor: 'var(--text)' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-gutters': { color: 'var(--faint)', backgroundColor: 'var(--ground)', borderRight: '1px solid var(--line)' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'color-mix(in srgb, var(--accent) 8%, transparent)' },
  '&.cm-focused .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'color-mix(in srgb, var(--accent) 30%, transparent) !important',
  },
  '.cm-tooltip, .cm-panels': { color: 'var(--text)', backgroundColor: 'var(--raised)', borderColor: 'var(--line)' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { color: 'var(--raised)', backgroundColor: 'var(--accent)' },
  '.cm-foldPlaceholder': { color: 'var(--faint)', backgroundColor: 'transparent' },
});

export interface SpecEditorProps {
  /** Put in place of the text whenever this is another object; what is typed does not come back by it. */
  readonly given: { readonly text: string };
  /** What is wrong with the text that was read last, another object each time; undefined if nothing is. */
  readonly error: { readonly specError: string } | undefined;
  readonly onChange: (text: string) => void;
}

export function SpecEditor({ given, error, onChange }: SpecEditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const editor = useRef<EditorView | undefined>(undefined);
  const changed = useRef(onChange);
  changed.current = onChange;
  const [problems, setProblems] = useState<readonly Diagnostic[]>([]);

  useEffect(() => {
    editor.current = openEditor(host.current!, (text) => changed.current(text));
    return () => editor.current?.destroy();
  }, []);

  useEffect(() => {
    const view = editor.current!;
    const { length } = view.state.doc;
    view.dispatch({ changes: { from: 0, to: length, insert: given.text } });
  }, [given]);

  useEffect(() => {
    const view = editor.current!;
    const found = error === undefined ? [] : diagnosticsOf(view, error.specError);
    view.dispatch(setDiagnostics(view.state, found));
    setProblems(found);
  }, [error]);

  const show = ({ from }: Diagnostic) => {
    editor.current!.dispatch({ selection: { anchor: from }, scrollIntoView: true });
    editor.current!.focus();
  };
  return (
    <>
      <div class="editor" ref={host} />
      <ul class="problems" aria-live="polite">
        {problems.map((problem) => (
          <li key={problem.message}>
            <button type="button" class="link" onClick={() => show(problem)}>
              Line {lineOf(editor.current, problem)}
            </button>{' '}
            {problem.message}
          </li>
        ))}
      </ul>
    </>
  );
}

/** In a shadow root its styles are style sheets that scripts make: as elements, the page's policy would refuse them. */
function openEditor(host: HTMLElement, onChange: (text: string) => void): EditorView {
  const root = host.attachShadow({ mode: 'open' });
  return new EditorView({
    parent: root,
    root,
    extensions: [
      basicSetup,
      json(),
      autocompletion({ override: [completeSpec], icons: false }),
      lintGutter(),
      syntaxHighlighting(COLOURS),
      THEME,
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ 'aria-label': 'Table spec, JSON' }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) onChange(update.state.doc.toString());
      }),
    ],
  });
}

function lineOf(view: EditorView | undefined, { from }: Diagnostic): number {
  const doc = view!.state.doc;
  return doc.lineAt(Math.min(from, doc.length)).number;
}
