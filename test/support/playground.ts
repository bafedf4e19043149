/** The playground's folder on a server, and what its page must show of what `sluice parse` prints. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSpec } from '../../src/schema/load-spec.js';
import { runCli } from './cli.js';

export const FOLDER = fileURLToPath(new URL('../../dist/web/playground', import.meta.url));
/** As a host of static files has it that knows nothing of the page. */
export const PREFIX = '/tools/of-sluice/';
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css' };

/** A line of `sluice parse`. */
export interface Parsed {
  readonly status: string;
  readonly position?: number;
  readonly column?: string;
  readonly row?: Readonly<Record<string, string | number | boolean | null>>;
}

/** A server that knows nothing of the page. */
export function serve(): Server {
  return createServer((request, response) => {
    const name = request.url?.startsWith(PREFIX) ? request.url.slice(PREFIX.length) || 'index.html' : '';
    if (!/^[\w.]+$/.test(name)) return response.writeHead(404).end();
    const type = TYPES[path.extname(name)] ?? 'application/octet-stream';
    return response.writeHead(200, { 'content-type': type }).end(readFileSync(path.join(FOLDER, name)));
  });
}

/** Call it within a test. */
export async function parse(preset: string, input: Buffer, delimiter = 'newline'): Promise<Parsed[]> {
  const { stdout } = await runCli(['parse', '--spec', `preset:${preset}`, '--delimiter', delimiter], { input });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** What the page must show of what `sluice parse` printed. */
export function expectedOf(parsed: readonly Parsed[], preset: string): { rows: string[][]; rejects: string[] } {
  const names = loadSpec(`preset:${preset}`).columns.map(({ name }) => name);
  const rows: string[][] = [];
  const rejects: string[] = [];
  for (const [index, { status, position, column, row }] of parsed.entries()) {
    const number = (index + 1).toLocaleString('en-US');
    if (row !== undefined) {
      const issues = names.filter((_, bit) => (BigInt(row.issues as number) >> BigInt(bit)) & 1n).join(', ');
      rows.push([number, ...Object.values({ ...row, issues }).map(String)]);
    } else {
      const place = position === undefined ? '' : ` at byte ${position.toLocaleString('en-US')} `;
      rejects.push(`Message ${number}: ${status}${place}${column === undefined ? '' : ` column ${column}`}`);
    }
  }
  return { rows, rejects };
}

/** As `expectedOf` has it. */
export function told(reject: string): string {
  return reject
    .replace(/ of [\d,]+ – .*$/, ' ')
    .replace(/ – (?:(column \S+) .*|.*)$/, (_, column) => (column ? ` ${column}` : ''));
}
