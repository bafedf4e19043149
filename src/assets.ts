/**
 * Where the program finds what it loads by path. Bundled code may lie in a chunk at the top of dist/, so paths relative
 * to a file of a folder would not hold there: this file is at the top of src/ and of dist/ alike.
 */
import { readFileSync } from 'node:fs';

/** The builds of the kernel. */
export const KERNEL_WASM = {
  release: new URL('../build/kernel.wasm', import.meta.url),
  debug: new URL('../build/kernel.debug.wasm', import.meta.url),
} as const;

/** The code of a worker thread. */
export const WORKER_THREAD = new URL('./worker/worker.js', import.meta.url);

/** The code of the sink's thread. */
export const SINK_THREAD = new URL('./sinks/sink-thread.js', import.meta.url);

/** The page that a run serves. */
export const LIVE_PAGE = new URL('./web/live/', import.meta.url);

export const PACKAGE_JSON = new URL('../package.json', import.meta.url);

/** The version of Sluice. */
export function programVersion(): string {
  return (JSON.parse(readFileSync(PACKAGE_JSON, 'utf8')) as { version: string }).version;
}
