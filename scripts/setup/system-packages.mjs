/** The system packages that set-up may install. Nothing else in the project installs any: no test, and no run. */
import { accessSync, constants, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { exists, run, SetupError, step } from './run.mjs';

/** How to see that a package is there, and its name in Debian. */
const BUILD_TOOLS = [
  { found: () => commandExists('g++'), package: 'build-essential' },
  { found: () => commandExists('make'), package: 'build-essential' },
  { found: () => commandExists('python3'), package: 'python3' },
  { found: () => commandExists('patch'), package: 'patch' },
  { found: () => headerExists('openssl/ssl.h'), package: 'libssl-dev' },
  { found: () => headerExists('zlib.h'), package: 'zlib1g-dev' },
  { found: () => headerExists('zstd.h'), package: 'libzstd-dev' },
  { found: () => headerExists('curl/curl.h'), package: 'libcurl4-openssl-dev' },
  { found: () => headerExists('sasl/sasl.h'), package: 'libsasl2-dev' },
  { found: () => headerExists('lz4.h'), package: 'liblz4-dev' },
];
const PYTHON = [
  { found: () => commandExists('python3'), package: 'python3' },
  // Debian leaves ensurepip out of python3.
  { found: () => run('python3', ['-c', 'import venv, ensurepip'], { quiet: true }) === 0, package: 'python3-venv' },
];
/** Where Debian has the programs of the server, in a folder per version: they are not in the PATH. */
const POSTGRES_FOLDER = '/usr/lib/postgresql';
const POSTGRES = [{ found: () => commandExists('initdb') || postgresInFolder(), package: 'postgresql' }];
/** Debian makes and starts a server when it installs the package, unless this says otherwise. */
const CLUSTER_SETTINGS = '/etc/postgresql-common/createcluster.conf';
/** Debian's tools ask this program before they start a server of a package. */
const START_POLICY = '/usr/sbin/policy-rc.d';
const PROMETHEUS = ['prometheus', 'promtool'].map((program) => ({
  found: () => commandExists(program),
  package: 'prometheus',
}));
const BROWSER = [{ found: () => commandExists('chromium'), package: 'chromium' }];

/** What the Kafka addon is built with. */
export const ADDON_PACKAGES = { purpose: 'to build the Kafka addon', needs: BUILD_TOOLS };
/** What tests with readers in Python run with. */
export const PYTHON_PACKAGES = { purpose: 'for the tests that read with Python', needs: PYTHON };
/** What tests with a catalog in Postgres run with. */
export const POSTGRES_PACKAGES = {
  purpose: 'for the tests with Postgres',
  needs: POSTGRES,
  before: leaveOutDefaultServer,
};
/** What tests of metrics and alerts run with. */
export const PROMETHEUS_PACKAGES = {
  purpose: 'for the tests with Prometheus',
  needs: PROMETHEUS,
  before: forbidStarts,
};
/** What tests of the pages run in. */
export const BROWSER_PACKAGES = { purpose: 'for the tests in a browser', needs: BROWSER };

/** Debian's names of the packages that are not there. */
export function missingPackages({ needs }) {
  return [...new Set(needs.filter(({ found }) => !found()).map((need) => need.package))];
}

/**
 * Installs the packages that are not there, on Debian and as root.
 * @throws SetupError with the list of packages if it cannot, or if SLUICE_NO_SYSTEM_PACKAGES=1 forbids it
 */
export function providePackages(packages) {
  const missing = missingPackages(packages);
  if (missing.length === 0) return;
  const list = missing.join(' ');
  const { purpose } = packages;
  if (!commandExists('apt-get')) {
    throw new SetupError(`${purpose}, install these packages (Debian's names) or their like first: ${list}`);
  }
  const advice = `run this first, as root:\n\n  apt-get install -y ${list}\n`;
  if (process.env.SLUICE_NO_SYSTEM_PACKAGES === '1') {
    throw new SetupError(`SLUICE_NO_SYSTEM_PACKAGES=1: no system packages are installed; ${purpose}, ${advice}`);
  }
  if (process.getuid?.() !== 0) throw new SetupError(`${purpose}, ${advice}`);
  step(`installing system packages ${purpose}: ${list}`, () => {
    const undo = packages.before?.();
    try {
      // A new machine or image often has no package index yet, or an old one.
      if (aptGet('install', missing) === 0) return 0;
      return aptGet('update', []) === 0 ? aptGet('install', missing) : 1;
    } finally {
      undo?.();
    }
  });
}

/** Tests start servers of their own. Settings that are there stay as they are. */
function leaveOutDefaultServer() {
  if (exists(CLUSTER_SETTINGS)) return;
  mkdirSync(path.dirname(CLUSTER_SETTINGS), { recursive: true });
  writeFileSync(CLUSTER_SETTINGS, 'create_main_cluster = false\n');
}

/** Debian starts a Prometheus when it installs the package. A policy that is there stays. @returns what ends it */
function forbidStarts() {
  if (exists(START_POLICY)) return undefined;
  writeFileSync(START_POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  return () => rmSync(START_POLICY);
}

function postgresInFolder() {
  return (
    exists(POSTGRES_FOLDER) &&
    readdirSync(POSTGRES_FOLDER).some((version) => exists(path.join(POSTGRES_FOLDER, version, 'bin', 'initdb')))
  );
}

function aptGet(command, packages) {
  const flags = command === 'install' ? ['-y', '--no-install-recommends'] : [];
  return run('apt-get', [command, ...flags, ...packages], { env: { DEBIAN_FRONTEND: 'noninteractive' } });
}

/** Asks the preprocessor, which knows where this system keeps its headers. */
function headerExists(header) {
  return run('cc', ['-E', '-x', 'c', '-'], { input: `#include <${header}>\n`, quiet: true }) === 0;
}

/** Whether this user may run it. */
function commandExists(command) {
  return (process.env.PATH ?? '').split(path.delimiter).some((folder) => {
    try {
      accessSync(path.join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
