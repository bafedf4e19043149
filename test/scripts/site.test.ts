import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it, onTestFinished } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

// It fails if a link of any page leads nowhere.
it('makes a site of the documents and the playground, whose links lead somewhere', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-site-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const { stdout } = await promisify(execFile)(process.execPath, ['scripts/site.mjs', folder], { cwd: ROOT });
  expect(stdout).toContain(join(folder, 'index.html'));
  const text = (name: string) => readFileSync(join(folder, name), 'utf8');
  expect(text('index.html')).toContain('<h2 id="data-flow">Data flow</h2>');
  expect(text('docs/queries.html')).toContain('<a href="table-spec.html#schema-evolution">');
  expect(existsSync(join(folder, 'playground', 'main.js'))).toBe(true);
  expect(text('docs/queries.html')).not.toMatch(/(?:src|href)="https?:[^"]*\.(?:css|js|png|svg)"/);
});
