/** `sluice capture`: what it is called with. */
import { type Command, Option } from 'commander';
import type { CaptureOptions } from '../capture/capture.js';
import { SECTIONS } from '../config.js';
import { PROPERTIES_TEXT } from '../kafka/settings.js';
import type { CommandContext } from './context.js';
import { variablesHelp } from './variables-help.js';

export type Choices = Pick<CaptureOptions, 'snapshot' | 'onLostHistory'> & {
  /** The source, database.collection, whose position in the topic this one takes. */
  readonly replaces?: string;
};

export function addCaptureCommand(program: Command, { environment, stopSignal, progress }: CommandContext): void {
  program
    .command('capture')
    .description("write a MongoDB collection's changes to the topic, exactly once")
    .addHelpText(
      'after',
      variablesHelp(
        SECTIONS.kafka,
        PROPERTIES_TEXT,
        SECTIONS.capture,
        SECTIONS.schema,
        SECTIONS.process.pick({ shutdownGraceMs: true }),
        SECTIONS.metrics,
        SECTIONS.http,
        SECTIONS.log,
      ),
    )
    .addOption(
      new Option('--snapshot <when>', 'read the whole collection: where nothing was captured yet, never, or now')
        .choices(['initial', 'never', 'always'])
        .default('initial'),
    )
    .addOption(
      new Option('--on-lost-history <how>', 'what to do when changes are no longer in the oplog')
        .choices(['fail', 'snapshot', 'gap'])
        .default('fail'),
    )
    .option(
      '--replaces <database.collection>',
      'take over the topic from another collection, by a snapshot of this one',
    )
    .action(async (choices: Choices) => {
      const { config, log } = environment();
      const { capture } = await import('./capturing.js');
      await capture(config, log, choices, { signal: stopSignal(), progress });
    });
}
