/** Data directories that earlier versions made: fixtures/format-N has one, and the messages it was made from. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { temporaryDirectory } from './batches.js';

const FIXTURES = fileURLToPath(new URL('../../fixtures/', import.meta.url));

export const FORMAT_1 = join(FIXTURES, 'format-1');
export const FORMAT_1_TOPIC = 'format_1';

/** A copy of the directory. */
export function unpacked(format = 1): string {
  const folder = temporaryDirectory();
  execFileSync('tar', ['xzf', join(FIXTURES, `format-${format}`, 'data.tar.gz'), '-C', folder]);
  return join(folder, 'data');
}
