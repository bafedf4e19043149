#!/usr/bin/env node
/**
 * Runs the unit tests, or with --whole all of `npm test`, with other versions of Node, each in a copy of this clone,
 * build/nodes/<major>, with an addon of its own. npm has Node's releases as packages, of which those for Linux x64 are
 * used.
 *
 * Usage: test-nodes.mjs [--whole] [major version of Node …] [-- arguments of vitest]. By default all versions that are
 * supported.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { releasedHeaders } from './setup/node-headers.mjs';
import { exists, fail, output, ROOT, report, run, runScript } from './setup/run.mjs';

const NODE_VERSIONS = [20, 22, 24];

function main() {
  const args = process.argv.slice(2);
  const end = args.includes('--') ? args.indexOf('--') : args.length;
  const given = args.slice(0, end).filter((arg) => arg !== '--whole');
  const isWhole = given.length < end;
  const majors = given.length > 0 ? given : NODE_VERSIONS;
  const failed = majors.filter((major) => test(Number(major), isWhole, args.slice(end + 1)) !== 0);
  if (failed.length > 0) fail(`tests fail with Node ${failed.join(', ')}`);
}

/** @returns the exit code of the tests */
function test(major, isWhole, args) {
  const node = path.resolve(releasedHeaders(major), '..', '..', 'bin', 'node');
  const clone = path.join(ROOT, 'build', 'nodes', String(major));
  copyTo(clone);
  const env = { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH}` };
  const inClone = (...command) => spawnSync(node, command, { cwd: clone, env, stdio: 'inherit' }).status;
  report(`${isWhole ? 'all' : 'unit'} tests with Node ${output(node, ['--version'])}`);
  const [setUp, config] = isWhole ? [['--tests'], []] : [[], ['--config', 'vitest.unit.config.ts']];
  return inClone('scripts/setup.mjs', ...setUp) || inClone('node_modules/vitest/vitest.mjs', 'run', ...config, ...args);
}

/** The files of this clone as they are now. Dependencies are links: nothing writes into them, the addon is replaced. */
function copyTo(clone) {
  rmSync(clone, { recursive: true, force: true });
  for (const name of output('git', ['ls-files', '-co', '--exclude-standard', '--deduplicate']).split('\n')) {
    if (exists(path.join(ROOT, name))) cpSync(path.join(ROOT, name), path.join(clone, name));
  }
  mkdirSync(path.join(clone, 'build'), { recursive: true });
  if (run('cp', ['-al', path.join(ROOT, 'node_modules'), clone]) !== 0) fail('node_modules cannot be copied');
  // librdkafka, compiled, is the same for all.
  const compiled = path.join(ROOT, 'build', 'kafka-addon');
  if (exists(compiled))
    cpSync(compiled, path.join(clone, 'build', 'kafka-addon'), { recursive: true, preserveTimestamps: true });
}

runScript(main);
