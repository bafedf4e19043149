import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const MODULE = new URL('../../scripts/setup/system-packages.mjs', import.meta.url).href;
const PROJECT = fileURLToPath(new URL('../..', import.meta.url));
const isRoot = process.getuid?.() === 0;

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

/** An apt-get that notes its arguments. @param then its last lines */
function aptGet(then = ''): () => string[] {
  const calls = path.join(bin, 'calls');
  command('apt-get', `echo "$@" >> ${calls}\n${then}`);
  return () => (existsSync(calls) ? readFileSync(calls, 'utf8').trimEnd().split('\n') : []);
}

function provide(packages: 'ADDON_PACKAGES' | 'PYTHON_PACKAGES', env: NodeJS.ProcessEnv = {}): string {
  const script = `import { ${packages}, providePackages } from '${MODULE}';
    try { providePackages(${packages}); } catch (error) { console.error(error.message); }`;
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: PROJECT,
    env: { PATH: bin, ...env },
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

  it('are those that are missing', () => {
    const calls = aptGet();
    command('python3', 'exit 1');
    expect(provide('PYTHON_PACKAGES', { SLUICE_NO_SYSTEM_PACKAGES: '1' })).toContain('apt-get install -y python3-venv');
    command('python3', 'exit 0');
    expect(provide('PYTHON_PACKAGES')).toBe('');
    expect(calls()).toEqual([]);
  });
});
