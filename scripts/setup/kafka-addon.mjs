/** The Kafka client's native addon in a clone: built with the additions of native/, or as it is downloaded. */
import { copyFileSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { buildAddons, CLIENT, CLIENT_FOLDER, sourcesHash } from './addon-build.mjs';
import { ownHeaders } from './node-headers.mjs';
import { exists, fail, ROOT, report, run, SetupError } from './run.mjs';
import { ADDON_PACKAGES, missingPackages, providePackages } from './system-packages.mjs';

/** Where the client loads its addon from. */
const ADDON = path.join(CLIENT_FOLDER, 'build', 'Release', 'confluent-kafka-javascript.node');
/** From what the installed addon was to be built, successfully or not. Absent if no build was possible. */
const STAMP = path.join(ROOT, 'node_modules', '.kafka-addon');
const LIBRARIES = 'system';
const DOWNLOAD_TIMEOUT_MS = 120_000;

/** True if the addon loads, and was built from what is there now or there is nothing to build it with. */
export function addonReady() {
  if (!addonLoads()) return false;
  return exists(STAMP) ? readFileSync(STAMP, 'utf8') === sourcesHash(LIBRARIES) : !canBuild();
}

/**
 * Takes the addon from the cache of this user, or else builds it and keeps it there, or else downloads one.
 * @param reinstall installs all dependencies anew. @throws SetupError
 */
export function provideAddon(reinstall) {
  // An earlier set-up built within the installed client.
  if (exists(path.join(CLIENT_FOLDER, 'src', 'packed-consumer.h'))) reinstall();
  rmSync(STAMP, { force: true });
  const cached = cachedAddon();
  if (exists(cached)) {
    install(cached);
    report(`the Kafka addon is there from an earlier set-up: ${cached}`);
    if (addonLoads()) {
      writeFileSync(STAMP, sourcesHash(LIBRARIES));
      return;
    }
    report('  it does not load here');
  }
  if (!canBuild() && downloadAddon()) {
    report('no C++ compiler with the libraries it needs: the Kafka addon stays as it is, KAFKA_SOURCE is stock');
    return;
  }
  if (!built() && !downloadAddon()) fail('the Kafka addon could neither be built nor downloaded');
  writeFileSync(STAMP, sourcesHash(LIBRARIES));
}

function canBuild() {
  return missingPackages(ADDON_PACKAGES).length === 0;
}

/** In a process of its own: a failed load must not stay in this one's module cache. */
function addonLoads() {
  return run(process.execPath, ['-e', `require('${CLIENT}')`]) === 0;
}

/** The addon of these sources, for the clones of this user. */
function cachedAddon() {
  const cache = process.env.XDG_CACHE_HOME || path.join(homedir(), '.cache');
  return path.join(cache, 'sluice', `kafka-addon-${sourcesHash(LIBRARIES).slice(0, 16)}.node`);
}

/** Builds and installs the addon. False if that fails. */
function built() {
  providePackages(ADDON_PACKAGES);
  const file = path.join(ROOT, 'build', 'kafka-addon', 'addon.node');
  try {
    buildAddons(LIBRARIES, [{ headers: ownHeaders(), file }]);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    report(error.message);
    return false;
  }
  install(file);
  if (!addonLoads()) return false;
  keepAddon(file);
  return true;
}

/** For other clones. Without a cache this one is complete as well. */
export function keepAddon(file) {
  try {
    place(file, cachedAddon());
  } catch (error) {
    report(`  it is not kept for other clones: ${error.message}`);
  }
}

function install(file) {
  place(file, ADDON);
}

/** Copies a file to its place at once: a process may have the one before loaded. */
function place(file, to) {
  mkdirSync(path.dirname(to), { recursive: true });
  const unfinished = `${to}.${process.pid}`;
  copyFileSync(file, unfinished);
  renameSync(unfinished, to);
}

function downloadAddon() {
  const preGyp = path.join(ROOT, 'node_modules', '.bin', 'node-pre-gyp');
  report('downloading the Kafka addon');
  const downloaded =
    run(preGyp, ['install'], { cwd: CLIENT_FOLDER, timeout: DOWNLOAD_TIMEOUT_MS }) === 0 && addonLoads();
  if (!downloaded) report('  there is none for this system');
  return downloaded;
}
