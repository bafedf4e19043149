#!/usr/bin/env node
/**
 * kernels/abi.json → kernels/abi.ts and src/kernel/abi.ts: the kernel's memory as both sides of it see it.
 *
 * A type is a scalar or a record that was described before, `[n]` times with a number, a constant or an enumeration.
 * Fields follow each other in the order of the description, each at a multiple of its width; a record may say a larger
 * size, so that an index is a shift. Regions follow each other from the first address that AssemblyScript leaves free.
 * The version is a hash of all names and numbers: two builds of one version agree on each of them.
 *
 * `--check` writes nothing, and fails if a file is not what the description makes it.
 */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const DESCRIPTION = 'kernels/abi.json';
const NOTE = `// Made by scripts/abi.mjs from ${DESCRIPTION}: change that, and run \`npm run build:abi\`.`;
const SCALARS = { u8: 1, u16: 2, u32: 4, i32: 4, u64: 8, i64: 8 };
/** `memoryBase` of asconfig.json: 0 is no address. */
const FIRST_ADDRESS = 64;
/** Regions start at a line of the cache. */
const REGION_ALIGNMENT = 64;
const MAX_LINE_LENGTH = 120;

const { constants, enumerations, records, regions } = JSON.parse(readFileSync(path.join(ROOT, DESCRIPTION), 'utf8'));

// ── layout ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Size and alignment of each record, in bytes. */
const recordTypes = {};

const up = (at, alignment) => Math.ceil(at / alignment) * alignment;

/** `u64[BLOCK_ROWS], words` → bytes and alignment; none for `[]`, of which the host says how many there are. */
function typeOf(text) {
  const [, type, array, count] = /^(\w+)(\[(\w*)\])?/.exec(text);
  const known = type in SCALARS ? { bytes: SCALARS[type], alignment: SCALARS[type] } : recordTypes[type];
  const times =
    array === undefined ? 1 : (constants[count]?.[1] ?? enumerations[count]?.values.length ?? Number(count));
  if (known === undefined || Number.isNaN(times)) throw new Error(`${DESCRIPTION}: "${text}" is of no known type`);
  return { ...known, bytes: known.bytes * times };
}

/** Places fields from `at` on. */
function place(fields, at) {
  let end = at;
  let alignment = 1;
  const entries = Object.entries(fields).map(([name, words]) => {
    const type = typeOf(words);
    const value = up(end, type.alignment);
    end = value + type.bytes;
    alignment = Math.max(alignment, type.alignment);
    return { name, value, words };
  });
  return { entries, end, alignment };
}

function recordGroups() {
  return Object.entries(records).map(([name, { about, fields, size }]) => {
    const { entries, end, alignment } = place(fields, 0);
    recordTypes[name] = { bytes: size ?? up(end, alignment), alignment };
    if (recordTypes[name].bytes < end) throw new Error(`${DESCRIPTION}: ${name} has ${end} bytes, more than its size`);
    return { name, about, type: 'usize', entries: [...entries, { name: 'size', value: recordTypes[name].bytes }] };
  });
}

function regionGroups() {
  let end = FIRST_ADDRESS;
  return Object.entries(regions).map(([name, region]) => {
    const start = up(end, REGION_ALIGNMENT);
    if (typeof region === 'string') {
      end = start + typeOf(region).bytes;
      return { name, about: region, type: 'usize', value: start };
    }
    const fields = place(region.fields, start);
    end = fields.end;
    return { name, about: region.about, type: 'usize', entries: [...fields.entries, { name: 'end', value: end }] };
  });
}

/** Everything with a name: constants have a value, all others entries. */
function allGroups() {
  const constantGroups = Object.entries(constants).map(([name, [type, value, about]]) => ({
    name,
    about,
    type,
    value,
  }));
  const enumerationGroups = Object.entries(enumerations).map(([name, { about, values }]) => {
    return { name, about, type: 'u32', isEnumeration: true, entries: values.map((n, value) => ({ name: n, value })) };
  });
  return [...constantGroups, ...enumerationGroups, ...recordGroups(), ...regionGroups()];
}

// ── output ──────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Words do not count. */
function versionOf(groups) {
  const entry = ({ name, value, entries }) => [name, value ?? entries.map(entry)];
  return createHash('sha256')
    .update(JSON.stringify(groups.map(entry)))
    .digest()
    .readUInt32LE();
}

/** A line of code with words to it: after it if they fit, else before. */
function withWords(code, words) {
  if (words === undefined) return code;
  const line = `${code} // ${words}`;
  return line.length <= MAX_LINE_LENGTH ? line : `/** ${words} */\n${code}`;
}

function assemblyScript(groups) {
  const group = ({ name, about, type, value, entries, isEnumeration }) => {
    if (entries === undefined) return withWords(`export const ${name}: ${type} = ${value};`, about);
    const constant = (entry) => (isEnumeration ? entry.name.toUpperCase() : entry.name);
    const lines = entries.map((entry) =>
      withWords(`  export const ${constant(entry)}: ${type} = ${entry.value};`, entry.words),
    );
    return `\n/** ${about} */\nexport namespace ${name} {\n${lines.join('\n')}\n}\n`;
  };
  return groups.map(group);
}

function typeScript(groups) {
  const group = ({ name, about, value, entries }) => {
    if (entries === undefined) return withWords(`export const ${name} = ${value};`, about);
    const lines = entries.map((entry) => withWords(`  ${entry.name}: ${entry.value},`, entry.words));
    return `\n/** ${about} */\nexport const ${name} = {\n${lines.join('\n')}\n} as const;\n`;
  };
  return groups.map(group);
}

/** Writes a file if it is not like that; with `--check` says so. */
function put(name, lines) {
  const file = path.join(ROOT, name);
  const text = `${lines.join('\n').replaceAll('\n\n\n', '\n\n').trimEnd()}\n`;
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return;
  if (!process.argv.includes('--check')) {
    writeFileSync(file, text);
    return;
  }
  process.stderr.write(`${name} is not what ${DESCRIPTION} makes it: run \`npm run build:abi\`\n`);
  process.exitCode = 1;
}

const groups = allGroups();
const version = {
  name: 'ABI_VERSION',
  about: 'Of all that follows: a build from other names or numbers has another one.',
  type: 'u32',
  value: versionOf(groups),
};
put('kernels/abi.ts', [NOTE, '', ...assemblyScript([version, ...groups])]);
put('src/kernel/abi.ts', [NOTE, '', ...typeScript([version, ...groups])]);
