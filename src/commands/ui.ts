/** `sluice ui`: the page of a run, on a data directory at rest. */
import { once } from 'node:events';
import type { Command } from 'commander';
import { type Config, SECTIONS } from '../config.js';
import { SluiceError } from '../core/errors.js';
import { LivePage } from '../http/page.js';
import { serve, urlOf } from '../http/server.js';
import { allRows } from '../query/sql-client.js';
import { parseSpec } from '../schema/spec-file.js';
import { requireTables } from '../verify/ledger.js';
import type { CommandContext } from './context.js';
import { openConfigured } from './open-sql.js';
import { pageContent } from './page-content.js';
import { LAKE_SECTIONS, variablesHelp } from './variables-help.js';

interface UiOptions {
  /** 0: any that is free. */
  readonly port: number;
  /** Ends it. */
  readonly signal: AbortSignal;
  readonly write: (text: string) => Promise<void>;
}

const MAX_PORT = 65_535;

export function addUiCommand(program: Command, { environment, stopSignal, stdout }: CommandContext): void {
  program
    .command('ui')
    .description('serve the page on a data directory at rest: ledger, quarantine, queries; prints its address')
    .addHelpText('after', variablesHelp(SECTIONS.storage, ...LAKE_SECTIONS, SECTIONS.http, SECTIONS.log))
    .option('--data-dir <folder>', 'the data directory; default: DATA_DIR')
    .option('--port <n>', 'where to listen; 0: a port that is free', '0')
    .action(async ({ dataDir, port: text }: { dataDir?: string; port: string }) => {
      const port = /^\d+$/.test(text) ? Number(text) : Number.NaN;
      if (!(port <= MAX_PORT))
        throw new SluiceError('SLUICE_CONFIG', `--port must be from 0 to ${MAX_PORT}, not ${text}`);
      const { config } = environment({ DATA_DIR: ['--data-dir', dataDir] });
      await ui(config, { port, signal: stopSignal(), write: (line) => stdout.write(line) });
    });
}

/**
 * Serves until it is stopped.
 * @throws SluiceError SLUICE_CONFIG if there is no data directory, nothing was consumed into it, or it cannot listen
 */
export async function ui(config: Config, { port, signal, write }: UiOptions): Promise<void> {
  const { topic, spec } = await stored(config);
  const open = () => openConfigured(config);
  const page = new LivePage(pageContent({ ...config, spec }, { live: false, topic, open }));
  const options = { ...config.http, port, portName: '--port' };
  const server = await serve(options, (access) => page.routes(access), page.files.unauthorized);
  server.ref();
  await write(`${urlOf(server, config.http.host)}\n`);
  if (!signal.aborted) await once(signal, 'abort');
  server.close();
  server.closeAllConnections();
}

/** What the directory is filled from, as its last run wrote it. */
async function stored(config: Config): Promise<Pick<Config, 'spec'> & { topic: string }> {
  const client = await openConfigured(config);
  try {
    await requireTables(client, config.dataDir);
    const [meta] = await allRows(client, 'SELECT topic, spec::VARCHAR AS spec FROM sluice.meta');
    const spec = parseSpec(String(meta.spec), `of ${config.dataDir}`);
    return { topic: String(meta.topic), spec };
  } finally {
    client.close();
  }
}
