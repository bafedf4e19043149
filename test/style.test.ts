/** Holds the code to the rules that a formatter and a linter do not know. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { ERROR_CODES } from '../src/core/error-codes.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const MAX_FILE_LINES = 300;
const MAX_FUNCTION_LINES = 70;
const MAX_LINE_LENGTH = 120;

/**
 * The folders of src/, and which others each of them imports from. Contracts and the table come first, then the stages,
 * which know nothing of each other unless it is written here, then what puts them together.
 */
const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  storage: ['core'],
  schema: ['core', 'storage'],

  registry: ['core', 'schema', 'storage'],
  metrics: ['core'],
  http: ['core'],
  lineage: ['core', 'schema'],
  kafka: ['core'],
  kernel: ['core', 'schema'],
  parquet: ['core', 'schema', 'storage'],
  query: ['core', 'storage'],
  capture: ['core', 'schema', 'kafka', 'kernel'],
  'sinks/duckdb': ['core', 'schema', 'storage', 'parquet', 'query'],
  'sinks/ducklake': ['core', 'schema', 'storage', 'parquet', 'sinks/duckdb'],
  sinks: ['core', 'query', 'sinks/duckdb', 'sinks/ducklake'],
  worker: ['core', 'schema', 'storage', 'registry', 'kernel', 'parquet'],
  pipeline: ['core', 'metrics'],
  verify: ['core', 'schema', 'storage', 'query', 'sinks/duckdb', 'sinks/ducklake'],
  commands: ['*'],
};
/** Where files outside of src/ are found, and the program's entry: both at the top. */
const ASSETS = 'src/assets.ts';
const ENTRY = 'src/cli.ts';
/** Composes the settings of all folders: only commands, and the entry, import it. */
const CONFIG = 'src/config.ts';
/** What the package exports: it may import what commands may, and nothing imports it. */
const LIBRARY = 'src/index.ts';
/** Tests that are of no folder of src/. */
const OTHER_TESTS = ['', 'e2e', 'scripts', 'support', 'integrations'];
/** What only these may know of the process: its arguments, environment, outputs, signals and end. */
const PROCESS_FILES = [ENTRY, CONFIG];
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

