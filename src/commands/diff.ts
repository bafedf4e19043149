/** `sluice diff`: the table against the Parquet files of another program, as of the job that Sluice is to replace. */
import type { Command } from 'commander';
import { SECTIONS } from '../config.js';
import { SluiceError } from '../core/errors.js';
import { inThousands } from '../core/progress-line.js';
import { identifier } from '../core/sql.js';
import { allRows, type SqlClient } from '../query/sql-client.js';
import type { TableSpec } from '../schema/spec.js';
import {
  type Compared,
  type ComparedColumn,
  comparison,
  countsOf,
  differencesOf,
  samplesOf,
  sumsOf,
} from '../verify/difference.js';
import type { CommandContext } from './context.js';
import { parquetOf } from './diff-files.js';
import { readSpec } from './history.js';
import { openConfigured } from './open-sql.js';
import { drawTable } from './text-table.js';
import { LAKE_SECTIONS, variablesHelp } from './variables-help.js';

interface DiffOptions {
  readonly key?: string;
  readonly columns?: string;
  readonly rename?: string;
  readonly table?: string;
  readonly where?: string;
  readonly samples: string;
  readonly json?: true;
}

interface ColumnDifference {
  readonly column: string;
  readonly different: number;
  /** Over one row of each key; null if it is no number. */
  readonly ourSum: string | null;
  readonly theirSum: string | null;
}

interface Sample {
  readonly key: Readonly<Record<string, string>>;
  /** Who has the key. */
  readonly in: 'both' | 'ours' | 'theirs';
  readonly columns: Readonly<Record<string, { readonly ours: string | null; readonly theirs: string | null }>>;
}

interface Difference {
  readonly key: readonly string[];
  readonly ours: { readonly rows: number; readonly rowsWithoutKey: number; readonly keys: number };
  readonly theirs: { readonly rows: number; readonly rowsWithoutKey: number; readonly keys: number };
  readonly onlyOurs: number;
  readonly onlyTheirs: number;
  readonly columns: readonly ColumnDifference[];
  /** Columns of one side only, and those whose values have no common form. */
  readonly notCompared: readonly string[];
  readonly samples: readonly Sample[];
  readonly agrees: boolean;
}

const MAX_SAMPLES = 1000;

export function addDiffCommand(program: Command, { environment, stdout, onFailure }: CommandContext): void {
  program
    .command('diff')
    .description('compare the table with Parquet files of another program; exit code 1 on any difference')
    .addHelpText('after', variablesHelp(SECTIONS.storage, ...LAKE_SECTIONS, SECTIONS.log))
    .argument('<parquet>', 'a folder, a file or a pattern such as "old/**/*.parquet"')
    .option('--key <columns>', 'what makes a row: the role "change_id", else kafka_partition,kafka_offset')
    .option('--columns <columns>', 'compares only these; default: all that both have')
    .option('--rename <theirs=ours,…>', 'columns that have other names there')
    .option('--table <name>', 'the table or view to compare; default: the change log of the table spec')
    .option('--where <condition>', 'of both sides only the rows for which this holds')
    .option('--samples <n>', 'how many of the keys that differ are shown', '10')
    .option('--json', 'prints a JSON object')
    .action(async (parquet: string, options: DiffOptions) => {
      const client = await openConfigured(environment().config);
      try {
        const difference = await compare(client, await readSpec(client), parquet, options);
        await stdout.write(options.json ? `${JSON.stringify(difference)}\n` : textOf(difference, stdout.width));
        if (!difference.agrees) onFailure();
      } finally {
        client.close();
      }
    });
}

async function compare(client: SqlClient, spec: TableSpec, parquet: string, options: DiffOptions): Promise<Difference> {
  const limit = Number(options.samples);
  if (!Number.isInteger(limit) || limit < 0 || limit > MAX_SAMPLES) {
    throw new SluiceError('SLUICE_CONFIG', `--samples must be a whole number from 0 to ${MAX_SAMPLES}`);
  }
  const where = options.where === undefined ? '' : ` WHERE ${options.where}`;
  const files = await parquetOf(parquet);
  const renames = renamesOf(options.rename);
  requireColumns(
    'the Parquet files',
    await typesOf(client, files),
    renames.map(([theirs]) => theirs),
  );
  const renamed = renames.map(([theirs, ours]) => `${identifier(theirs)} AS ${identifier(ours)}`).join(', ');
  const compared: Compared = {
    ours: `(FROM ${identifier(options.table ?? spec.table)}${where})`,
    theirs: `(FROM (SELECT *${renamed && ` RENAME (${renamed})`} FROM ${files})${where})`,
    key: namesOf(options.key) ?? defaultKey(spec),
  };
  const { columns, notCompared } = await comparedColumns(client, compared, namesOf(options.columns));
  const [counts] = await allRows(client, countsOf(compared));
  const [found] = await allRows(client, differencesOf(compared, columns));
  const [sums] = await allRows(client, sumsOf(compared, columns));
  const rows = limit === 0 ? [] : await allRows(client, samplesOf(compared, columns, limit));
  const side = (name: 'our' | 'their') => ({
    rows: Number(counts[`${name}_rows`]),
    rowsWithoutKey: Number(counts[`${name}_keyless`]),
    keys: Number(counts[`${name}_keys`]),
  });
  const differences = columns.map(({ name, isNumber }, index) => ({
    column: name,
    different: Number(found[`d${index}`]),
    ourSum: isNumber ? (sums[`o${index}`] as string | null) : null,
    theirSum: isNumber ? (sums[`t${index}`] as string | null) : null,
  }));
  const [onlyOurs, onlyTheirs] = [Number(found.only_ours), Number(found.only_theirs)];
  return {
    ...{ key: compared.key, ours: side('our'), theirs: side('their'), onlyOurs, onlyTheirs },
    ...{ columns: differences, notCompared, samples: rows.map((row) => sampleOf(row, compared.key, columns)) },
    agrees: onlyOurs === 0 && onlyTheirs === 0 && differences.every(({ different }) => different === 0),
  };
}

