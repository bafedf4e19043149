#!/usr/bin/env node
/**
 * src/ → dist/: a file for each source file, and chunks for what several of them share. web/ → dist/web/: a folder for
 * each page, which needs nothing else.
 *
 * Libraries of many small files are in the chunks too: otherwise each thread would find, read and compile those files
 * one by one at its start, which costs a process of three threads 0.3 s.
 */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import ts from 'typescript';

/**
 * All other dependencies stay as they are: they are native, have threads of their own, or are rarely needed. The Kafka
 * client is no dependency, for its installation would build or download an addon: native/README.md.
 */
const BUNDLED = ['@duckdb/node-api', 'apache-arrow', 'commander', 'prom-client', 'zod'];

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const { dependencies } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));

// Chunks have new names when they change.
rmSync(path.join(ROOT, 'dist'), { recursive: true, force: true });
await build({
  absWorkingDir: ROOT,
  entryPoints: ['src/**/*.ts'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  sourcemap: true,
  external: Object.keys(dependencies).filter((name) => !BUNDLED.includes(name)),
  // What the Kafka client finds its addon with.
  alias: { bindings: './scripts/bindings.cjs' },
  // Libraries in CommonJS call it for what is not in the bundle.
  banner: {
    js: `import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);`,
  },
  logLevel: 'warning',
});

// The types of the library, which needs no other file for them.
const library = readFileSync(path.join(ROOT, 'src', 'index.ts'), 'utf8');
writeFileSync(path.join(ROOT, 'dist', 'index.d.ts'), ts.transpileDeclaration(library, {}).outputText);

// Its licence wants to be where its code is.
for (const licence of ['LICENSE.txt', 'LICENSE.kafkajs', 'LICENSE.node-rdkafka']) {
  const client = path.join(ROOT, 'node_modules', '@confluentinc', 'kafka-javascript');
  cpSync(path.join(client, licence), path.join(ROOT, 'dist', 'licenses', 'kafka-javascript', licence));
}

for (const page of pages()) {
  const folder = path.join('dist', 'web', page);
  await build({
    absWorkingDir: ROOT,
    entryPoints: ['main.tsx', 'worker.ts'].map((name) => `web/${page}/${name}`).filter(exists),
    outdir: folder,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    // WebAssembly lies beside the scripts; messages of fixtures/ are in them.
    loader: { '.wasm': 'file', '.ndjson': 'text', '.jsonl': 'text' },
    assetNames: '[name]',
    logLevel: 'warning',
  });
  for (const name of readdirSync(path.join(ROOT, 'web', page)).filter((file) => file.endsWith('.html'))) {
    cpSync(path.join(ROOT, 'web', page, name), path.join(ROOT, folder, name));
  }
}

// Last: what has it is whole.
writeFileSync(path.join(ROOT, 'dist', '.built'), '');

function exists(name) {
  return existsSync(path.join(ROOT, name));
}

/** The folders of web/ that have a page. */
function pages() {
  const folders = readdirSync(path.join(ROOT, 'web'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders.map(({ name }) => name).filter((name) => exists(`web/${name}/index.html`));
}
