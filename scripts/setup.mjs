#!/usr/bin/env node
/**
 * Everything between a fresh clone and a working one: dependencies, the Kafka addon, the WASM kernel, TypeScript.
 * Each step looks first and does nothing if its result is already there. Plain Node: nothing is installed yet.
 *
 * Usage: setup.mjs [--tests]. With --tests, what tests would be skipped without is provided as well; of that, system
 * packages only with CI=true.
 */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { extensionsReady, provideExtensions } from './setup/duckdb-extensions.mjs';
import { addonReady, provideAddon } from './setup/kafka-addon.mjs';
import { exists, npm, ROOT, runScript, SetupError, step } from './setup/run.mjs';
import {
  BROWSER_PACKAGES,
  POSTGRES_PACKAGES,
  PROMETHEUS_PACKAGES,
  PYTHON_PACKAGES,
  providePackages,
} from './setup/system-packages.mjs';

const OLDEST_NODE = [20, 19];

function main() {
  requireNode();
  if (!dependenciesInstalled()) installDependencies();
  if (!addonReady()) provideAddon(installDependencies);
  if (kernelStale()) step('compiling the WASM kernel', () => npm(['run', 'build:wasm']));
  if (typescriptStale()) step('compiling TypeScript', () => npm(['run', 'build:ts']));
  if (process.argv.includes('--tests')) provideForTests();
}

function provideForTests() {
  const packages = [PYTHON_PACKAGES, POSTGRES_PACKAGES, PROMETHEUS_PACKAGES, BROWSER_PACKAGES];
  if (process.env.CI === 'true') packages.forEach(providePackages);
  if (!extensionsReady()) provideExtensions();
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
    throw new SetupError(`Node ${OLDEST_NODE.join('.')} or newer is needed, this is ${process.versions.node}`);
  }
}

// ── dependencies ────────────────────────────────────────────────────────────────────────────────────────────────────

/** npm writes the hidden lock file last, so that an interrupted install has none: versions in it are really there. */
function dependenciesInstalled() {
  const wanted = readJson(path.join(ROOT, 'package-lock.json')).packages;
  const installed = readJson(path.join(ROOT, 'node_modules', '.package-lock.json'))?.packages;
  if (installed === undefined) return false;
  return Object.entries(wanted).every(
    ([at, { version, optional }]) => at === '' || installed[at]?.version === version || (optional && !installed[at]),
  );
}

/** Without install scripts: the addon's one would fall back to a build before its system packages are there. */
function installDependencies() {
  step('installing dependencies (npm ci)', () => npm(['ci', '--ignore-scripts', '--include=dev', '--no-audit']));
}

function readJson(file) {
  return exists(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

// ── compiled output ─────────────────────────────────────────────────────────────────────────────────────────────────

function kernelStale() {
  const inputs = [...files('kernels', '.ts'), 'kernels/abi.json', 'scripts/abi.mjs', 'asconfig.json'];
  return stale(inputs, ['build/kernel.wasm', 'build/kernel.debug.wasm']);
}

function typescriptStale() {
  const sources = files('src', '.ts');
  const pages = ['.tsx', '.ts', '.css', '.html'].flatMap((ending) => files('web', ending));
  const others = ['build/kernel.wasm', 'docs/table-spec.schema.json', 'scripts/bundle.mjs'];
  return stale([...sources, ...pages, ...others, 'tsconfig.json', 'package-lock.json'], ['dist/.built']);
}

/** True if an output is missing or older than the newest input. */
function stale(inputs, outputs) {
  const newestInput = Math.max(...inputs.map(modified));
  return outputs.some((output) => modified(output) < newestInput || modified(output) === 0);
}

/** Paths relative to the project of all files under `folder` that end in `ending`. */
function files(folder, ending) {
  return readdirSync(path.join(ROOT, folder), { recursive: true })
    .filter((name) => name.endsWith(ending) && !name.endsWith('.d.ts'))
    .map((name) => path.join(folder, name));
}

/** Milliseconds since the epoch, 0 if there is no such file. */
function modified(file) {
  return statSync(path.join(ROOT, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

runScript(main);
