/** `sluice spec`: table specs to start from: those that are built in, and one guessed from a sample of a topic. */
import type { Command } from 'commander';
import { SluiceError } from '../core/errors.js';
import { PRESETS } from '../schema/presets.js';
import { presetText } from '../schema/spec-file.js';
import type { CommandContext } from './context.js';

type SpecFlags = Partial<Record<'preset' | 'infer', string>> & { list?: boolean };

export function addSpecCommand(program: Command, { stdout }: CommandContext): void {
  program
    .command('spec')
    .description('print a table spec to edit, as JSON')
    .option('--list', 'the names of the presets, and what they are for')
    .option('--preset <name>', 'the whole spec of a preset; it is used as it is by TABLE_SPEC=preset:<name>')
    .option('--infer <file>', 'a spec of what is in a file of messages, one per line; each doubt is a comment in it')
    .action(async ({ list, preset, infer }: SpecFlags) => {
      if ([list, preset, infer].filter((flag) => flag !== undefined).length !== 1) {
        throw new SluiceError('SLUICE_CONFIG', 'sluice spec needs one of --list, --preset and --infer');
      }
      if (preset !== undefined) await stdout.write(`${presetText(preset)}\n`);
      else if (infer !== undefined) {
        const { inferSpec, readSample } = await import('../schema/infer.js');
        await stdout.write(`${JSON.stringify(inferSpec(await readSample(infer)), null, 2)}\n`);
      } else {
        for (const [name, { comment }] of Object.entries(PRESETS)) await stdout.write(`${name}: ${comment}\n`);
      }
    });
}