function defaultKey({ columns }: TableSpec): readonly string[] {
  const id = columns.find(({ role }) => role === 'change_id');
  return id === undefined ? ['kafka_partition', 'kafka_offset'] : [id.name];
}

function namesOf(list: string | undefined): readonly string[] | undefined {
  return list?.split(',').map((name) => name.trim());
}

/** `amt=amount,ts=event_time` → pairs of their and our name */
function renamesOf(pairs: string | undefined): readonly (readonly string[])[] {
  const names = namesOf(pairs)?.map((pair) => pair.split('=')) ?? [];
  const wrong = names.find((pair) => pair.length !== 2 || pair.includes(''));
  if (wrong === undefined) return names;
  throw new SluiceError('SLUICE_CONFIG', `--rename ${wrong.join('=')}: must be theirs=ours, with commas between`);
}

/** @throws SluiceError SLUICE_CONFIG if a column of the key, or one that an option names, is not in both */
async function comparedColumns(client: SqlClient, compared: Compared, asked: readonly string[] | undefined) {
  const [ours, theirs] = [await typesOf(client, compared.ours), await typesOf(client, compared.theirs)];
  const needed = [...compared.key, ...(asked ?? [])];
  requireColumns('the table', ours, needed);
  requireColumns('the Parquet files', theirs, needed);
  const columns: ComparedColumn[] = [];
  const notCompared: string[] = [];
  for (const name of asked ?? new Set([...ours.keys(), ...theirs.keys()])) {
    if (compared.key.includes(name)) continue;
    const [our, their] = [ours.get(name), theirs.get(name)];
    const column = our && their && comparison(name, our, their);
    if (column !== undefined) columns.push(column);
    else if (our && their) notCompared.push(`${name} (nested on one side)`);
    else notCompared.push(`${name} (${our ? 'only here' : 'only there'})`);
  }
  return { columns, notCompared };
}

/** @throws SluiceError SLUICE_CONFIG */
function requireColumns(where: string, types: ReadonlyMap<string, unknown>, names: readonly string[]): void {
  const missing = names.find((name) => !types.has(name));
  if (missing === undefined) return;
  const known = [...types.keys()].join(', ');
  throw new SluiceError('SLUICE_CONFIG', `no column ${missing} in ${where}: give --key or --rename, of ${known}`);
}

async function typesOf(client: SqlClient, relation: string) {
  const { columns, types } = await client.query(`FROM ${relation} LIMIT 0`);
  return new Map(columns.map((name, index) => [name, types[index]]));
}

function sampleOf(row: Record<string, unknown>, key: readonly string[], columns: readonly ComparedColumn[]): Sample {
  const value = (side: string, index: number) => row[`${side}${index}`] as string | null;
  const differing = columns.flatMap(({ name }, index) =>
    row[`d${index}`] === true ? [[name, { ours: value('o', index), theirs: value('t', index) }] as const] : [],
  );
  return {
    key: Object.fromEntries(key.map((name, index) => [name, String(row[`k${index}`])])),
    in: row.ours !== true ? 'theirs' : row.theirs === true ? 'both' : 'ours',
    columns: Object.fromEntries(differing),
  };
}

function textOf(difference: Difference, width: number | undefined): string {
  const { key, ours, theirs, onlyOurs, onlyTheirs, columns, notCompared, samples, agrees } = difference;
  const n = inThousands;
  const counts = [
    ['rows', n(ours.rows), n(theirs.rows)],
    [`rows without ${key.join(', ')}`, n(ours.rowsWithoutKey), n(theirs.rowsWithoutKey)],
    [`values of ${key.join(', ')}`, n(ours.keys), n(theirs.keys)],
    ['only on this side', n(onlyOurs), n(onlyTheirs)],
  ];
  const values = columns.map(({ column, ourSum, theirSum, different }) => [
    ...[column, n(different), ourSum ?? '', theirSum ?? ''],
  ]);
  const shown = samples.flatMap(({ key, in: where, columns }) => {
    const name = Object.values(key).join(', ');
    if (where !== 'both') return [[name, where === 'ours' ? 'only here' : 'only there', '', '']];
    return Object.entries(columns).map(([column, { ours, theirs }]) => [name, column, ours, theirs]);
  });
  const table = (head: string[], rows: unknown[][]) => drawTable(head, rows as string[][], rows.length, width);
  return [
    table(['', 'here', 'there'], counts),
    table(['column', 'keys with other values', 'sum here', 'sum there'], values),
    ...(notCompared.length > 0 ? [`not compared: ${notCompared.join(', ')}\n`] : []),
    ...(shown.length > 0 ? [table([key.join(', '), 'differs', 'here', 'there'], shown)] : []),
    agrees ? 'both agree\n' : 'they differ\n',
  ].join('\n');
}
