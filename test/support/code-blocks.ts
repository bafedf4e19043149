/** The code blocks of the documents. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface CodeBlock {
  /** Relative to the project. */
  readonly document: string;
  /** Of the first line of the code, from 1. */
  readonly line: number;
  /** What the fence says; empty if it says nothing. */
  readonly language: string;
  readonly text: string;
}

/** All of README.md, CONTRIBUTING.md, docs/ and the documents of folders that are for users. */
export function codeBlocks(): CodeBlock[] {
  const docs = readdirSync(path.join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  return [
    ...['README.md', 'CONTRIBUTING.md', 'kernels/ABI.md', 'spark/README.md', 'native/README.md'],
    ...docs.map((name) => path.posix.join('docs', name)),
  ].flatMap((document) => blocksOf(document, readFileSync(path.join(ROOT, document), 'utf8')));
}

export function blocksOf(document: string, markdown: string): CodeBlock[] {
  const fences = markdown.matchAll(/^( *)(`{3,})(\S*)\n(.*?)^\1\2 *$/gms);
  return [...fences].map(({ 3: language, 4: text, index }) => ({
    ...{ document, language, text },
    line: markdown.slice(0, index).split('\n').length + 1,
  }));
}
