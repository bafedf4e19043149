import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const MODULE = new URL('../../scripts/setup/duckdb-extensions.mjs', import.meta.url).href;
const PROJECT = fileURLToPath(new URL('../..', import.meta.url));

/** On a machine without Python. */
function provide(env: NodeJS.ProcessEnv = {}): string {
  const script = `import { provideExtensions } from '${MODULE}';
    try { provideExtensions(); } catch (error) { console.error('failed: ' + error.message); }`;
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    cwd: PROJECT,
    env: { PATH: '/nonexistent', ...env },
    encoding: 'utf8',
  });
  return stderr;
}

it('says which tests are skipped without Python, and is a failure with CI=true', () => {
  expect(provide()).toBe('setup: tests with DuckLake are skipped: no Python 3 with venv\n');
  expect(provide({ CI: 'true' })).toBe('failed: no Python 3 with venv\n');
});
