#!/usr/bin/env node
/**
 * The packed package.json names the packages of the Kafka addon, of which npm installs the one for its system. That of
 * a clone does not: its lock file can only name what is published already, and set-up builds the addon. The packed one
 * also says where the repository is, which the release workflow knows, and which npm compares with the provenance.
 *
 * Usage: pack.mjs before|after, by npm around `npm pack` and `npm publish`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { repository } from './repository.mjs';
import { exists, fail, ROOT, runScript } from './setup/run.mjs';

/** What .github/workflows/release.yml builds. */
const PLATFORMS = ['darwin-arm64', 'linux-arm64-gnu', 'linux-x64-gnu'];
const COMPILED = ['dist/.built', 'build/kernel.wasm'];
const MANIFEST = path.join(ROOT, 'package.json');

function main() {
  const missing = COMPILED.filter((file) => !exists(path.join(ROOT, file)));
  if (missing.length > 0) fail(`${missing.join(' and ')} must be in the package: npm run setup`);
  const manifest = JSON.parse(readFileSync(MANIFEST, 'utf8'));
  const isBefore = process.argv[2] === 'before';
  manifest.optionalDependencies = isBefore
    ? Object.fromEntries(PLATFORMS.map((name) => [`@sluice-cdc/kafka-${name}`, manifest.version]))
    : undefined;
  manifest.repository = isBefore ? repository() : undefined;
  writeFileSync(MANIFEST, `${JSON.stringify(manifest, null, 2)}\n`);
}

runScript(main);
