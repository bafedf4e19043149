/** The kernel's host in Python held against the one of Node: messages go there as Arrow, and so do the rows wanted. */
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { RecordBatch } from 'apache-arrow';
import { writeBundle } from '../../src/commands/kernel.js';
import { Chunk } from '../../src/core/chunk.js';
import { asRecordBatch, MESSAGE_SCHEMA } from '../../src/core/messages.js';
import { openKernel } from '../../src/kernel/kernel-file.js';
import type { Reject } from '../../src/kernel/kernel-instance.js';
import { arrowSchema, toIpcStream } from '../../src/schema/arrow.js';
import type { TableSpec } from '../../src/schema/spec.js';
import { EXTENSION_DIRECTORY } from './duckdb-extensions.js';
import { chunksOf, OPTIONS } from './kernel.js';
import { runPython } from './python.js';
import type { ReferenceMessage } from './reference.js';

/** Of the Python package, which tests do not install: they say where its modules are. */
const PACKAGE = fileURLToPath(new URL('../../spark', import.meta.url));
const MODULES = path.join(PACKAGE, 'src');

const execFileAsync = promisify(execFile);
const MAX_OUTPUT_BYTES = 64 << 20;

/** What a script found in all cases together. */
export interface Compared {
  readonly rows: number;
  readonly quarantined: number;
  /** Rows that the speculative path of the host in Python read. */
  readonly learned: number;
  /** What differs first in each case; empty if all is the same. */
  readonly differences: readonly string[];
}

/** Reads batches of messages of one partition each, and writes them and what came of them, for `comparePython`. */
export function writeCase(folder: string, spec: TableSpec, batches: Iterable<readonly ReferenceMessage[]>): void {
  mkdirSync(folder, { recursive: true });
  // Limits of the tests are small: rows are of several record batches.
  writeBundle(path.join(folder, 'bundle'), spec, OPTIONS);
  const kernel = openKernel(spec, OPTIONS);
  const inputs: RecordBatch[] = [];
  const partitions: number[] = [];
  const rejected: unknown[] = [];
  const rows: Uint8Array[] = [];
  for (const messages of batches) {
    const partition = messages[0]?.partition ?? 0;
    const chunk = chunkOf(messages);
    const output = kernel.read(partition, [chunk.handle()]);
    // The batches of the next read are in the same memory.
    rows.push(toIpcStream(arrowSchema(spec), output.recordBatches));
    rejected.push(...output.rejects.map((reject) => rejectedMessage(reject, partition, messages[reject.row])));
    inputs.push(asRecordBatch(chunk.handle()));
    partitions.push(partition);
  }
  writeFileSync(path.join(folder, 'messages.arrows'), toIpcStream(MESSAGE_SCHEMA, inputs));
  writeFileSync(path.join(folder, 'partitions.json'), JSON.stringify(partitions));
  for (const [index, stream] of rows.entries()) writeFileSync(path.join(folder, `rows-${index}.arrows`), stream);
  writeFileSync(path.join(folder, 'rejected.json'), JSON.stringify(rejected));
}

/** One chunk with room for all. */
function chunkOf(messages: readonly ReferenceMessage[]): Chunk {
  const bytesOf = (part: 'value' | 'key') => messages.reduce((sum, message) => sum + (message[part]?.length ?? 0), 0);
  const capacity = (messages.length + 8) & ~7;
  const [chunk] = chunksOf(messages, () => new Chunk(capacity, bytesOf('value'), bytesOf('key'), capacity));
  return chunk;
}

/** As a row of the quarantine in Python, with bytes as base64. */
function rejectedMessage(
  { status, position, column, expectation }: Reject,
  partition: number,
  message: ReferenceMessage,
): unknown[] {
  const { key, value, offset, timestamp } = message;
  const base64 = (bytes: Uint8Array | null | undefined) => (bytes ? Buffer.from(bytes).toString('base64') : null);
  const place = position === -1 ? null : position;
  const reason = expectation === undefined ? status : `${status}:${expectation}`;
  return [partition, offset, timestamp, reason, place, column ?? null, base64(key), base64(value)];
}

/** Has the host in Python read the cases in a folder, and compares. */
export async function comparePython(python: string, folder: string): Promise<Compared> {
  return (await runScript(python, 'compare_kernel.py', [folder])) as Compared;
}

/** Runs a script of test/support/readers that imports the package. @returns the JSON that it prints */
export function runScript(python: string, script: string, args: readonly string[]): Promise<unknown> {
  return runPython(python, script, args, MODULES);
}

/** Runs the package's own tests. @returns what pytest prints */
export async function pytest(python: string, bundle: string): Promise<string> {
  const { PATH = '', HOME = '' } = process.env;
  const { stdout } = await execFileAsync(python, ['-m', 'pytest', '-q', '-p', 'no:cacheprovider'], {
    cwd: PACKAGE,
    maxBuffer: MAX_OUTPUT_BYTES,
    env: {
      PATH,
      HOME,
      SLUICE_BUNDLE: bundle,
      DUCKDB_EXTENSION_DIRECTORY: EXTENSION_DIRECTORY,
      PYTHONDONTWRITEBYTECODE: '1',
    },
  });
  return stdout;
}
