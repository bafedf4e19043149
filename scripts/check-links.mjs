#!/usr/bin/env node
/**
 * Checks what the documents point to: relative links, anchors of headings, and paths of this project in `code`. Links
 * to other sites are not followed. Prints a line for each one that leads nowhere; the exit code is then 1.
 *
 *   node scripts/check-links.mjs [FOLDER]
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(process.argv[2] ?? fileURLToPath(new URL('..', import.meta.url)));
const SKIPPED = new Set(['node_modules', 'build', 'dist', 'data']);
/** Inline links and images with an optional title, and definitions of reference links. */
const LINKS = [
  /\]\(\s*<?([^\s()<>]+(?:\([^\s()]*\)[^\s()<>]*)*)>?(?:\s+["'][^"']*["'])?\s*\)/g,
  /^\s*\[[^\]]+\]:\s+(\S+)/g,
];
const OTHER_SITE = /^([a-z][a-z0-9+.-]*:|\/\/)/i;
/** A path in `code` is one of this project's files if it starts with one of its folders and has an extension. */
const CODE = /`([^`]+)`/g;
const PROJECT_FILE = /^(?:bench|deploy|docs|fixtures|kernels|native|scripts|src|test)\/[\w./-]*\.[a-z]+$/;

function documents(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory()) return SKIPPED.has(entry.name) || entry.name.startsWith('.') ? [] : documents(file);
    return entry.name.endsWith('.md') ? [file] : [];
  });
}

/** The lines of a document; those of code blocks are empty, so that the numbers of the others stay. */
function prose(file) {
  let fence;
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => {
      const mark = /^\s*(`{3,}|~{3,})/.exec(line)?.[1];
      if (mark !== undefined && (fence === undefined || mark.startsWith(fence))) {
        fence = fence === undefined ? mark : undefined;
        return '';
      }
      return fence === undefined ? line : '';
    });
}

/** The anchors that GitHub gives to the headings of a document. */
function anchors(file) {
  const seen = new Map();
  return new Set(
    prose(file)
      .flatMap((line) => /^#{1,6}\s+(.*?)\s*#*$/.exec(line)?.[1] ?? [])
      .map((heading) => {
        const text = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
        const slug = text.replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, '').replaceAll(' ', '-');
        const count = seen.get(slug) ?? 0;
        seen.set(slug, count + 1);
        return count === 0 ? slug : `${slug}-${count}`;
      }),
  );
}

/** @returns what is wrong with a link, undefined if it leads somewhere */
function linkProblem(file, link) {
  if (OTHER_SITE.test(link)) return undefined;
  const [target, anchor] = link.split('#').map(decodeURIComponent);
  const found = target === '' ? file : path.resolve(path.dirname(file), target);
  if (!existsSync(found)) return `${link}: there is no such file`;
  if (anchor === undefined || !found.endsWith('.md') || anchors(found).has(anchor)) return undefined;
  return `${link}: no heading has this anchor`;
}

function problemsOf(file) {
  return prose(file).flatMap((line, index) => {
    const code = [...line.matchAll(CODE)].map((match) => match[1]);
    const text = line.replace(CODE, '``');
    const links = LINKS.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1]));
    const problems = [
      ...links.map((link) => linkProblem(file, link)),
      ...code
        .filter((name) => PROJECT_FILE.test(name) && !existsSync(path.join(ROOT, name)))
        .map((name) => `${name}: there is no such file`),
    ].filter((problem) => problem !== undefined);
    return problems.map((problem) => `${path.relative(ROOT, file)}:${index + 1} ${problem}`);
  });
}

const problems = documents(ROOT).flatMap(problemsOf);
for (const problem of problems) process.stderr.write(`${problem}\n`);
process.exitCode = problems.length === 0 ? 0 : 1;
