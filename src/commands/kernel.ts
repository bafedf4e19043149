/** `sluice kernel export`: the kernel of a table spec as files, for hosts in other languages. */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { KERNEL_WASM } from '../assets.js';
import { SECTIONS } from '../config.js';
import { SluiceError } from '../core/errors.js';
import { kernelBundle } from '../kernel/bundle.js';
import type { BatchSizes } from '../kernel/limits.js';
import type { FlagOptions } from '../kernel/memory-map.js';
import { hasMasks } from '../schema/mask.js';
import type { TableSpec } from '../schema/spec.js';
import type { CommandContext } from './context.js';
import { variablesHelp } from './variables-help.js';

/** As many bytes as this times the rows may be in a record batch. */
const BYTES_PER_ROW = 512;

interface ExportFlags {
  readonly spec?: string;
  readonly batchRows: string;
  readonly out: string;
}

export function addKernelCommand(program: Command, { environment, stdout }: CommandContext): void {
  const kernel = program.command('kernel').description('the WASM kernel for hosts in other languages');
  kernel
    .command('export')
    .description('write kernel.wasm, its memory and kernel.json, which describes both: kernels/ABI.md')
    .addHelpText(
      'after',
      variablesHelp(
        SECTIONS.schema,
        SECTIONS.worker.pick({ highValueThreshold: true, lateAfterMs: true }),
        SECTIONS.log,
      ),
    )
    .requiredOption('--out <folder>', 'folder of the bundle; files of an earlier one are replaced')
    .option('--spec <file>', 'table spec; default: TABLE_SPEC, else the built-in orders spec')
    .option('--batch-rows <n>', 'rows of a record batch at most; more become several', '65536')
    .action(async ({ spec, batchRows, out }: ExportFlags) => {
      const { config } = environment({ TABLE_SPEC: ['--spec', spec] });
      const { highValueThreshold, lateAfterMs } = config.worker;
      const rows = rowsOf(batchRows);
      const sizes = { batchRows: rows, batchBytes: rows * BYTES_PER_ROW };
      writeBundle(out, config.spec, { highValueThreshold, lateAfterMs, ...sizes });
      await stdout.write(`${out} has the kernel for the table ${config.spec.table}\n`);
    });
}

function rowsOf(text: string): number {
  const rows = Number(text);
  if (/^\d{1,7}$/.test(text) && rows > 0 && rows <= 2 ** 20) return rows;
  throw new SluiceError('SLUICE_CONFIG', `--batch-rows must be an integer from 1 to 1048576, not ${text}`);
}

/**
 * The description comes last, and has the hashes of the others: a folder that has it is whole.
 * @throws SluiceError SLUICE_CONFIG if the folder cannot be written, or the spec has masks
 */
export function writeBundle(folder: string, spec: TableSpec, options: FlagOptions & BatchSizes): void {
  if (hasMasks(spec)) {
    const why = 'the table spec has masks: a kernel with their key is not to be in a file';
    throw new SluiceError('SLUICE_CONFIG', `${why}; have a \`run\` mask what other programs read`);
  }
  const { image, description } = kernelBundle(spec, options);
  try {
    const files = { 'kernel.wasm': readFileSync(KERNEL_WASM.release), 'memory.bin': image };
    mkdirSync(folder, { recursive: true });
    for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
    const sha256 = Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, hashOf(bytes)]));
    writeFileSync(join(folder, 'kernel.json'), `${JSON.stringify({ ...description, sha256 }, null, 2)}\n`);
  } catch (cause) {
    throw new SluiceError('SLUICE_CONFIG', `the kernel cannot be written to ${folder}: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
