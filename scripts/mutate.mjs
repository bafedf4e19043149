#!/usr/bin/env node
/**
 * Mutation testing: changes code in small ways, one at a time, and counts the changes that the unit tests of its folder
 * do not notice. An area takes minutes to hours; build/mutation/<area>.html shows each change.
 * Usage: mutate.mjs <area of AREAS> [file of the area]... [test]...
 * With tests, only those are run, also those that are no unit tests: a file with its own takes minutes.
 */
import path from 'node:path';
import { Stryker } from '@stryker-mutator/core';

/** Code that decides. Parsers, encoders and clients have tests of other kinds. */
const AREAS = {
  config: { mutate: ['src/config.ts'], tests: 'test/config.test.ts' },
  schema: { mutate: ['src/schema/spec.ts', 'src/schema/spec-file.ts'], tests: 'test/schema/' },
  pipeline: { mutate: ['src/pipeline/*.ts'], tests: 'test/pipeline/' },
  verify: { mutate: ['src/verify/*.ts'], tests: 'test/verify/', ignoreStatic: true },
  duckdb: { mutate: ['src/sinks/duckdb/*.ts'], tests: 'test/sinks/duckdb/', ignoreStatic: true },
  commands: { mutate: ['src/commands/replay-*.ts'], tests: 'test/commands/replay', ignoreStatic: true },
  ducklake: { mutate: ['src/sinks/ducklake/*.ts'], tests: 'test/sinks/ducklake/', ignoreStatic: true },
};

const [, , name, ...paths] = process.argv;
const isTest = (path) => path.endsWith('.test.ts');
const files = paths.filter((path) => !isTest(path));
if (!Object.hasOwn(AREAS, name ?? '')) {
  console.error(`usage: npm run mutate -- ${Object.keys(AREAS).join('|')} [file]... [test]...`);
  process.exit(2);
}
const { mutate, tests, ignoreStatic = false } = AREAS[name];
// For vitest.unit.config.ts, which a process of Stryker loads.
process.env.UNIT_TESTS = paths.some(isTest) ? paths.filter(isTest).join() : tests;
const mutants = await new Stryker({
  mutate: files.length > 0 ? files : mutate,
  // A mutant of code that runs while modules load needs all tests of the area.
  ignoreStatic,
  // Texts are for people.
  mutator: { excludedMutations: ['StringLiteral'] },
  testRunner: 'vitest',
  vitest: { configFile: 'vitest.unit.config.ts', related: false },
  coverageAnalysis: 'perTest',
  concurrency: 1,
  // A machine that is busy with other things must not look like a test that hangs.
  timeoutMS: 20_000,
  timeoutFactor: 4,
  dryRunTimeoutMinutes: 30,
  reporters: ['html', 'progress-append-only'],
  htmlReporter: { fileName: `build/mutation/${name}.html` },
  tempDirName: 'build/mutation/sandbox',
  ignorePatterns: [
    '/build/mutation',
    '/build/python',
    // Only tests of lakes need them.
    ...(name === 'ducklake' ? [] : ['/build/duckdb-extensions']),
    '/.cache',
    '/data',
    '/bench/plots/node_modules',
  ],
}).runMutationTest();

const tried = mutants.filter(({ status }) => status !== 'Ignored' && !status.endsWith('Error'));
const unnoticed = tried.filter(({ status }) => status === 'NoCoverage' || status === 'Survived').filter(ranTests);
for (const { fileName, location, mutatorName, replacement, status } of unnoticed) {
  const where = `${path.relative(process.cwd(), fileName)}:${location.start.line}`;
  console.log(`${where} ${mutatorName}${status === 'NoCoverage' ? ', no test runs it' : ''}: ${oneLine(replacement)}`);
}
for (const file of new Set(tried.map(({ fileName }) => fileName))) {
  const isOfFile = ({ fileName }) => fileName === file;
  const [all, left] = [tried.filter(isOfFile).length, unnoticed.filter(isOfFile).length];
  // A test that hangs notices a change as well, but so does a machine that is too busy.
  const hung = tried.filter((mutant) => isOfFile(mutant) && mutant.status === 'Timeout').length;
  console.log(
    `${path.relative(process.cwd(), file).padEnd(40)} ${all - left} of ${all} noticed (${percent(all - left, all)}), ` +
      `${hung} by a test that hangs`,
  );
}
console.log(`${name}: ${percent(tried.length - unnoticed.length, tried.length)} of ${tried.length} changes noticed`);

/** False for a mutant with which modules do not load: no test runs, and Stryker takes it for one that survived. */
function ranTests({ status, testsCompleted }) {
  return status === 'NoCoverage' || testsCompleted > 0;
}

function percent(part, whole) {
  return `${Math.round((100 * part) / whole)}%`;
}

function oneLine(code) {
  return code.replace(/\s+/g, ' ').slice(0, 80);
}
