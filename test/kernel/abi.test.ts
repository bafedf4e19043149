/** The description of the kernel's memory: both sides are made from it, and builds that differ do not meet. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { KERNEL_WASM } from '../../src/assets.js';
import { ABI_VERSION } from '../../src/kernel/abi.js';
import { openKernel } from '../../src/kernel/kernel-file.js';
import { KernelInstance } from '../../src/kernel/kernel-instance.js';
import { ORDERS_SPEC } from '../../src/schema/spec-file.js';
import { failureOf } from '../support/failure.js';
import { OPTIONS } from '../support/kernel.js';

const ROOT = new URL('../../', import.meta.url);
const LIMITS = { chunkRows: 8, chunkBytes: 64, keyBytes: 0, batchRows: 8, columnBytes: 64 };
const BUILDS = Object.values(KERNEL_WASM).map((file) => new WebAssembly.Module(readFileSync(file)));

/** `(module (import "env" "memory" (memory 0)) (func (export "abiVersion") (result i32) (i32.const 1)))` */
const OF_VERSION_1 = wasm(
  [0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7f],
  [0x02, 0x0f, 0x01, 0x03, ...Buffer.from('env'), 0x06, ...Buffer.from('memory'), 0x02, 0x00, 0x00],
  [0x03, 0x02, 0x01, 0x00],
  [0x07, 0x0e, 0x01, 0x0a, ...Buffer.from('abiVersion'), 0x00, 0x00],
  [0x0a, 0x06, 0x01, 0x04, 0x00, 0x41, 0x01, 0x0b],
);

/** A module of these sections. */
function wasm(...sections: number[][]): WebAssembly.Module {
  return new WebAssembly.Module(new Uint8Array([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, ...sections.flat()]));
}

describe('the description', () => {
  it('is what both sides are made from', () => {
    const script = fileURLToPath(new URL('scripts/abi.mjs', ROOT));
    const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe('the exports', () => {
  it('are those that the host calls, and the loops of no-inline.ts', () => {
    const source = readFileSync(new URL('kernels/no-inline.ts', ROOT), 'utf8');
    const loops = [...source.matchAll(/export \{([^}]*)\}/g)].flatMap(([, names]) => names.match(/\w+/g) ?? []);
    expect(loops).toContain('appendText');
    const wanted = ['abiVersion', 'begin', 'readChunk', 'stringForms', 'memory', ...loops];
    for (const build of BUILDS) {
      const exports = WebAssembly.Module.exports(build).map(({ name }) => name);
      expect(exports.sort()).toEqual(wanted.sort());
    }
  });
});

describe('a build', () => {
  it('of this version is taken', () => {
    for (const build of BUILDS) expect(() => new KernelInstance(build, ORDERS_SPEC, LIMITS, OPTIONS)).not.toThrow();
  });

  it.each([
    { what: 'another version', build: OF_VERSION_1, version: '1' },
    { what: 'no version', build: wasm(), version: 'none' },
  ])('of $what is refused', ({ build, version }) => {
    const { code, message } = failureOf(() => new KernelInstance(build, ORDERS_SPEC, LIMITS, OPTIONS));
    expect(code).toBe('SLUICE_KERNEL');
    expect(message).toContain(`its ABI version is ${version}, not ${ABI_VERSION}`);
    expect(message).toContain('npm run build:wasm');
  });

  it.each([
    ['is missing', './missing.wasm'],
    ['is no WebAssembly', import.meta.url],
  ])('that %s is named, with the command that makes it', (_, file) => {
    vi.spyOn(KERNEL_WASM, 'release', 'get').mockReturnValue(new URL(file, import.meta.url));
    const { code, message } = failureOf(() => openKernel(ORDERS_SPEC, OPTIONS));
    vi.restoreAllMocks();
    expect(code).toBe('SLUICE_KERNEL');
    expect(message).toContain(fileURLToPath(new URL(file, import.meta.url)));
    expect(message).toContain('npm run build:wasm');
  });
});
