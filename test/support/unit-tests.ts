/** Which tests are unit tests: those that need no server and no other program, and take no minutes. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Support that starts another program (a broker, Postgres, Python, Chromium, dist/cli.js), or runs long. */
const NOT_FOR_UNITS =
  /^test\/support\/(?:(?:kafka|mongo)\/|(?:python|browser|cli|fuzz-rounds|server-process|duckdb-extensions)\.ts$)/;
const RELATIVE_IMPORT = /(?:from|import)\s*\(?\s*'(\.[^']*)\.js'/g;

/**
 * The unit tests, relative to the project. There is no list to keep: a test is one unless it imports NOT_FOR_UNITS,
 * directly or through other files of test/.
 */
export function unitTests(): string[] {
  const tests = readdirSync(path.join(ROOT, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts') && !name.startsWith('integrations'))
    .map((name) => path.posix.join('test', name));
  return tests.filter((test) => ![...reached(test)].some((file) => NOT_FOR_UNITS.test(file))).sort();
}

/** The file and all files of test/ that it imports, directly or not. */
function reached(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, specifier] of readFileSync(path.join(ROOT, file), 'utf8').matchAll(RELATIVE_IMPORT)) {
    const target = `${path.posix.join(path.posix.dirname(file), specifier)}.ts`;
    if (target.startsWith('test/') && statSync(path.join(ROOT, target), { throwIfNoEntry: false }))
      reached(target, seen);
  }
  return seen;
}
