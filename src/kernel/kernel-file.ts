/** The kernel from its file. */
import { readFileSync } from 'node:fs';
import { KERNEL_WASM } from '../assets.js';
import { asSluiceError } from '../core/errors.js';
import type { TableSpec } from '../schema/spec.js';
import { Kernel, type KernelOptions } from './kernel.js';

export interface KernelFileOptions extends KernelOptions {
  /** Which build; default release. */
  readonly wasm?: 'release' | 'debug';
}

/**
 * Compiles and instantiates.
 * @throws SluiceError SLUICE_KERNEL if there is no build of this version
 */
export function openKernel(spec: TableSpec, options: KernelFileOptions): Kernel {
  return new Kernel(spec, options, compile(KERNEL_WASM[options.wasm ?? 'release']));
}

function compile(file: URL): WebAssembly.Module {
  try {
    return new WebAssembly.Module(readFileSync(file));
  } catch (thrown) {
    throw asSluiceError(thrown, 'SLUICE_KERNEL', `${file.pathname} cannot be loaded; \`npm run build:wasm\` makes it`);
  }
}
