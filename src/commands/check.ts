/** `sluice check`: the expectations of the table spec held against what is in the warehouse. */
import type { Command } from 'commander';
import { type Config, SECTIONS } from '../config.js';
import type { TableSpec } from '../schema/spec.js';
import { parseSpec } from '../schema/spec-file.js';
import { counted } from '../verify/check.js';
import { expectationVerdicts, type Verdict } from '../verify/expectations.js';
import { readScope } from '../verify/ledger.js';
import type { CommandContext } from './context.js';
import { openConfigured } from './open-sql.js';
import { drawTable } from './text-table.js';
import { LAKE_SECTIONS, variablesHelp } from './variables-help.js';

export interface CheckOptions {
  readonly json: boolean;
  /** Of the terminal in characters; undefined if it has no end. */
  readonly width: number | undefined;
  readonly write: (text: string) => Promise<void>;
}

export function addCheckCommand(program: Command, { environment, stdout, onFailure }: CommandContext): void {
  program
    .command('check')
    .description('hold the expectations of the table spec against the table; exit code 1 if one fails')
    .addHelpText('after', variablesHelp(SECTIONS.storage, SECTIONS.schema, ...LAKE_SECTIONS, SECTIONS.log))
    .option('--spec <file>', 'table spec; default: TABLE_SPEC, else that of the last start')
    .option('--json', 'a line of JSON for each expectation', false)
    .option('--great-expectations', 'instead print them as a suite of Great Expectations 1.x')
    .action(async ({ spec, json, greatExpectations }: { spec?: string; json: boolean; greatExpectations?: true }) => {
      const { config } = environment({ TABLE_SPEC: ['--spec', spec] });
      const options = { json, width: stdout.width, write: (text: string) => stdout.writeIfOpen(text) };
      if (greatExpectations) return await writeSuite(config, options);
      if (!(await check(config, options))) onFailure();
    });
}

/** Prints the suite, and reads the database only if no spec is given. */
async function writeSuite(config: Config, { write }: CheckOptions): Promise<void> {
  const { greatExpectationsSuite } = await import('../schema/great-expectations.js');
  const spec = config.tableSpec === undefined ? await storedSpec(config) : config.spec;
  await write(`${JSON.stringify(greatExpectationsSuite(spec), null, 2)}\n`);
}

async function storedSpec(config: Config): Promise<TableSpec> {
  const client = await openConfigured(config);
  try {
    const { spec } = await readScope(client, config.dataDir);
    return parseSpec(JSON.stringify(spec), 'of the last start');
  } finally {
    client.close();
  }
}

/**
 * Writes a line for each expectation.
 * @returns whether all are met
 * @throws SluiceError SLUICE_CONFIG if nothing was consumed yet, SLUICE_QUERY if the table lacks a column of the spec
 */
export async function check(config: Config, options: CheckOptions): Promise<boolean> {
  const client = await openConfigured(config);
  try {
    const scope = await readScope(client, config.dataDir);
    const stored = () => parseSpec(JSON.stringify(scope.spec), 'of the last start');
    const verdicts = await expectationVerdicts(client, config.tableSpec === undefined ? stored() : config.spec);
    await writeVerdicts(verdicts, options);
    return verdicts.every(({ failed }) => failed === 0);
  } finally {
    client.close();
  }
}

async function writeVerdicts(verdicts: readonly Verdict[], { json, width, write }: CheckOptions): Promise<void> {
  if (json) {
    for (const verdict of verdicts) await write(`${JSON.stringify(verdict)}\n`);
    return;
  }
  if (verdicts.length === 0) return await write('the table spec has no expectations\n');
  const cells = verdicts.map(({ name, action, test, column, checked, failed, observed }) => [
    ...[failed === 0 ? 'ok' : 'FAIL', name, action, test, column ?? '', checked, failed],
    observed === null ? '' : Number(observed.toFixed(4)),
  ]);
  const header = ['', 'expectation', 'action', 'test', 'column', 'checked', 'failed', 'observed'];
  await write(drawTable(header, cells, cells.length, width));
  const failed = verdicts.filter((verdict) => verdict.failed > 0).length;
  await write(failed === 0 ? 'all expectations are met\n' : `${counted(failed, 'expectation')} failed\n`);
}
