#!/usr/bin/env node
/**
 * The package of this system's Kafka addons, for all versions of Node: build/packages/kafka-<platform>/, to be packed.
 *
 * Usage: addon-package.mjs [archives|download] [major version of Node …]. How the addons get their libraries:
 * scripts/setup/addon-build.mjs.
 */
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { repository } from './repository.mjs';
import { buildAddons, CLIENT_FOLDER } from './setup/addon-build.mjs';
import { abiOf, releasedHeaders } from './setup/node-headers.mjs';
import { fail, ROOT, report, run, runScript } from './setup/run.mjs';

const NODE_VERSIONS = [20, 22, 24];
/** Of those whose code is in the addon. */
const LICENCES = ['LICENSE.txt', 'LICENSE.node-rdkafka', 'deps/librdkafka/LICENSES.txt'];
const LIBC = { linux: { libc: ['glibc'], suffix: '-gnu' } };

function main() {
  const [libraries = 'archives', ...majors] = process.argv.slice(2);
  const manifest = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'));
  const { libc, suffix = '' } = LIBC[process.platform] ?? {};
  const name = `kafka-${process.platform}-${process.arch}${suffix}`;
  const folder = path.join(ROOT, 'build', 'packages', name);

  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const addons = (majors.length > 0 ? majors : NODE_VERSIONS).map((major) => {
    const headers = releasedHeaders(major);
    return { headers, abi: abiOf(headers), file: path.join(folder, `${abiOf(headers)}.node`) };
  });
  buildAddons(libraries, addons);
  const own = addons.find(({ abi }) => String(abi) === process.versions.modules);
  const probe = 'console.log(require(process.argv[1]).features())';
  if (own && run(process.execPath, ['-e', probe, own.file]) !== 0) fail(`${own.file} does not load`);

  for (const licence of LICENCES) cpSync(path.join(CLIENT_FOLDER, licence), path.join(folder, path.basename(licence)));
  writeFileSync(
    path.join(folder, 'package.json'),
    `${JSON.stringify(
      {
        name: `@sluice-cdc/${name}`,
        version: manifest.version,
        description: `The Kafka addon of sluice-cdc for ${name.slice('kafka-'.length)}, librdkafka included`,
        license: manifest.license,
        repository: repository(),
        os: [process.platform],
        cpu: [process.arch],
        libc,
        engines: manifest.engines,
        files: ['*.node', 'LICENSE*'],
      },
      null,
      2,
    )}\n`,
  );
  report(path.relative(ROOT, folder));
}

runScript(main);
