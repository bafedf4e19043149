/** Small file systems, to see what happens when one is full or read-only. */
import { execFileSync } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { temporaryDataDir } from './cli.js';

/** A small disk of its own, gone at the end of the test; undefined if mounting is not allowed. */
export async function mountedDisk(size: string): Promise<string | undefined> {
  const folder = await temporaryDataDir();
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], { stdio: 'pipe' });
  } catch {
    return undefined;
  }
  // Runs before the folder is removed: what was registered last is finished first.
  onTestFinished(() => {
    execFileSync('umount', ['--lazy', folder]);
  });
  return folder;
}

/** @param options as `mount -o remount,…` takes them: `ro`, `size=256m` */
export function remount(folder: string, options: string): void {
  execFileSync('mount', ['-o', `remount,${options}`, folder]);
}
