import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../../scripts/check-links.mjs', import.meta.url));

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'sluice-links-'));
  mkdirSync(path.join(folder, 'docs'));
  writeFileSync(path.join(folder, 'docs', 'guide.md'), '# A guide\n\n## `run`: how?\n\n## Twice\n\n## Twice\n');
});

afterEach(() => rmSync(folder, { recursive: true }));

/** Checks a README.md of these lines. */
function check(...lines: string[]): { status: number | null; problems: string[] } {
  writeFileSync(path.join(folder, 'README.md'), lines.join('\n'));
  const { status, stderr } = spawnSync(process.execPath, [SCRIPT, folder], { encoding: 'utf8' });
  return { status, problems: stderr.split('\n').filter((line) => line !== '') };
}

describe('check-links', () => {
  it('accepts files, folders, anchors, other sites, and anything in code blocks', () => {
    const { status, problems } = check(
      '[a](docs/guide.md) ![b](docs "title") [c](docs/guide.md#run-how) [d](docs/guide.md#twice-1)',
      '[e](https://example.org/none) [f](mailto:a@example.org) [g](#here) `[h](none.md)` `docs/guide.md` `src/*.ts`',
      '```md',
      '[i](none.md)',
      '```',
      '# Here',
      '[j]: docs/guide.md',
    );
    expect({ status, problems }).toEqual({ status: 0, problems: [] });
  });

  it('names the line of each link, anchor and path that leads nowhere', () => {
    const { status, problems } = check(
      '[a](docs/none.md) and ![b](docs/none.svg)',
      '[c](docs/guide.md#nothing)',
      '[d](#nowhere)',
      '```',
      '```',
      '[e]: none.md',
      '`test/none.test.ts`',
    );
    expect(status).toBe(1);
    expect(problems).toEqual([
      'README.md:1 docs/none.md: there is no such file',
      'README.md:1 docs/none.svg: there is no such file',
      'README.md:2 docs/guide.md#nothing: no heading has this anchor',
      'README.md:3 #nowhere: no heading has this anchor',
      'README.md:6 none.md: there is no such file',
      'README.md:7 test/none.test.ts: there is no such file',
    ]);
  });
});
