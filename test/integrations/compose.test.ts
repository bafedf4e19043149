/** The compose file as `docker compose config` loads it: by the same library, without an engine. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const FILE = fileURLToPath(new URL('../../deploy/compose.yaml', import.meta.url));
const LOADER = fileURLToPath(new URL('../support/compose', import.meta.url));
const BUILD_TIMEOUT_MS = 600_000;

interface Service {
  readonly depends_on?: Readonly<Record<string, unknown>>;
  readonly volumes?: readonly { readonly source: string }[];
}

// Not among what set-up provides: without Go it is skipped with CI=true as well.
const hasGo = spawnSync('go', ['version'], { stdio: 'ignore' }).status === 0;
if (!hasGo) console.warn('deploy/compose.yaml is not loaded as Compose does: go is not found');

describe.skipIf(!hasGo)("Compose's loader", () => {
  const home = mkdtempSync(path.join(tmpdir(), 'sluice-compose-'));
  const program = path.join(home, 'load');
  beforeAll(async () => {
    await promisify(execFile)('go', ['build', '-o', program, '.'], { cwd: LOADER });
  }, BUILD_TIMEOUT_MS);
  afterAll(() => rmSync(home, { recursive: true, force: true }));

  async function load(file: string) {
    const { stdout } = await promisify(execFile)(program, [file]);
    return JSON.parse(stdout) as { services: Record<string, Service>; volumes: Record<string, unknown> };
  }

  it('takes the file, with all of its profiles', async () => {
    const { services, volumes } = await load(FILE);
    expect(Object.keys(services)).toEqual(expect.arrayContaining(['run', 'capture', 'grafana', 'lake-3']));
    expect(Object.keys(services.run.depends_on!).sort()).toEqual(['token', 'topic']);
    expect(services.run.volumes!.map(({ source }) => source)).toEqual(['data', 'secrets']);
    expect(Object.keys(volumes)).toContain('secrets');
  });

  it.each([
    ['topic: { condition: service_completed', 'nobody: { condition: service_completed', /nobody/],
    ['volumes: ["data:/data"', 'volumes: ["date:/data"', /undefined volume date/],
    ['condition: service_healthy', 'condition: service_health', /service_health/],
  ])('refuses what a schema alone does not see: %s', async (text, wrong, problem) => {
    const damaged = path.join(home, 'compose.yaml');
    writeFileSync(damaged, readFileSync(FILE, 'utf8').replace(text, wrong));
    await expect(load(damaged)).rejects.toThrow(problem);
  });
});
