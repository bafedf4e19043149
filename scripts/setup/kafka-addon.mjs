/** The Kafka client's native addon: built with the additions of native/, or as it is downloaded. */
import { createHash } from 'node:crypto';
import { copyFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { exists, fail, npm, ROOT, report, run } from './run.mjs';
import { ADDON_PACKAGES, missingPackages, providePackages } from './system-packages.mjs';

const ADDON = '@confluentinc/kafka-javascript';
const ADDON_DIR = path.join(ROOT, 'node_modules', ADDON);
const NATIVE = path.join(ROOT, 'native');
/** Calls the additions from the addon's own sources. */
const HOOKS = path.join(NATIVE, 'hooks.patch');
const SOURCE = /\.(cc|h)$/;
/** Which additions the installed addon was to be built with, successfully or not. Absent if no build was possible. */
const STAMP = path.join(ROOT, 'node_modules', '.kafka-addon-patch');
const DOWNLOAD_TIMEOUT_MS = 120_000;

/** True if the addon loads, and was built with the additions as they are now or there is nothing to build it with. */
export function addonReady() {
  if (!addonLoads()) return false;
  return exists(STAMP) ? readFileSync(STAMP, 'utf8') === additionsHash() : !canBuild();
}

/** @param reinstall installs all dependencies anew. @throws SetupError */
export function provideAddon(reinstall) {
  // The addon's sources may have other additions in them.
  if (exists(STAMP)) {
    rmSync(STAMP);
    reinstall();
  }
  if (!canBuild() && downloadAddon()) {
    report('no C++ compiler with the libraries it needs: the Kafka addon stays as it is, KAFKA_SOURCE is stock');
    return;
  }
  if (!buildAddon() && !downloadAddon()) fail('the Kafka addon could neither be built nor downloaded');
  writeFileSync(STAMP, additionsHash());
}

function canBuild() {
  return missingPackages(ADDON_PACKAGES).length === 0;
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

function downloadAddon() {
  const preGyp = path.join(ROOT, 'node_modules', '.bin', 'node-pre-gyp');
  report('downloading the Kafka addon');
  const downloaded = run(preGyp, ['install'], { cwd: ADDON_DIR, timeout: DOWNLOAD_TIMEOUT_MS }) === 0 && addonLoads();
  if (!downloaded) report('  there is none for this system');
  return downloaded;
}

/** Builds the addon with the additions. False if that fails. */
function buildAddon() {
  providePackages(ADDON_PACKAGES);
  if (applyHooks()) copyAdditions();
  else report('native/hooks.patch does not apply: the Kafka addon is built without packed reading');
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

/** True if the hooks are in the addon's sources: since now, or since a build that was interrupted. */
function applyHooks() {
  const patch = (...flags) => run('patch', ['-p1', ...flags, '-i', HOOKS]) === 0;
  if (patch('--reverse', '--force', '--dry-run')) return true;
  // Tried first: half of a patch would be worse than none.
  return patch('--forward', '--batch', '--dry-run') && patch('--forward', '--batch');
}

function copyAdditions() {
  for (const name of readdirSync(NATIVE).filter((file) => SOURCE.test(file))) {
    copyFileSync(path.join(NATIVE, name), path.join(ADDON_DIR, 'src', name));
  }
}

/** Of the hooks and the sources, with their names. */
function additionsHash() {
  const hash = createHash('sha256').update(readFileSync(HOOKS));
  for (const name of readdirSync(NATIVE)
    .filter((file) => SOURCE.test(file))
    .sort()) {
    hash.update(`\n${name}\n`).update(readFileSync(path.join(NATIVE, name)));
  }
  return hash.digest('hex');
}

/** Node's own headers if they are installed beside it; else node-gyp downloads them. */
function nodeHeaders() {
  const prefix = path.resolve(path.dirname(process.execPath), '..');
  return exists(path.join(prefix, 'include', 'node', 'node.h')) ? { npm_config_nodedir: prefix } : {};
}
