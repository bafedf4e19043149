#!/usr/bin/env node
/**
 * src/ → dist/: a file for each source file, and chunks for what several of them share.
 *
 * Libraries of many small files are in the chunks too: otherwise each thread would find, read and compile those files
 * one by one at its start, which costs a process of three threads 0.3 s.
 */
import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

/** All other dependencies stay as they are: they are native, have threads of their own, or are rarely needed. */
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
  // Libraries in CommonJS call it for what is not in the bundle.
  banner: {
    js: `import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);`,
  },
  logLevel: 'warning',
});
