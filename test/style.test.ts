/** Holds the code to the rules that a formatter and a linter do not know. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MAX_FILE_LINES = 300;
const MAX_FUNCTION_LINES = 70;
const MAX_LINE_LENGTH = 120;

/**
 * The layers of src/, lowest first: a file imports from lower layers and from its own. Rooms are apart from each other:
 * a file of a room imports from its own room and from contracts. A folder stands for all files in it.
 */
const CONTRACTS = [
  ...['flow', 'spec', 'operations', 'errors', 'arrow', 'chunk', 'source', 'log', 'output', 'metrics', 'data-dir'],
  ...['sql', 'string-forms', 'data-chunks', 'parquet-copy', 'parquet-writer', 'staged-file'],
];
const ROOMS = [
  [
    ...['kafka-source', 'kafka-properties', 'kafka-errors', 'stock-reader', 'packed-reader', 'embedded-kafka'],
    ...['topic-admin', 'inspection'],
  ],
  ['kernel', 'kernel-instance', 'fields', 'path-tree'],
  ['duckdb-writer'],
  ['parquet-wasm-writer'],
  [
    ...['merge', 'duplicates', 'staging', 'file-staging', 'ddl', 'format', 'ledger', 'ledger-files', 'commit-journal'],
    ...['recovery', 'rebuild', 'database-builder', 'old-database', 'file-inventory', 'compaction', 'database'],
    'upgrade',
  ],
  ['read-only', 'query-server', 'sql-client', 'lines'],
  ['capture/'],
];
const THREADS = ['worker', 'pool', 'merge-thread', 'merge-client'];
const PIPELINE = ['batcher', 'sequencer', 'assignment', 'positions', 'topic-guard', 'compactor', 'pipeline', 'totals'];
const COMMANDS = ['config', 'spec-file', 'reserved-names', 'progress', 'sample-events', 'verify/', 'commands/'];
const LAYERS = [CONTRACTS, ROOMS.flat(), THREADS, PIPELINE, COMMANDS, ['cli']];
/** What only these may know of the process: its arguments, environment, outputs, signals and end. */
const PROCESS_FILES = ['src/cli.ts', 'src/config.ts'];
const PROCESS_MEMBERS = ['argv', 'env', 'exit', 'exitCode', 'abort', 'kill', 'on', 'once', 'stdout', 'stderr'];

interface SourceFile {
  /** Relative to the project. */
  readonly name: string;
  readonly text: string;
  readonly tree: ts.SourceFile;
}

function filesUnder(folder: string, endings: readonly string[]): string[] {
  const root = path.join(ROOT, folder);
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) return [];
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.includes('node_modules') && endings.some((ending) => name.endsWith(ending)))
    .map((name) => path.posix.join(folder, name));
}

function parse(name: string): SourceFile {
  const text = readFileSync(path.join(ROOT, name), 'utf8');
  return { name, text, tree: ts.createSourceFile(name, text, ts.ScriptTarget.ES2022, true) };
}

const code = ['src', 'kernels', 'bench', 'test', 'scripts'].flatMap((folder) => filesUnder(folder, ['.ts', '.mjs']));
const sources = code.map(parse);
const programSources = sources.filter(({ name }) => name.startsWith('src/'));
const rootFiles = readdirSync(ROOT).filter((name) => /\.(md|json|ts|ya?ml)$/.test(name));
const texts = [
  ...rootFiles,
  ...['deploy', 'docs', '.github', '.ci'].flatMap((folder) => filesUnder(folder, [''])),
].filter((name) => statSync(path.join(ROOT, name)).isFile() && name !== 'package-lock.json');

/** Everything that `visit` reports for the nodes of a file, as `file:line what`. */
function findings(file: SourceFile, visit: (node: ts.Node) => string | undefined): string[] {
  const found: string[] = [];
  const walk = (node: ts.Node): void => {
    const what = visit(node);
    if (what !== undefined) found.push(`${file.name}:${lineOf(file, node.getStart(file.tree))} ${what}`);
    ts.forEachChild(node, walk);
  };
  walk(file.tree);
  return found;
}

function lineOf(file: SourceFile, position: number): number {
  return file.tree.getLineAndCharacterOfPosition(position).line + 1;
}

/** A group of tests is a function to the compiler only. */
function isTestGroup(node: ts.Node): boolean {
  return ts.isCallExpression(node.parent) && /^describe/.test(node.parent.expression.getText());
}

function tooLongFunction(file: SourceFile, node: ts.Node): string | undefined {
  if (!ts.isFunctionLike(node) || isTestGroup(node)) return undefined;
  const lines = lineOf(file, node.end) - lineOf(file, node.getStart(file.tree)) + 1;
  return lines > MAX_FUNCTION_LINES ? `a function of ${lines} lines, at most ${MAX_FUNCTION_LINES}` : undefined;
}

