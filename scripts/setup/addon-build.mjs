/** Builds the Kafka client's native addon with the additions of native/. The installed client stays as it is. */
import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import path from 'node:path';
import { exists, fail, output, ROOT, run, step } from './run.mjs';

export const CLIENT = '@confluentinc/kafka-javascript';
export const CLIENT_FOLDER = path.join(ROOT, 'node_modules', CLIENT);
export const NATIVE = path.join(ROOT, 'native');
/** Calls the additions from the client's own sources. */
const HOOKS = path.join(NATIVE, 'hooks.patch');
const SOURCE = /\.(cc|h)$/;
/** Of the client, what the build reads. */
const CLIENT_SOURCES = ['deps', 'src'];

const STATIC = ['--enable-static', '--enable-strip', '--disable-lz4-ext', '--disable-gssapi'];

/**
 * Where librdkafka's libraries come from: OpenSSL, zlib, zstd and curl.
 * `system`: linked to this system's, for the machine that builds. `archives`: this system's, within the addon;
 * no distribution has all that curl needs for this, so that SASL's OIDC is missing. `download`: within the addon,
 * each downloaded and compiled by librdkafka's own build, as in the client's own releases.
 */
const LIBRARIES = {
  system: { flags: [], libs: ['librdkafka.a', 'LIBS'] },
  archives: { flags: [...STATIC, '--disable-curl'], libs: ['librdkafka-static.a', 'MKL_DYNAMIC_LIBS'] },
  download: {
    flags: [...STATIC, '--install-deps', '--source-deps-only'],
    libs: ['librdkafka-static.a', 'MKL_DYNAMIC_LIBS'],
  },
};
/** The names that librdkafka's build has for them. */
const ARCHIVES = { libssl: 'libssl.a', libcrypto: 'libcrypto.a', zlib: 'libz.a', libzstd: 'libzstd.a' };

/**
 * Builds an addon for each Node. librdkafka is built once, and kept in build/ for the next time; but its build takes no
 * path with a space, and one in a clone with such a path is elsewhere, and not kept.
 * @param libraries a key of LIBRARIES
 * @param addons of each Node its headers (the folder with node.h) and the file to write
 * @throws SetupError
 */
export function buildAddons(libraries, addons) {
  if (!ROOT.includes(' ')) {
    buildIn(path.join(ROOT, 'build', 'kafka-addon'), libraries, addons);
    return;
  }
  const folder = mkdtempSync(path.join(tmpdir(), 'sluice-kafka-addon-'));
  try {
    buildIn(folder, libraries, addons);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function buildIn(folder, libraries, addons) {
  const client = path.join(folder, libraries);
  const { flags, libs } = LIBRARIES[libraries];
  const rdkafka = path.join(client, 'deps', 'librdkafka');
  provideSources(client);
  if (!exists(path.join(rdkafka, 'Makefile.config'))) {
    const env = libraries === 'archives' ? archivePaths() : {};
    step('configuring librdkafka', () => run('./configure', flags, { cwd: rdkafka, env }));
  }
  const jobs = `-j${availableParallelism()}`;
  step('compiling librdkafka (a few minutes)', () => run('make', [jobs, 'libs'], { cwd: rdkafka }));
  const [archive, variable] = libs;
  for (const { headers, file } of addons) {
    mkdirSync(path.dirname(file), { recursive: true });
    // Relative to ROOT, where make runs: it takes none with a space, either.
    const variables = {
      CLIENT: path.relative(ROOT, client),
      HEADERS: `'${headers}'`,
      NAN: path.join('node_modules', 'nan'),
      LIBS: `${path.relative(ROOT, path.join(rdkafka, 'src', archive))} ${makeVariable(rdkafka, variable)}`,
      OUT: path.relative(ROOT, file),
      OBJECTS: path.join(
        path.relative(ROOT, client),
        `objects-${createHash('sha256').update(headers).digest('hex').slice(0, 8)}`,
      ),
    };
    const args = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    step('compiling the Kafka addon', () => run('make', [jobs, '-f', path.join(NATIVE, 'Makefile'), ...args]));
  }
}

/** What an addon is built from, in 64 hexadecimal digits: the client, the additions, how, and for which system. */
export function sourcesHash(libraries) {
  const hash = createHash('sha256').update(
    [clientVersion(), libraries, process.platform, process.arch, process.versions.modules].join('\n'),
  );
  for (const name of ['hooks.patch', 'Makefile', ...additions()]) {
    hash.update(`\n${name}\n`).update(readFileSync(path.join(NATIVE, name)));
  }
  return hash.digest('hex');
}

export function clientVersion() {
  return JSON.parse(readFileSync(path.join(CLIENT_FOLDER, 'package.json'), 'utf8')).version;
}

/** The client's sources with the additions. Anew if the client or the hooks are others, which compiles all anew. */
function provideSources(client) {
  const stamp = path.join(client, 'sources');
  const wanted = createHash('sha256').update(clientVersion()).update(readFileSync(HOOKS)).digest('hex');
  if (!exists(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    rmSync(client, { recursive: true, force: true });
    for (const name of CLIENT_SOURCES) {
      cpSync(path.join(CLIENT_FOLDER, name), path.join(client, name), { recursive: true });
    }
    const patch = (...flags) => run('patch', ['-p1', '--batch', ...flags, '-i', HOOKS], { cwd: client });
    if (patch('--forward') !== 0) fail('native/hooks.patch does not apply to this version of the Kafka client');
    writeFileSync(stamp, wanted);
  }
  for (const name of additions()) {
    const [from, to] = [path.join(NATIVE, name), path.join(client, 'src', name)];
    // As it is if it is the same: make compiles what is newer.
    if (!exists(to) || !readFileSync(from).equals(readFileSync(to))) cpSync(from, to);
  }
}

function additions() {
  return readdirSync(NATIVE)
    .filter((file) => SOURCE.test(file))
    .sort();
}

/** Variables that tell librdkafka's build where this system's archives are. */
function archivePaths() {
  const found = Object.entries(ARCHIVES).map(([library, archive]) => [`STATIC_LIB_${library}`, archivePath(archive)]);
  return Object.fromEntries(found);
}

/** The compiler knows where this system keeps its libraries; of one that is missing, it says the name alone. */
function archivePath(archive) {
  const file = output('cc', [`-print-file-name=${archive}`]);
  if (!path.isAbsolute(file)) fail(`there is no ${archive} on this system`);
  return file;
}

/** A variable of librdkafka's build. */
function makeVariable(rdkafka, name) {
  const text = readFileSync(path.join(rdkafka, 'Makefile.config'), 'utf8');
  return text.match(new RegExp(`^${name}\\+?=\\s*(.*)$`, 'm'))?.[1] ?? '';
}
