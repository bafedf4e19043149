/** What `sluice status` shows to people, in 80 columns. */
import type { Standing } from './status.js';
import { drawTable } from './text-table.js';

const WIDTH = 80;
const COLUMNS = ['partition', 'position', 'end', 'lag', 'watermark', 'last commit'];

/** Times are UTC; the data directory's path has a line of its own. */
export function statusText(standing: Standing): string {
  const { dataDir, topic, sink, running, partitions, endsUnknown, rows, quarantine } = standing;
  const table = partitions.map(({ partition, position, end, lag, watermark, lastCommit }) => {
    return [partition, position, end, lag, short(watermark), short(lastCommit)];
  });
  const log = inBytes(standing.walBytes, ', write-ahead log ');
  const database = `${inBytes(standing.databaseBytes) || 'in a server'}${log}`;
  const lines = [
    `data directory  ${dataDir}`,
    `topic           ${topic}`,
    `sink            ${sink}, ${running ? 'a process runs on it' : 'at rest'}`,
    ...listed('messages', rows),
    ...listed('quarantine', quarantine),
    `files           ${standing.files ?? 'not known'}${inBytes(standing.fileBytes, ', ')}`,
    `database        ${database}`,
    `newest state    ${standing.stateRows === null ? 'a view' : `a table of ${standing.stateRows} rows`}`,
    ...partitions.flatMap(({ partition, lastReset }) => {
      if (lastReset === null) return [];
      const { from, to, at } = lastReset;
      return [`reset           partition ${partition} from ${from} to ${to}, ${at.slice(0, 19)}Z`];
    }),
    // The reason can be long; --json has all of it.
    ...(endsUnknown === null ? [] : [`end offsets     not known: ${endsUnknown.split(/: /)[0]}`]),
  ];
  return `${lines.join('\n')}\n\n${drawTable(COLUMNS, table, table.length, WIDTH)}`;
}

/** `2026-01-31T10:20:30.000Z` without year and fractions. */
function short(time: string | null): string | null {
  return time === null ? null : time.slice(5, 19).replace('T', ' ');
}

/** A line for each three counts. */
function listed(title: string, counts: Readonly<Record<string, number>>): string[] {
  const texts = Object.entries(counts).map(([name, count]) => `${count} ${name}`);
  if (texts.length === 0) texts.push('none');
  const lines = Array.from({ length: Math.ceil(texts.length / 3) }, (_, line) => texts.slice(line * 3, line * 3 + 3));
  return lines.map((line, index) => `${(index === 0 ? title : '').padEnd(16)}${line.join(', ')}`);
}

function inBytes(bytes: number | null, before = ''): string {
  return bytes === null ? '' : `${before}${(bytes / 1e6).toLocaleString('en-US', { maximumFractionDigits: 1 })} MB`;
}