function forbiddenExport(node: ts.Node): string | undefined {
  if (ts.isExportAssignment(node)) return 'a default export';
  if (ts.isExportDeclaration(node) && node.moduleSpecifier !== undefined) return 'an export of what another file has';
  const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : [];
  return modifiers.some(({ kind }) => kind === ts.SyntaxKind.DefaultKeyword) ? 'a default export' : undefined;
}

function processUse(node: ts.Node): string | undefined {
  if (!ts.isPropertyAccessExpression(node) || node.expression.getText() !== 'process') return undefined;
  return PROCESS_MEMBERS.includes(node.name.text) ? `process.${node.name.text}` : undefined;
}

/** `src/commands/run.ts` → `commands/run`. */
function moduleOf(name: string): string {
  return name.replace(/^src\//, '').replace(/\.ts$/, '');
}

function isIn(group: readonly string[], module: string): boolean {
  return group.some((member) => (member.endsWith('/') ? module.startsWith(member) : module === member));
}

/** The relative import of a node, as a module of src/; undefined where there is none. */
function importedModule(file: SourceFile, node: ts.Node): string | undefined {
  const dynamic = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
  const specifier = ts.isImportDeclaration(node) ? node.moduleSpecifier : dynamic ? node.arguments[0] : undefined;
  if (specifier === undefined || !ts.isStringLiteral(specifier) || !specifier.text.startsWith('.')) return undefined;
  return moduleOf(path.posix.join(path.posix.dirname(file.name), specifier.text).replace(/\.js$/, '.ts'));
}

function wrongImport(file: SourceFile, node: ts.Node): string | undefined {
  const target = importedModule(file, node);
  if (target === undefined) return undefined;
  const importer = moduleOf(file.name);
  const layerOf = (module: string) => LAYERS.findIndex((layer) => isIn(layer, module));
  if (layerOf(target) > layerOf(importer)) return `imports ${target}, which lies above it`;
  const room = ROOMS.find((members) => isIn(members, importer));
  if (room === undefined || isIn(CONTRACTS, target) || isIn(room, target)) return undefined;
  return `imports ${target}, which is another room`;
}

function linesWith(pattern: RegExp, name: string): string[] {
  const lines = readFileSync(path.join(ROOT, name), 'utf8').split('\n');
  return lines.flatMap((line, index) => (pattern.test(line) ? [`${name}:${index + 1} ${line.trim()}`] : []));
}

describe('every file', () => {
  it(`has at most ${MAX_FILE_LINES} lines`, () => {
    const lengths = sources.map(({ name, text }) => ({ name, lines: text.trimEnd().split('\n').length }));
    expect(lengths.filter(({ lines }) => lines > MAX_FILE_LINES)).toEqual([]);
  });

  it(`has lines of at most ${MAX_LINE_LENGTH} characters`, () => {
    expect(code.flatMap((name) => linesWith(new RegExp(`^.{${MAX_LINE_LENGTH + 1}}`, 'u'), name))).toEqual([]);
  });

  it(`has functions of at most ${MAX_FUNCTION_LINES} lines`, () => {
    expect(sources.flatMap((file) => findings(file, (node) => tooLongFunction(file, node)))).toEqual([]);
  });

  it('exports by name and only what is its own', () => {
    const handwritten = sources.filter(({ name }) => !name.startsWith('kernels/'));
    expect(handwritten.flatMap((file) => findings(file, forbiddenExport))).toEqual([]);
  });

  it('has no any', () => {
    const anyKeyword = (node: ts.Node) => (node.kind === ts.SyntaxKind.AnyKeyword ? 'any' : undefined);
    expect(sources.flatMap((file) => findings(file, anyKeyword))).toEqual([]);
  });

  it('has nothing left to do in it', () => {
    expect([...code, ...texts].flatMap((name) => linesWith(/\b(TO[D]O|FIX[M]E|XX[X]|HAC[K])\b/, name))).toEqual([]);
  });

  it('knows nothing of the machine that it was written on', () => {
    const machine = /(^|[\s'"`(=:])\/(work|tmp|root|home)\/|\.\.\/shared\b/;
    expect([...code, ...texts].flatMap((name) => linesWith(machine, name))).toEqual([]);
  });
});

describe('src/', () => {
  it('knows the process in cli.ts and config.ts only', () => {
    const others = programSources.filter(({ name }) => !PROCESS_FILES.includes(name));
    expect(others.flatMap((file) => findings(file, processUse))).toEqual([]);
  });

  it('has a layer for each file', () => {
    const modules = programSources.map(({ name }) => moduleOf(name));
    expect(modules.filter((module) => !LAYERS.some((layer) => isIn(layer, module)))).toEqual([]);
  });

  it('imports one way, and rooms never from each other', () => {
    expect(programSources.flatMap((file) => findings(file, (node) => wrongImport(file, node)))).toEqual([]);
  });
});
