#!/usr/bin/env node
/**
 * The documents as a static site, with the playground in it: `npm run site -- [FOLDER]`, by default build/site. It asks
 * nothing of any other host, and works under any path. Every link in it is checked: a broken one is an error.
 */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Marked } from 'marked';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const OUT = path.resolve(process.argv[2] ?? path.join(ROOT, 'build', 'site'));
const PLAYGROUND = path.join(ROOT, 'dist', 'web', 'playground');
/** Other documents than those of docs/, in the order of the menu. */
const FIRST = ['README.md'];
const LAST = ['ARCHITECTURE.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'].concat(
  ...['kernels/README.md', 'kernels/ABI.md', 'spark/README.md', 'native/README.md', 'bench/RESULTS.md'],
);
const OTHER_SITE = /^([a-z][a-z0-9+.-]*:|\/\/)/i;

const STYLE = `
:root { color-scheme: light dark; --line: light-dark(#d8dee4, #363b42); --soft: light-dark(#f4f6f8, #1d2126); }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 84rem; padding: 1.5rem; display: flex; gap: 2rem;
  font: 16px/1.55 system-ui, sans-serif;
  background: light-dark(#fff, #14171a); color: light-dark(#1f2328, #dfe3e8); }
nav { flex: 0 0 13rem; font-size: .92rem; }
nav ul { list-style: none; margin: .6rem 0; padding: 0; }
nav a { display: block; padding: .15rem .5rem; border-radius: .3rem; text-decoration: none; }
nav a[aria-current] { background: var(--soft); font-weight: 600; }
main { flex: 1; min-width: 0; }
a { color: light-dark(#0b6e99, #6cb8dd); }
h1, h2, h3 { line-height: 1.25; scroll-margin-top: 1rem; }
h2 { border-top: 1px solid var(--line); padding-top: 1.2rem; margin-top: 2rem; }
pre { background: var(--soft); padding: .8rem 1rem; border-radius: .4rem; overflow-x: auto; line-height: 1.4; }
code { font: .88em ui-monospace, monospace; background: var(--soft); padding: .1em .25em; border-radius: .2em; }
pre code { padding: 0; background: none; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: .92rem; }
th, td { border: 1px solid var(--line); padding: .35rem .6rem; text-align: left; vertical-align: top; }
img { max-width: 100%; background: #fff; }
@media (max-width: 50rem) { body { display: block; } nav ul { columns: 2; } }
`;

const docs = readdirSync(path.join(ROOT, 'docs'))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);
const documents = [...FIRST, ...docs, ...LAST];
/** Files that are no documents and that documents link to. */
const linkedFiles = new Set();
const problems = [];

function pageOf(document) {
  return document === 'README.md' ? 'index.html' : document.replace(/\.md$/, '.html');
}

function titleOf(document) {
  const title = /^# (.*)$/m.exec(readFileSync(path.join(ROOT, document), 'utf8'))?.[1] ?? document;
  return title.replaceAll('`', '');
}

/** The address within the site of what a document links to. */
function target(document, link) {
  if (OTHER_SITE.test(link) || link.startsWith('#')) return link;
  const [file, anchor] = link.split('#');
  const found = path.posix.join(path.posix.dirname(document), file);
  const place = path.join(ROOT, found);
  if (!existsSync(place)) problems.push(`${document}: ${link} leads nowhere`);
  if (documents.includes(found)) return relativeTo(document, pageOf(found)) + (anchor ? `#${anchor}` : '');
  // A folder: its document, if it has one.
  if (statSync(place, { throwIfNoEntry: false })?.isDirectory()) {
    const readme = path.posix.join(found, 'README.md');
    return documents.includes(readme) ? relativeTo(document, pageOf(readme)) : undefined;
  }
  linkedFiles.add(found);
  return relativeTo(document, found);
}

function relativeTo(document, file) {
  return path.posix.relative(path.posix.dirname(pageOf(document)), file) || path.posix.basename(file);
}

/** GitHub's anchors: as scripts/check-links.mjs holds the documents to them. */
function anchorsOf() {
  const seen = new Map();
  return (heading) => {
    const text = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\p{M}\s_-]/gu, '')
      .replaceAll(' ', '-');
    const count = seen.get(text) ?? 0;
    seen.set(text, count + 1);
    return count === 0 ? text : `${text}-${count}`;
  };
}

function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}

function plain(tokens) {
  return tokens.map((token) => (token.tokens ? plain(token.tokens) : (token.text ?? ''))).join('');
}

function htmlOf(document) {
  const anchor = anchorsOf();
  const renderer = {
    heading({ tokens, depth }) {
      return `<h${depth} id="${escaped(anchor(plain(tokens)))}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
    },
    link({ href, tokens }) {
      const to = target(document, href);
      const text = this.parser.parseInline(tokens);
      return to === undefined ? text : `<a href="${escaped(to)}">${text}</a>`;
    },
    image({ href, text }) {
      return `<img src="${escaped(target(document, href))}" alt="${escaped(text)}">`;
    },
  };
  const html = new Marked({ renderer }).parse(readFileSync(path.join(ROOT, document), 'utf8'));
  return html.replaceAll('<table>', '<div class="wide"><table>').replaceAll('</table>', '</table></div>');
}

function page(document) {
  const item = (other) =>
    `<li><a href="${relativeTo(document, pageOf(other))}"${other === document ? ' aria-current="page"' : ''}>` +
    `${escaped(titleOf(other))}</a></li>`;
  const body = htmlOf(document);
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(titleOf(document))}${document === 'README.md' ? '' : ' · Sluice'}</title>
<link rel="stylesheet" href="${relativeTo(document, 'site.css')}">
<nav><ul>
${item('README.md')}
<li><a href="${relativeTo(document, 'playground/index.html')}">Playground</a></li>
</ul><ul>
${[...docs, ...LAST].map(item).join('\n')}
</ul></nav>
<main>
${body}</main>
</html>
`;
}

/** Links of a page of the site that lead nowhere. */
function brokenLinks(file) {
  const html = readFileSync(file, 'utf8');
  return [...html.matchAll(/(?:href|src)="([^"]*)"/g)]
    .map(([, link]) => link.replaceAll('&amp;', '&'))
    .filter((link) => !OTHER_SITE.test(link))
    .filter((link) => {
      const [name, anchor] = link.split('#').map(decodeURIComponent);
      const to = name === '' ? file : path.resolve(path.dirname(file), name);
      if (!existsSync(to)) return true;
      return anchor !== undefined && to.endsWith('.html') && !readFileSync(to, 'utf8').includes(`id="${anchor}"`);
    })
    .map((link) => `${path.relative(OUT, file)}: ${link} leads nowhere`);
}

if (!existsSync(path.join(PLAYGROUND, 'index.html'))) {
  console.error(`${path.relative(ROOT, PLAYGROUND)} is not there: npm run build makes it`);
  process.exit(1);
}
rmSync(OUT, { recursive: true, force: true });
for (const document of documents) {
  const file = path.join(OUT, pageOf(document));
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, page(document));
}
for (const name of linkedFiles) cpSync(path.join(ROOT, name), path.join(OUT, name));
writeFileSync(path.join(OUT, 'site.css'), STYLE.trimStart());
cpSync(PLAYGROUND, path.join(OUT, 'playground'), { recursive: true });
problems.push(...documents.flatMap((document) => brokenLinks(path.join(OUT, pageOf(document)))));
for (const problem of problems) console.error(problem);
if (problems.length > 0) process.exitCode = 1;
else console.log(`${documents.length} pages and the playground: ${path.join(OUT, 'index.html')}`);
