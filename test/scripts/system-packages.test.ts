import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const MODULE = new URL('../../scripts/setup/system-packages.mjs', import.meta.url).href;
const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const isRoot = process.getuid?.() === 0;
const CLUSTER_SETTINGS = '/etc/postgresql-common/createcluster.conf';
const START_POLICY = '/usr/sbin/policy-rc.d';
/** An empty folder in place of the one with it. */
const HIDE_POLICY = 'mount -t tmpfs tmpfs /usr/sbin';
/** Empty folders in place of Debian's Postgres. */
const HIDE_POSTGRES = ['/usr/lib/postgresql', '/etc/postgresql-common']
  .map((folder) => `mount -t tmpfs tmpfs ${folder}`)
  .join(' && ');
/** Only root may mount, in a container often not even that. */
const canHide = isRoot && spawnSync('unshare', unshare(HIDE_POSTGRES).slice(1)).status === 0;

/** A machine whose PATH has a shell, and what a test puts there. */
let bin: string;

beforeEach(() => {
  bin = mkdtempSync(path.join(tmpdir(), 'sluice-packages-'));
  symlinkSync('/bin/sh', path.join(bin, 'sh'));
});

afterEach(() => rmSync(bin, { recursive: true }));

function command(name: string, script: string): void {
  writeFileSync(path.join(bin, name), `#!/bin/sh\n${script}\n`);
  chmodSync(path.join(bin, name), 0o755);
}

function unshare(shell: string): string[] {
  return ['unshare', '--mount', 'sh', '-c', shell];
}

/** An apt-get that notes its arguments. @param then its last lines */
function aptGet(then = ''): () => string[] {
  const calls = path.join(bin, 'calls');
  command('apt-get', `echo "$@" >> ${calls}\n${then}`);
  return () => (existsSync(calls) ? readFileSync(calls, 'utf8').trimEnd().split('\n') : []);
}

/** @param hide shell commands to run first, in a mount namespace of its own */
function provide(
  packages: 'ADDON_PACKAGES' | 'PYTHON_PACKAGES' | 'POSTGRES_PACKAGES' | 'PROMETHEUS_PACKAGES',
  env: NodeJS.ProcessEnv = {},
  hide?: string,
): string {
  const script = `import { ${packages}, providePackages } from '${MODULE}';
    try { providePackages(${packages}); } catch (error) { console.error(error.message); }`;
  const node = [process.execPath, '--input-type=module', '-e', script];
  const [program, ...args] = hide === undefined ? node : [...unshare(`${hide}; PATH=${bin} exec "$@"`), 'sh', ...node];
  const { stderr } = spawnSync(program, args, {
    cwd: PROJECT,
    env: { PATH: hide === undefined ? bin : process.env.PATH, ...env },
    encoding: 'utf8',
  });
  return stderr;
}

describe('system packages', () => {
  it.skipIf(!isRoot)('are installed by root, with a line that says which and why', () => {
    const calls = aptGet();
    expect(provide('ADDON_PACKAGES')).toContain(
      'setup: installing system packages to build the Kafka addon: build-essential python3 patch libssl-dev',
    );
    expect(calls()).toEqual([expect.stringMatching(/^install -y --no-install-recommends build-essential python3/)]);
  });

  it.skipIf(!isRoot)('are looked for in a new index if the old one does not have them', () => {
    const calls = aptGet(`[ "$1" = update ] || [ -e ${bin}/updated ] || { : > ${bin}/updated; exit 100; }`);
    provide('PYTHON_PACKAGES');
    const install = 'install -y --no-install-recommends python3 python3-venv';
    expect(calls()).toEqual([install, 'update', install]);
  });

  it('are only listed with SLUICE_NO_SYSTEM_PACKAGES=1', () => {
    const calls = aptGet();
    const message = provide('PYTHON_PACKAGES', { SLUICE_NO_SYSTEM_PACKAGES: '1' });
    expect(message).toContain('SLUICE_NO_SYSTEM_PACKAGES=1');
    expect(message).toContain('apt-get install -y python3 python3-venv');
    expect(calls()).toEqual([]);
  });

  it('are only listed on a system without apt-get', () => {
    expect(provide('PYTHON_PACKAGES')).toContain("(Debian's names) or their like first: python3 python3-venv");
  });

  it('are looked for in all folders of PATH, though this user may not read one', () => {
    expect(provide('PYTHON_PACKAGES', { PATH: ['/etc/passwd', bin].join(path.delimiter) })).toContain('python3-venv');
    command('python3', 'exit 0');
    expect(provide('PYTHON_PACKAGES', { PATH: ['/etc/passwd', bin].join(path.delimiter) })).toBe('');
  });

  it('are those that are missing', () => {
    const calls = aptGet();
    command('python3', 'exit 1');
    expect(provide('PYTHON_PACKAGES', { SLUICE_NO_SYSTEM_PACKAGES: '1' })).toContain('apt-get install -y python3-venv');
    command('python3', 'exit 0');
    expect(provide('PYTHON_PACKAGES')).toBe('');
    expect(calls()).toEqual([]);
  });

  it.skipIf(!canHide)('do not start a server that tests do not need', () => {
    const calls = aptGet(`cp ${CLUSTER_SETTINGS} ${bin}/settings`);
    symlinkSync('/bin/cp', path.join(bin, 'cp'));
    provide('POSTGRES_PACKAGES', {}, HIDE_POSTGRES);
    expect(calls()).toEqual(['install -y --no-install-recommends postgresql']);
    expect(readFileSync(path.join(bin, 'settings'), 'utf8')).toBe('create_main_cluster = false\n');
  });

  it.skipIf(!canHide)('start no server while they are installed', () => {
    const calls = aptGet(`cp ${START_POLICY} ${bin}/policy`);
    symlinkSync('/bin/cp', path.join(bin, 'cp'));
    provide('PROMETHEUS_PACKAGES', {}, HIDE_POLICY);
    expect(calls()).toEqual(['install -y --no-install-recommends prometheus']);
    expect(readFileSync(path.join(bin, 'policy'), 'utf8')).toBe('#!/bin/sh\nexit 101\n');
  });

  it.skipIf(!canHide)('leave a policy of what may start as it is', () => {
    aptGet(`cp ${START_POLICY} ${bin}/policy`);
    symlinkSync('/bin/cp', path.join(bin, 'cp'));
    provide('PROMETHEUS_PACKAGES', {}, `${HIDE_POLICY}; echo mine > ${START_POLICY}`);
    expect(readFileSync(path.join(bin, 'policy'), 'utf8')).toBe('mine\n');
  });

  it.skipIf(!canHide)('leave the settings of Postgres as they are', () => {
    aptGet(`cp ${CLUSTER_SETTINGS} ${bin}/settings`);
    symlinkSync('/bin/cp', path.join(bin, 'cp'));
    provide('POSTGRES_PACKAGES', {}, `${HIDE_POSTGRES}; echo mine > ${CLUSTER_SETTINGS}`);
    expect(readFileSync(path.join(bin, 'settings'), 'utf8')).toBe('mine\n');
  });
});
