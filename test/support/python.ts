/** Python with pinned packages, for tests that read with other programs: a venv per list, made once and kept. */
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const execFileAsync = promisify(execFile);

const VENVS = fileURLToPath(new URL('../../build/python', import.meta.url));
const SCRIPTS = fileURLToPath(new URL('readers', import.meta.url));
/** Of Spark's driver, which runs for seconds: time to compile well is lost. */
export const QUICK_JVM = { SPARK_SUBMIT_OPTS: '-XX:TieredStopAtLevel=1 -XX:+UseSerialGC' };
const MAX_OUTPUT_BYTES = 64 << 20;
/** For `beforeAll`: packages are downloaded, hundreds of MB for Spark. */
export const INSTALL_TIMEOUT_MS = 600_000;

/** Says why no Python can be had here, undefined if one can. With CI=true set-up provides it: else it is an error. */
export function whyNoPython(): string | undefined {
  if (hasVenv()) return undefined;
  const obstacle = 'Python 3 with venv is not found; on Debian, as root: apt-get install -y python3 python3-venv';
  if (process.env.CI === 'true') throw new Error(`tests with Python cannot run: ${obstacle}`);
  return obstacle;
}

/** ensurepip is what Debian leaves out of its python3 when python3-venv is not there. */
function hasVenv(): boolean {
  return spawnSync('python3', ['-c', 'import venv, ensurepip'], { stdio: 'ignore' }).status === 0;
}

/** The same of Spark, which needs Java as well. */
export function whyNoSpark(): string | undefined {
  const hasJava = spawnSync('java', ['-version'], { stdio: 'ignore' }).status === 0;
  if (hasJava) return whyNoPython();
  if (process.env.CI === 'true') throw new Error('tests with Spark cannot run: java is not found, Spark needs Java 17');
  return 'java is not found';
}

/** @param requirements a file of test/support/readers. @returns the interpreter that has its packages */
export async function pythonWith(requirements: string): Promise<string> {
  const list = join(SCRIPTS, requirements);
  const venv = join(VENVS, basename(requirements, '.txt'));
  const python = join(venv, 'bin', 'python');
  const stamp = join(venv, 'installed.txt');
  const wanted = readFileSync(list, 'utf8');
  const isInstalled = () => existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted;
  if (isInstalled()) return python;
  mkdirSync(VENVS, { recursive: true });
  const unfinished = mkdtempSync(join(VENVS, 'unfinished-'));
  try {
    await execFileAsync('python3', ['-m', 'venv', unfinished]);
    const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '-r', list];
    await execFileAsync(join(unfinished, 'bin', 'python'), pip);
    writeFileSync(join(unfinished, 'installed.txt'), wanted);
    if (!isInstalled()) rmSync(venv, { recursive: true, force: true });
    renameSync(unfinished, venv);
  } catch (error) {
    rmSync(unfinished, { recursive: true, force: true });
    // Another test process was faster: what it made is the same.
    if (!isInstalled()) throw error;
  }
  return python;
}

/**
 * Runs a script of test/support/readers.
 * @param modules a folder of Python packages, for Spark's workers too
 * @returns the JSON that it prints
 */
export async function runPython(
  python: string,
  script: string,
  args: readonly string[],
  modules?: string,
): Promise<unknown> {
  const { PATH = '', HOME = '', JAVA_HOME } = process.env;
  const { stdout } = await execFileAsync(python, [join(SCRIPTS, script), ...args], {
    maxBuffer: MAX_OUTPUT_BYTES,
    env: {
      PATH,
      HOME,
      ...(JAVA_HOME !== undefined && { JAVA_HOME }),
      ...(modules !== undefined && { PYTHONPATH: modules }),
      PYSPARK_PYTHON: python,
      TZ: 'UTC',
      SPARK_LOCAL_IP: '127.0.0.1',
      ...QUICK_JVM,
      PYTHONDONTWRITEBYTECODE: '1',
    },
  });
  return JSON.parse(stdout);
}
