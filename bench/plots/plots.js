/**
 * Draws what the benchmarks kept: `npm run bench:plots` makes an SVG of each JSON of bench/results.
 * Each says when, where and of which commit its figures are; the console, how much of what it measures was changed since.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parse, View } from 'vega';
import { compile } from 'vega-lite';

const RESULTS = new URL('../results/', import.meta.url);
/** The code that every benchmark measures. */
const MEASURED = ['src', 'kernels', 'native'];

const config = {
  background: 'white',
  font: 'sans-serif',
  axis: {
    labelFontSize: 12,
    titleFontSize: 12,
    titleFontWeight: 'normal',
    labelLimit: 300,
    grid: true,
    gridOpacity: 0.5,
  },
  legend: { labelFontSize: 12, titleFontSize: 12, titleFontWeight: 'normal' },
  title: { fontSize: 14, anchor: 'start', subtitleFontSize: 12, subtitleColor: '#555' },
  range: { category: ['#0b6e99', '#d9730d', '#448361', '#9065b0'] },
  bar: { color: '#0b6e99' },
};

/** Plain names of the programs of bench/peers.ts. */
const PEERS = {
  sluice: 'Sluice',
  'plain.py both': 'Python script with DuckDB, not exactly once',
  'Spark udf duck-parquet': 'Spark Structured Streaming, Python UDF',
};

/**
 * Bars with their values beside them, within the frame: the axis is longer than the longest bar.
 * @param spread fields of the lowest and the highest round, drawn as a line over the bar
 */
function bars({ title, values, category, field, axis, format, spread, showNames = true, width = 320 }) {
  const most = Math.max(...values.map((value) => value[spread?.[1] ?? field]));
  const scale = { domain: [0, most * 1.25], nice: false };
  const y = { field: category, type: 'nominal', sort: null, title: null, axis: showNames ? { labelLimit: 0 } : null };
  const x = { field, type: 'quantitative', title: axis, scale };
  // Beside the line of the spread, if there is one.
  const end = { field: spread?.[1] ?? field, type: 'quantitative', title: axis, scale };
  return {
    title,
    width,
    height: { step: 34 },
    data: { values },
    layer: [
      { mark: { type: 'bar', height: 20 }, encoding: { y, x } },
      ...(spread === undefined
        ? []
        : [
            {
              mark: { type: 'rule', color: '#1f2328', strokeWidth: 1.5 },
              encoding: { y, x: { ...x, field: spread[0] }, x2: { field: spread[1] } },
            },
          ]),
      {
        mark: { type: 'text', align: 'left', dx: 5, fontSize: 12 },
        encoding: { y, x: end, text: { field, type: 'quantitative', format } },
      },
    ],
  };
}

/** What is drawn of the figures of each benchmark. */
const PLOTS = {
  peers: (figures) => {
    const values = figures.map(({ name, ...others }) => ({ ...others, name: PEERS[name] ?? name }));
    const of = { values, category: 'name' };
    return {
      title: 'Kafka to Parquet and DuckDB on two cores, the broker beside it',
      hconcat: [
        bars({
          ...{
            ...of,
            title: 'Throughput, median and spread',
            field: 'rowsPerSecond',
            axis: 'rows per second',
            format: ',.0f',
          },
          ...(values.every(({ highest }) => highest !== undefined) && { spread: ['lowest', 'highest'] }),
        }),
        bars({
          ...{ ...of, title: 'CPU time, whole process tree', field: 'cpuMicros', axis: 'µs per row', format: '.1f' },
          ...{ showNames: false, width: 240 },
        }),
      ],
      spacing: 40,
    };
  },
  pipeline: (figures) => ({
    ...bars({
      title: 'Time by stage; stages run side by side',
      // The time that a batch waits for a worker costs nothing.
      values: figures.filter(({ stage }) => stage !== 'wait'),
      ...{ category: 'stage', field: 'micros', axis: 'µs per row', format: '.2f' },
    }),
  }),
  sweep: (figures) => ({
    title: 'Batch size and workers',
    data: { values: figures },
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
  growth: (figures) => ({
    title: 'A commit of 245,760 rows as the table grows, time-ordered ids',
    data: { values: figures },
    width: 560,
    height: 240,
    mark: { type: 'line', point: true, color: '#0b6e99' },
    encoding: {
      x: { field: 'tableRows', type: 'quantitative', title: 'rows in the table', axis: { format: '~s' } },
      y: { field: 'micros', type: 'quantitative', title: 'µs per row', scale: { zero: true } },
    },
  }),
  latency: (figures) => latency('Kafka timestamp to committed row', figures),
  'capture-latency': (figures) => latency('Write to MongoDB to committed row', figures),
};

function latency(title, figures) {
  return {
    title,
    data: { values: figures },
    width: 420,
    height: 240,
    transform: [{ fold: ['p50', 'p95', 'p99', 'max'], as: ['percentile', 'milliseconds'] }],
    mark: { type: 'line', point: true },
    encoding: {
      x: { field: 'rate', type: 'ordinal', title: 'events per second', axis: { format: ',', labelAngle: 0 } },
      y: {
        ...{ field: 'milliseconds', type: 'quantitative', title: 'milliseconds, logarithmic' },
        scale: { type: 'log', nice: true },
        axis: { tickCount: 5, format: ',' },
      },
      color: { field: 'percentile', type: 'nominal', sort: null, title: null },
    },
  };
}

/** Says on the console if the figures are of other code than that of this clone: in an SVG it would soon be wrong. */
function warnOfChanges(name, commit) {
  const since = changesSince(commit.replace('-dirty', ''));
  if (since === undefined) console.warn(`${name}: commit ${commit} is not known here`);
  else if (since > 0) console.warn(`${name}: ${since} commits after ${commit} change what is measured`);
}

/** Undefined if the commit is not in this clone. */
function changesSince(commit) {
  try {
    const args = ['rev-list', '--count', `${commit}..HEAD`, '--', ...MEASURED];
    const root = new URL('../..', import.meta.url);
    return Number(execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return undefined;
  }
}

for (const [name, plot] of Object.entries(PLOTS)) {
  const source = new URL(`${name}.json`, RESULTS);
  if (!existsSync(source)) continue;
  const { figures, machine, date, commit } = JSON.parse(readFileSync(source, 'utf8'));
  const { title, ...drawn } = plot(figures);
  const { spec } = compile({
    ...drawn,
    title: { text: title, subtitle: `${date}, commit ${commit}, ${machine}`, offset: 16 },
    padding: 12,
    config,
  });
  const svg = await new View(parse(spec), { renderer: 'none' }).toSVG();
  writeFileSync(new URL(`${name}.svg`, RESULTS), svg);
  console.log(`bench/results/${name}.svg`);
  warnOfChanges(name, commit);
}
