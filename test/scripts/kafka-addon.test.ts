import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../support/batches.js';

const MODULE = new URL('../../scripts/setup/kafka-addon.mjs', import.meta.url).href;

/** @param cache where the addon is to be kept */
function keep(addon: string, cache: string): { readonly status: number | null; readonly stderr: string } {
  const script = `import { keepAddon } from '${MODULE}'; keepAddon('${addon}');`;
  const env = { ...process.env, XDG_CACHE_HOME: cache };
  return spawnSync(process.execPath, ['--input-type=module', '-e', script], { env, encoding: 'utf8' });
}

it('is kept for other clones, if there is a place for it', () => {
  const folder = temporaryDirectory();
  const addon = join(folder, 'addon.node');
  writeFileSync(addon, 'an addon');
  expect(keep(addon, join(folder, 'cache')).stderr).toBe('');
  const [kept] = readdirSync(join(folder, 'cache', 'sluice'));
  expect(kept).toMatch(/^kafka-addon-[0-9a-f]{16}\.node$/);
  expect(readFileSync(join(folder, 'cache', 'sluice', kept), 'utf8')).toBe('an addon');
  // What is built is not lost because a folder cannot be made.
  const without = keep(addon, addon);
  expect(without.status).toBe(0);
  expect(without.stderr).toMatch(/^setup: {3}it is not kept for other clones: ENOTDIR/);
});
