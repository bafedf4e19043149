#!/usr/bin/env node
/**
 * Everything between a fresh clone and a working one: dependencies, the Kafka addon, the WASM kernel, TypeScript.
 * Each step looks first and does nothing where its result is already there. Plain Node: nothing is installed yet.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const LOG = path.join(ROOT, 'build', 'setup.log');
const ADDON = '@confluentinc/kafka-javascript';
const ADDON_DIR = path.join(ROOT, 'node_modules', ADDON);
/** Adds `consumePacked` and more to the addon, which is then built from source. In the format of patch-package. */
const PATCH = path.join(ROOT, 'patches', '@confluentinc+kafka-javascript+1.10.1.patch');
/** Which patch the installed addon was to be built with, whatever came of it. Absent where it could not be tried. */
const PATCH_STAMP = path.join(ROOT, 'node_modules', '.kafka-addon-patch');
const OLDEST_NODE = [20, 19];
const DOWNLOAD_TIMEOUT_MS = 120_000;
const LOG_TAIL_LINES = 30;

/** What the addon is built from where no prebuilt binary can be had: how to see that it is there, and Debian's name. */
const BUILD_TOOLS = [
  { command: 'g++', package: 'build-essential' },
  { command: 'make', package: 'build-essential' },
  { command: 'python3', package: 'python3' },
  { command: 'patch', package: 'patch' },
];
const BUILD_HEADERS = [
  { header: 'openssl/ssl.h', package: 'libssl-dev' },
  { header: 'zlib.h', package: 'zlib1g-dev' },
  { header: 'zstd.h', package: 'libzstd-dev' },
  { header: 'curl/curl.h', package: 'libcurl4-openssl-dev' },
  { header: 'sasl/sasl.h', package: 'libsasl2-dev' },
  { header: 'lz4.h', package: 'liblz4-dev' },
];

class SetupError extends Error {}

