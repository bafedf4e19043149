/** A simple chart of a result: a number over a time, over a number, or for each name. */
import { useMemo, useState } from 'preact/hooks';
import type uPlot from 'uplot';
import type { ResultTable } from '../../src/http/snapshot.js';
import { Chart, type ChartSeries } from './chart.js';
import { isNumericColumn } from './result-table.js';

const LINE: readonly ChartSeries[] = [{ colour: 'var(--accent)', kind: 'line' }];
const BARS: readonly ChartSeries[] = [{ colour: 'var(--accent)', kind: 'bars' }];
/** More bars than this are no longer told apart. */
const MAX_NAMES = 40;

interface Plotted {
  readonly data: uPlot.AlignedData;
  readonly isTime: boolean;
  readonly names?: readonly string[];
}

export function ResultChart({ result }: { readonly result: ResultTable }) {
  const { columns, rows } = result;
  const numeric = columns.flatMap((_, index) => (isNumericColumn(rows, index) ? [index] : []));
  const [chosenX, setX] = useState<number>();
  const [chosenY, setY] = useState<number>();
  const y = numeric.includes(chosenY ?? -1) ? chosenY! : numeric.at(-1);
  const x = chosenX !== undefined && chosenX < columns.length ? chosenX : y === 0 ? Math.min(1, columns.length - 1) : 0;
  const plotted = useMemo(() => (y === undefined ? undefined : plot(result, x, y)), [result, x, y]);
  if (plotted === undefined || rows.length < 2 || columns.length < 2) return null;
  const choice = (label: string, value: number | undefined, set: (value: number) => void, from: readonly number[]) => (
    <label>
      {label}{' '}
      <select value={value} onChange={(event) => set(Number(event.currentTarget.value))}>
        {from.map((index) => (
          <option key={index} value={index}>
            {columns[index]}
          </option>
        ))}
      </select>
    </label>
  );
  return (
    <figure class="result">
      <figcaption class="buttons">
        <span class="hidden">A chart of the rows below:</span>
        {choice('Chart of', y, setY, numeric)}
        {choice(
          'by',
          x,
          setX,
          columns.map((_, index) => index),
        )}
      </figcaption>
      <Chart series={plotted.names ? BARS : LINE} {...plotted} height={220} />
    </figure>
  );
}

function plot({ types, rows }: ResultTable, x: number, y: number): Plotted {
  const ys = rows.map((row) => (row[y] === null ? null : Number(row[y])));
  const isTime = /^(TIMESTAMP|DATE)/.test(types[x]);
  if (!isTime && !isNumericColumn(rows, x)) {
    const names = rows.slice(0, MAX_NAMES).map((row) => String(row[x] ?? '∅'));
    return { data: [names.map((_, index) => index), ys.slice(0, MAX_NAMES)], isTime: false, names };
  }
  const points = rows.map((row, index) => [isTime ? secondsOf(row[x]) : Number(row[x]), ys[index]] as const);
  const sorted = points.filter(([at]) => Number.isFinite(at)).sort(([a], [b]) => a - b);
  return { data: [sorted.map(([at]) => at), sorted.map(([, value]) => value)], isTime };
}

/** Of `2025-06-01 12:00:00+00`, as DuckDB prints times in UTC. */
function secondsOf(value: unknown): number {
  const text = String(value).replace(' ', 'T').replace(/\+00$/, '');
  return Date.parse(text.includes('T') ? `${text}Z` : text) / 1e3;
}
