/** `sluice spec`: the table specs that are built in, to start from. */
import type { Command } from 'commander';
import { SluiceError } from '../core/errors.js';
import { PRESETS } from '../schema/presets.js';
import { presetText } from '../schema/spec-file.js';
import type { CommandContext } from './context.js';

interface SpecFlags {
  readonly list?: boolean;
  readonly preset?: string;
}

export function addSpecCommand(program: Command, { stdout }: CommandContext): void {
  program
    .command('spec')
    .description('print a table spec to edit, as JSON')
    .option('--list', 'the names of the presets, and what they are for')
    .option('--preset <name>', 'the whole spec of a preset; it is used as it is by TABLE_SPEC=preset:<name>')
    .action(async ({ list = false, preset }: SpecFlags) => {
      if (list === (preset !== undefined)) {
        throw new SluiceError('SLUICE_CONFIG', 'sluice spec needs --list or --preset NAME');
      }
      if (preset !== undefined) return await stdout.write(`${presetText(preset)}\n`);
      for (const [name, { comment }] of Object.entries(PRESETS)) await stdout.write(`${name}: ${comment}\n`);
    });
}