function main() {
  requireNode();
  mkdirSync(path.dirname(LOG), { recursive: true });
  writeFileSync(LOG, '');
  if (!dependenciesInstalled()) installDependencies();
  if (!addonReady()) provideAddon();
  if (kernelStale()) step('compiling the WASM kernel', () => npm(['run', 'build:wasm']));
  if (typescriptStale()) step('compiling TypeScript', () => npm(['run', 'build:ts']));
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

// ── Kafka addon ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** An addon as it was downloaded is enough as long as there is nothing to build the patched one with. */
function addonReady() {
  if (!addonLoads()) return false;
  return exists(PATCH_STAMP) ? readFileSync(PATCH_STAMP, 'utf8') === patchHash() : !canBuild();
}

function canBuild() {
  return missingSystemPackages().length === 0;
}

/** In a process of its own: a failed load must not stay in this one's module cache. */
function addonLoads() {
  return run(process.execPath, ['-e', `require('${ADDON}')`]) === 0;
}

function addonIsPacked() {
  const script = `const { KafkaConsumer } = require('${ADDON}');
    process.exit(new KafkaConsumer({ 'group.id': 'setup' }, {})._client.consumePacked ? 0 : 1);`;
  return run(process.execPath, ['-e', script]) === 0;
}

function patchHash() {
  return createHash('sha256').update(readFileSync(PATCH)).digest('hex');
}

function provideAddon() {
  // The sources may have another version of the patch in them: they are installed anew.
  if (exists(PATCH_STAMP)) {
    rmSync(PATCH_STAMP);
    installDependencies();
  }
  if (!canBuild() && downloadAddon()) {
    report('no C++ compiler with the libraries it needs: the Kafka addon stays as it is, KAFKA_SOURCE is stock');
    return;
  }
  if (!buildAddon() && !downloadAddon()) fail('the Kafka addon could neither be built nor downloaded');
  writeFileSync(PATCH_STAMP, patchHash());
}

function downloadAddon() {
  const preGyp = path.join(ROOT, 'node_modules', '.bin', 'node-pre-gyp');
  report('downloading the Kafka addon');
  const downloaded = run(preGyp, ['install'], { cwd: ADDON_DIR, timeout: DOWNLOAD_TIMEOUT_MS }) === 0 && addonLoads();
  if (!downloaded) report('  there is none for this system');
  return downloaded;
}

/** Builds the addon with the patch. False where that fails. */
function buildAddon() {
  provideSystemPackages();
  if (!applyPatch()) report('the patch for packed reading does not apply: the Kafka addon is built without it');
  report('building the Kafka addon (takes a few minutes)');
  const start = Date.now();
  const built =
    npm(['rebuild', ADDON, '--ignore-scripts=false', '--foreground-scripts'], {
      // Linked to the system's libraries: the static default would download and build each of them.
      CKJS_LINKING: 'dynamic',
      npm_config_build_from_source: 'true',
      // The addon's build rules rely on their order: jobs in parallel break them. librdkafka has jobs of its own.
      npm_config_jobs: '1',
      ...nodeHeaders(),
    }) === 0 && addonLoads();
  const outcome = built ? `done in ${Math.round((Date.now() - start) / 1000)} s` : 'failed';
  report(`  ${outcome}${built && !addonIsPacked() ? ', without packed reading' : ''}`);
  return built;
}

/** True where the patch is in the addon's sources: since now, or since a build that was cut short. */
function applyPatch() {
  const patch = (...flags) => run('patch', ['-p1', ...flags, '-i', PATCH]) === 0;
  if (patch('--reverse', '--force', '--dry-run')) return true;
  // Tried first: half of a patch would be worse than none.
  return patch('--forward', '--batch', '--dry-run') && patch('--forward', '--batch');
}

/** Node's own headers where they were installed beside it; else node-gyp downloads them. */
function nodeHeaders() {
  const prefix = path.resolve(path.dirname(process.execPath), '..');
  return exists(path.join(prefix, 'include', 'node', 'node.h')) ? { npm_config_nodedir: prefix } : {};
}

function provideSystemPackages() {
  const missing = missingSystemPackages();
  if (missing.length === 0) return;
  const advice = `apt-get install -y ${missing.join(' ')}`;
  if (!commandExists('apt-get')) {
    throw new SetupError(
      `to build the Kafka addon, these (Debian's names) or their like must be installed first: ${missing.join(' ')}`,
    );
  }
  if (process.getuid?.() !== 0) {
    throw new SetupError(`to build the Kafka addon, run this first, as root:\n\n  ${advice}\n`);
  }
  const install = () =>
    run('apt-get', ['install', '-y', '--no-install-recommends', ...missing], {
      env: { DEBIAN_FRONTEND: 'noninteractive' },
    });
  step(`installing system packages: ${missing.join(' ')}`, () => {
    // A new machine or image often has no package index yet, or an old one.
    if (install() === 0) return 0;
    return run('apt-get', ['update']) === 0 ? install() : 1;
  });
}

function missingSystemPackages() {
  const tools = BUILD_TOOLS.filter(({ command }) => !commandExists(command));
  const headers = BUILD_HEADERS.filter(({ header }) => !headerExists(header));
  return [...new Set([...tools, ...headers].map((need) => need.package))];
}

/** Asks the preprocessor, which knows where this system keeps its headers. */
function headerExists(header) {
  return run('cc', ['-E', '-x', 'c', '-'], { input: `#include <${header}>\n`, quiet: true }) === 0;
}

function commandExists(command) {
  return (process.env.PATH ?? '').split(path.delimiter).some((folder) => exists(path.join(folder, command)));
}

// ── compiled output ─────────────────────────────────────────────────────────────────────────────────────────────────

function kernelStale() {
  const inputs = [...files('kernels', '.ts'), 'kernels/abi.json', 'scripts/abi.mjs', 'asconfig.json'];
  return stale(inputs, ['build/kernel.wasm', 'build/kernel.debug.wasm']);
}

function typescriptStale() {
  const sources = files('src', '.ts');
  const outputs = sources.map((source) => source.replace(/^src/, 'dist').replace(/\.ts$/, '.js'));
  return stale([...sources, 'tsconfig.json', 'scripts/bundle.mjs', 'package-lock.json'], outputs);
}

/** True where an output is missing or older than the newest input. */
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

/** Milliseconds since the epoch, 0 where there is no such file. */
function modified(file) {
  return statSync(path.join(ROOT, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

// ── running and reporting ───────────────────────────────────────────────────────────────────────────────────────────

function npm(args, env) {
  // Under `npm run` the same npm; with plain `node scripts/setup.mjs` the one of the PATH.
  const own = process.env.npm_execpath?.endsWith('.js') ? [process.execPath, process.env.npm_execpath] : ['npm'];
  const [command, ...first] = own;
  return run(command, [...first, ...args], { env });
}

/** Runs a command with its output in the log; gives its exit code, 1 where it could not start or was stopped. */
function run(command, args, { cwd = ROOT, env = {}, input, timeout, quiet = false } = {}) {
  if (!quiet) appendFileSync(LOG, `\n$ ${[path.basename(command), ...args].join(' ')}\n`);
  const output = quiet ? 'ignore' : openSync(LOG, 'a');
  const { status } = spawnSync(command, args, {
    cwd,
    env: { ...process.env, ...env },
    input,
    timeout,
    stdio: [input === undefined ? 'ignore' : 'pipe', output, output],
  });
  if (!quiet) closeSync(output);
  return status ?? 1;
}

function step(title, action) {
  report(title);
  const start = Date.now();
  if (action() !== 0) fail(`${title}: failed`);
  report(`  done in ${Math.round((Date.now() - start) / 1000)} s`);
}

function report(line) {
  process.stderr.write(`setup: ${line}\n`);
}

function fail(message) {
  const tail = readFileSync(LOG, 'utf8').trimEnd().split('\n').slice(-LOG_TAIL_LINES).join('\n');
  throw new SetupError(`${message}\n\nThe end of ${path.relative(ROOT, LOG)}:\n${tail}`);
}

function exists(file) {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}

function readJson(file) {
  return exists(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

try {
  main();
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  report(error.message);
  process.exitCode = 1;
}
