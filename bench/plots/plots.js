/** Draws what the benchmarks kept: `npm run bench:plots` makes bench/results/<name>.svg of bench/results/<name>.json. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parse, View } from 'vega';
import { compile } from 'vega-lite';

const RESULTS = new URL('../results/', import.meta.url);

const config = {
  background: 'white',
  font: 'sans-serif',
  axis: { labelFontSize: 12, titleFontSize: 12, titleFontWeight: 'normal', labelLimit: 240 },
  legend: { labelFontSize: 12, titleFontSize: 12, titleFontWeight: 'normal' },
  title: { fontSize: 14, anchor: 'start' },
  range: { category: ['#0b6e99', '#d9730d', '#448361', '#9065b0'] },
  bar: { color: '#0b6e99' },
};

/** Bars with their values written at their ends. */
function bars(title, category, sort, { field, axis, format }, width = 320) {
  const encoding = {
    y: { field: category, type: 'nominal', sort, title: null },
    x: { field, type: 'quantitative', title: axis },
  };
  return {
    title,
    width,
    height: { step: 34 },
    layer: [
      { mark: { type: 'bar', height: 20 }, encoding },
      {
        mark: { type: 'text', align: 'left', dx: 4, fontSize: 12 },
        encoding: { ...encoding, text: { field, type: 'quantitative', format } },
      },
    ],
  };
}

/** What is drawn of the figures of each benchmark. */
const PLOTS = {
  peers: () => ({
    hconcat: [
      bars('Throughput', 'name', null, { field: 'rowsPerSecond', axis: 'rows per second', format: ',.0f' }),
      bars('CPU', 'name', null, { field: 'cpuMicros', axis: 'CPU µs per row, whole process tree', format: '.1f' }),
    ],
    spacing: 60,
  }),
  pipeline: () => ({
    ...bars('Time by stage; stages run side by side', 'stage', null, {
      field: 'micros',
      axis: 'µs per row',
      format: '.2f',
    }),
    // The time that a batch waits for a worker costs nothing.
    transform: [{ filter: "datum.stage !== 'wait'" }],
  }),
  sweep: () => ({
    hconcat: [
      { field: 'rowsPerSecond', title: 'Throughput', axis: 'rows per second' },
      { field: 'cpuMicros', title: 'CPU', axis: 'CPU µs per row' },
      { field: 'peakRssMiB', title: 'Memory', axis: 'peak resident MiB' },
    ].map(({ field, title, axis }) => ({
      title,
      width: 240,
      height: 220,
      mark: { type: 'line', point: true },
      encoding: {
        x: { field: 'batch-rows', type: 'ordinal', sort: null, title: 'BATCH_ROWS', axis: { labelAngle: 0 } },
        y: { field, type: 'quantitative', title: axis, scale: { zero: true } },
        color: { field: 'workers', type: 'nominal', title: 'WORKERS' },
      },
    })),
  }),
  growth: () => ({
    title: 'A commit of 245,760 rows as the table grows, time-ordered ids',
    width: 560,
    height: 240,
    mark: { type: 'line', point: true, color: '#0b6e99' },
    encoding: {
      x: { field: 'tableRows', type: 'quantitative', title: 'rows in the table', axis: { format: '~s' } },
      y: { field: 'micros', type: 'quantitative', title: 'µs per row', scale: { zero: true } },
    },
  }),
  latency: () => ({
    title: 'Kafka timestamp to committed row',
    width: 420,
    height: 240,
    transform: [{ fold: ['p50', 'p95', 'p99', 'max'], as: ['percentile', 'milliseconds'] }],
    mark: { type: 'line', point: true },
    encoding: {
      x: { field: 'rate', type: 'ordinal', title: 'events per second', axis: { format: ',', labelAngle: 0 } },
      y: { field: 'milliseconds', type: 'quantitative', title: 'milliseconds', scale: { type: 'log', nice: true } },
      color: { field: 'percentile', type: 'nominal', sort: null, title: null },
    },
  }),
};

for (const [name, plot] of Object.entries(PLOTS)) {
  const source = new URL(`${name}.json`, RESULTS);
  if (!existsSync(source)) continue;
  const { figures } = JSON.parse(readFileSync(source, 'utf8'));
  const { spec } = compile({ ...plot(), data: { values: figures }, padding: 12, config });
  const svg = await new View(parse(spec), { renderer: 'none' }).toSVG();
  writeFileSync(new URL(`${name}.svg`, RESULTS), svg);
  console.log(`bench/results/${name}.svg`);
}