const code = ['src', 'kernels', 'bench', 'test', 'scripts', 'web'].flatMap((folder) =>
  filesUnder(folder, ['.ts', '.tsx', '.mjs']),
);
const nativeCode = filesUnder('native', ['.cc', '.h']);
const sources = code.map(parse);
const programSources = sources.filter(({ name }) => name.startsWith('src/'));
const rootFiles = readdirSync(ROOT).filter((name) => /\.(md|json|ts|ya?ml)$/.test(name));
const texts = [
  ...rootFiles,
  ...['deploy', 'docs', 'native', '.github', '.ci'].flatMap((folder) => filesUnder(folder, [''])),
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

/** A line of a log at level error or fatal whose code is missing, or not of the closed list. */
function errorWithoutCode(node: ts.Node): string | undefined {
  if (!ts.isCallExpression(node) || !ts.isPropertyAccessExpression(node.expression)) return undefined;
  const { expression: callee, arguments: given } = node;
  if (!/^(error|fatal)$/.test(callee.name.text) || !/log(ger\(.*\))?$/i.test(callee.expression.getText()))
    return undefined;
  const fields = given[0] !== undefined && ts.isObjectLiteralExpression(given[0]) ? given[0].properties : [];
  const code = fields.find((field) => field.name?.getText() === 'code');
  if (code === undefined) return 'an error without a code';
  const value =
    ts.isPropertyAssignment(code) && ts.isStringLiteral(code.initializer) ? code.initializer.text : undefined;
  return value === undefined || Object.hasOwn(ERROR_CODES, value) ? undefined : `the unknown code ${value}`;
}

/** `src/commands/run.ts` → `commands`; files at the top of src/ are in no folder. */
function folderOf(name: string): string {
  return path.posix.dirname(name).replace(/^src\/?/, '');
}

/** The relative import of a node, as a file of src/; undefined if there is none. */
function importedFile(file: SourceFile, node: ts.Node): string | undefined {
  const dynamic = ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
  const specifier = ts.isImportDeclaration(node) ? node.moduleSpecifier : dynamic ? node.arguments[0] : undefined;
  if (specifier === undefined || !ts.isStringLiteral(specifier) || !specifier.text.startsWith('.')) return undefined;
  return path.posix.join(path.posix.dirname(file.name), specifier.text).replace(/\.js$/, '.ts');
}

function wrongImport(file: SourceFile, node: ts.Node): string | undefined {
  const target = importedFile(file, node);
  if (target === undefined || target === ASSETS || file.name === ENTRY || file.name === CONFIG || file.name === LIBRARY)
    return undefined;
  const [from, to] = [folderOf(file.name), folderOf(target)];
  const allowed = FOLDERS[from] ?? ['core'];
  return from === to || allowed.includes('*') || allowed.includes(to) ? undefined : `imports ${target}`;
}

/** Folders in an order in which each imports only from those before it; undefined if there is a circle. */
function inOrder(folders: Readonly<Record<string, readonly string[]>>): string[] | undefined {
  const left = new Map(Object.entries(folders));
  const order: string[] = [];
  while (left.size > 0) {
    const next = [...left].find(([, imports]) => imports.every((name) => name === '*' || order.includes(name)));
    if (next === undefined) return undefined;
    order.push(next[0]);
    left.delete(next[0]);
  }
  return order;
}

function linesWith(pattern: RegExp, name: string): string[] {
  const lines = readFileSync(path.join(ROOT, name), 'utf8').split('\n');
  return lines.flatMap((line, index) => (pattern.test(line) ? [`${name}:${index + 1} ${line.trim()}`] : []));
}

describe('every file', () => {
  it(`has at most ${MAX_FILE_LINES} lines`, () => {
    const written = sources.filter(({ text }) => !text.startsWith('// Made by '));
    const lengths = written.map(({ name, text }) => ({ name, lines: text.trimEnd().split('\n').length }));
    expect(lengths.filter(({ lines }) => lines > MAX_FILE_LINES)).toEqual([]);
  });

  it(`has lines of at most ${MAX_LINE_LENGTH} characters`, () => {
    const tooLong = new RegExp(`^.{${MAX_LINE_LENGTH + 1}}`, 'u');
    expect([...code, ...nativeCode].flatMap((name) => linesWith(tooLong, name))).toEqual([]);
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

  it('has a code in each error that it logs', () => {
    expect(programSources.flatMap((file) => findings(file, errorWithoutCode))).toEqual([]);
  });

  it('has a line of FOLDERS for each folder, and only the program itself at its top', () => {
    const folders = new Set(programSources.map(({ name }) => folderOf(name)));
    folders.delete('');
    expect([...folders].sort()).toEqual(Object.keys(FOLDERS).sort());
    const top = programSources.map(({ name }) => name).filter((name) => folderOf(name) === '');
    expect(top.sort()).toEqual([ASSETS, ENTRY, CONFIG, LIBRARY].sort());
  });

  it('is listed in ARCHITECTURE.md with what each folder imports from', () => {
    const text = readFileSync(path.join(ROOT, 'ARCHITECTURE.md'), 'utf8');
    const rows = text.matchAll(/^\| `([\w/]*\w)` .*\| ([^|]*)\|$/gm);
    const listed = [...rows].map(([, folder, imports]) => [folder, imports.trim().replace(/^all$/, '*')]);
    expect(listed).toEqual(Object.entries(FOLDERS).map(([folder, imports]) => [folder, imports.join(', ')]));
  });

  it('imports one way, without a circle', () => {
    expect(inOrder(FOLDERS)).toBeDefined();
    expect(programSources.flatMap((file) => findings(file, (node) => wrongImport(file, node)))).toEqual([]);
  });

  it('is mirrored by the tests: a test stands where its source does', () => {
    const sourceFolders = new Set(Object.keys(FOLDERS));
    const tests = sources.map(({ name }) => name).filter((name) => /^test\/.*\.test\.ts$/.test(name));
    const lost = tests.filter((name) => {
      const folder = path.posix.dirname(name).replace(/^test\/?/, '');
      return (
        !sourceFolders.has(folder) && !OTHER_TESTS.some((other) => folder === other || folder.startsWith(`${other}/`))
      );
    });
    expect(lost).toEqual([]);
  });
});
