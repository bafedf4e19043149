/** The packages as a user installs them: without the clone, a compiler or install scripts, in a folder with a space. */
import { execFile } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const PACKED = ['package.json', 'scripts', 'dist', 'build/kernel.wasm', 'docs', 'LICENSE', 'CHANGELOG.md', 'README.md'];
const CLONED_ADDON = 'node_modules/@confluentinc/kafka-javascript/build/Release/confluent-kafka-javascript.node';
const PLATFORM = `${process.platform}-${process.arch}${process.platform === 'linux' ? '-gnu' : ''}`;
const INSTALL_MS = 600_000;
const LONG = { timeout: 300_000 };

describe('the packed program, installed', () => {
  let folder: string;
  let bin: string;
  let script: string;
  const run = (args: string[], input?: string) =>
    runCli(args, {
      script,
      input,
      env: { PATH: bin, DATA_DIR: join(folder, 'data'), KAFKA_SOURCE: 'packed' },
      timeoutMs: 240_000,
    });

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sluice package-'));
    bin = join(folder, 'bin');
    mkdirSync(bin, { recursive: true });
    symlinkSync(process.execPath, join(bin, 'node'));
    symlinkSync(realpathSync('/bin/sh'), join(bin, 'sh'));
    const program = join(folder, 'program');
    for (const name of PACKED) cpSync(join(ROOT, name), join(program, name), { recursive: true });
    const addon = addonPackage(join(folder, 'addon'));
    const archives = [await pack(program), await pack(addon)];
    const project = join(folder, 'project');
    mkdirSync(project);
    await npm(['install', '--prefer-offline', '--no-audit', '--no-fund', '--prefix', project, ...archives]);
    script = join(project, 'node_modules', '.bin', 'sluice');
  }, INSTALL_MS);

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The package that `npm run build:addon` made, else one of the addon that set-up built. */
  function addonPackage(to: string): string {
    const built = join(ROOT, 'build', 'packages', `kafka-${PLATFORM}`);
    if (existsSync(join(built, 'package.json'))) return built;
    const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
    mkdirSync(to);
    writeFileSync(join(to, 'package.json'), JSON.stringify({ name: `@sluice-cdc/kafka-${PLATFORM}`, version }));
    cpSync(join(ROOT, CLONED_ADDON), join(to, `${process.versions.modules}.node`));
    return to;
  }

  /** @returns the archive */
  async function pack(source: string): Promise<string> {
    const [{ filename }] = JSON.parse(await npm(['pack', '--json', '--silent', '--pack-destination', folder], source));
    return join(folder, filename);
  }

  async function npm(args: readonly string[], cwd = folder): Promise<string> {
    const cli = (process.env.PATH ?? '').split(delimiter).map((place) => join(place, 'npm'));
    const found = realpathSync(cli.find((file) => existsSync(file)) ?? 'npm');
    // Of npm's own variables, those of the registry are needed.
    const env = { ...process.env, PATH: bin };
    return (await promisify(execFile)(process.execPath, [found, ...args], { cwd, env })).stdout;
  }

  it('has nothing with an install script', () => {
    const lock = JSON.parse(readFileSync(join(folder, 'project/node_modules/.package-lock.json'), 'utf8'));
    const packages = Object.entries<{ hasInstallScript?: true }>(lock.packages);
    expect(packages.map(([name]) => name)).toContain('node_modules/sluice-cdc');
    expect(packages.filter(([, { hasInstallScript }]) => hasInstallScript).map(([name]) => name)).toEqual([]);
  });

  it('reads Kafka the packed way', LONG, async () => {
    expect((await run(['--version'])).stdout).toContain('(Kafka source: packed, librdkafka ');
    const demo = await run(['demo', '--events', '2000']);
    expect(demo.stderr).toBe('');
    expect(demo.stdout).toContain('everything agrees');
    expect(demo.code).toBe(0);
  });

  it('parses, and queries', LONG, async () => {
    const parsed = await run(['parse'], '{"change_id": 1}\n');
    expect(parsed.stdout).toContain('"status":');
    const env = { PATH: bin, DATA_DIR: join(folder, 'data', 'demo') };
    const { stdout } = await runCli(['query', 'SELECT count(*) > 100 AS many FROM orders'], { script, env });
    expect(stdout).toContain('true');
  });

  it('says what to do without the addon, and does what needs none', LONG, async () => {
    rmSync(join(folder, 'project/node_modules/@sluice-cdc'), { recursive: true });
    const { code, stderr } = await run(['demo']);
    expect(stderr).toMatch(/no Kafka addon for .* is installed: .*npm install @confluentinc\/kafka-javascript@\d/);
    expect(code).toBe(2);
    expect((await run(['--version'])).stdout).toContain('(Kafka source: none, ');
    expect((await run(['parse'], '{}\n')).code).toBe(0);
  });
});
