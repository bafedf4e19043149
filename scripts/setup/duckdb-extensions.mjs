/** DuckDB's own, signed extensions for the tests with DuckLake: PyPI has them in the versions of DuckDB. */
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { exists, ROOT, report, run, SetupError, step } from './run.mjs';
import { missingPackages, PYTHON_PACKAGES } from './system-packages.mjs';

const EXTENSIONS = ['ducklake', 'httpfs', 'postgres_scanner'];
/** What DuckDB's setting `extension_directory` takes; `LOAD ducklake` looks for `v<version>/<platform>/` in it. */
const FOLDER = path.join(ROOT, 'build', 'duckdb-extensions');
const VERSION = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'))
  .dependencies['@duckdb/node-api'].split('-')
  .at(0);
const PLATFORM = [
  process.platform === 'darwin' ? 'osx' : process.platform,
  process.arch === 'x64' ? 'amd64' : process.arch,
].join('_');
/** Who is offline should not wait for it before every test. */
const PIP_LIMITS = ['--retries', '1', '--timeout', '30'];

export function extensionsReady() {
  return EXTENSIONS.every((name) => exists(installed(name)));
}

/** Tests are skipped if it cannot. @throws SetupError if it cannot and CI=true */
export function provideExtensions() {
  try {
    if (missingPackages(PYTHON_PACKAGES).length > 0) throw new SetupError('no Python 3 with venv');
    step("downloading DuckDB's extensions (35 MB)", download);
  } catch (error) {
    if (!(error instanceof SetupError) || process.env.CI === 'true') throw error;
    report(`tests with DuckLake are skipped: ${error.message.split('\n')[0]}`);
  }
}

/** @returns an exit code */
function download() {
  // On the same file system, so that each extension gets its place at once.
  mkdirSync(path.dirname(installed('')), { recursive: true });
  const folder = mkdtempSync(path.join(FOLDER, 'unfinished-'));
  const unpacked = path.join(folder, 'unpacked');
  const packages = EXTENSIONS.map((name) => `duckdb-extension-${name.replace('_', '-')}==${VERSION}`);
  const pip = ['-m', 'pip', '--disable-pip-version-check', 'install', '--quiet', ...PIP_LIMITS];
  try {
    // Its pip: the one of the system may be missing, or not allowed to install.
    const failed =
      run('python3', ['-m', 'venv', path.join(folder, 'venv')]) ||
      run(path.join(folder, 'venv/bin/python'), [...pip, '--no-deps', '--target', unpacked, ...packages]);
    if (failed) return failed;
    for (const name of EXTENSIONS) {
      const file = `duckdb_extension_${name}/extensions/v${VERSION}/${name}.duckdb_extension`;
      renameSync(path.join(unpacked, file), installed(name));
    }
    return 0;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function installed(name) {
  return path.join(FOLDER, `v${VERSION}`, PLATFORM, `${name}.duckdb_extension`);
}
