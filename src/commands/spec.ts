/** `sluice spec`: table specs to start from, built in or inferred from a sample of messages. */
import type { Command } from 'commander';
import { SECTIONS } from '../config.js';
import { SluiceError } from '../core/errors.js';
import { PROPERTIES_TEXT } from '../kafka/settings.js';
import { inferSpec } from '../schema/infer.js';
import { loadSpec } from '../schema/load-spec.js';
import { PRESETS } from '../schema/presets.js';
import { presetText } from '../schema/spec-file.js';
import type { CommandContext } from './context.js';
import { sampleOf } from './message-sample.js';
import { LAKE_SECTIONS, variablesHelp } from './variables-help.js';

interface SpecFlags {
  readonly list?: boolean;
  readonly preset?: string;
  readonly infer?: string;
  readonly diff?: string;
  /** True: without a sample. */
  readonly check?: string | true;
  readonly spec?: string;
  readonly sample: string;
  readonly last: string;
}

const CHOICES = '--list, --preset NAME, --infer TOPIC|FILE, --check [TOPIC|FILE] or --diff FILE';

export function addSpecCommand(program: Command, context: CommandContext): void {
  program
    .command('spec')
    .description(
      'print a table spec to edit, as JSON; explain one, or say how it differs from that of a data directory',
    )
    .addHelpText(
      'after',
      variablesHelp(
        SECTIONS.kafka.pick({ brokers: true }),
        PROPERTIES_TEXT,
        SECTIONS.storage,
        ...LAKE_SECTIONS,
        SECTIONS.schema,
        SECTIONS.registry.omit({ unknownWaitMs: true }),
        SECTIONS.log,
      ),
    )
    .option('--list', 'the names of the presets, and what they are for')
    .option('--preset <name>', 'the whole spec of a preset; it is used as it is by TABLE_SPEC=preset:<name>')
    .option('--infer <topic|file>', 'a spec for the messages of a file, one JSON per line, or else of a topic')
    .option(
      '--check [topic|file]',
      'columns and types of a spec, and what becomes of a sample; exit code 1 if not all are rows',
    )
    .option('--spec <file>', 'of --check: the table spec; default: TABLE_SPEC, else the built-in orders spec')
    .option('--diff <file>', 'what a start with this spec changes in DATA_DIR; exit code 1 if it would be refused')
    .option('--sample <n>', 'of how many messages: the first of the file, or of each partition', '1000')
    .option('--last <n>', 'of --diff: in how many of the newest rows new columns are looked for', '1000')
    .action((flags: SpecFlags) => runSpec(flags, context));
}

async function runSpec({ list, preset, infer, check, diff, spec, ...texts }: SpecFlags, context: CommandContext) {
  const { environment, stdout, onFailure } = context;
  if ([list, preset, infer, check, diff].filter((given) => given !== undefined).length !== 1) {
    throw new SluiceError('SLUICE_CONFIG', `sluice spec needs ${CHOICES}`);
  }
  const limit = countOf('--sample', texts.sample);
  if (preset !== undefined) await stdout.write(`${presetText(preset)}\n`);
  else if (infer !== undefined) await stdout.write(`${await inferred(infer, limit, environment)}\n`);
  else if (diff !== undefined) {
    const { specDiff } = await import('./spec-diff.js');
    const { accepted, text } = await specDiff(environment().config, loadSpec(diff), {
      ...{ file: diff, last: countOf('--last', texts.last) },
    });
    await stdout.write(text);
    if (!accepted) onFailure();
  } else if (check !== undefined) {
    const { specCheck } = await import('./spec-check.js');
    const { config } = environment({ TABLE_SPEC: ['--spec', spec] });
    const messages = check === true ? undefined : (await sampleOf(check, limit, environment)).messages;
    const { areAllRows, text } = specCheck(config, messages, stdout.width);
    await stdout.write(text);
    if (!areAllRows) onFailure();
  } else for (const [name, { comment }] of Object.entries(PRESETS)) await stdout.write(`${name}: ${comment}\n`);
}

function countOf(option: string, text: string): number {
  const size = Number(text);
  if (/^\d{1,6}$/.test(text) && size > 0) return size;
  throw new SluiceError('SLUICE_CONFIG', `${option} must be an integer from 1 to 999999, not ${text}`);
}

async function inferred(source: string, limit: number, environment: CommandContext['environment']): Promise<string> {
  const { messages, name, hintOf } = await sampleOf(source, limit, environment);
  const text = (bytes: Uint8Array | null) => (bytes === null ? null : Buffer.from(bytes).toString());
  const texts = messages.map(({ key, value }) => ({ key: text(key), value: text(value) }));
  return inferSpec(texts, name, hintOf);
}
