/** What a run does now: figures, the last minutes of them, partitions, commits. */
import type { ComponentChildren } from 'preact';
import type { Snapshot } from '../../src/http/snapshot.js';
import { Chart, type ChartSeries } from './chart.js';
import { count, duration, mebibytes, short, time } from './format.js';
import { boundOf, type History, inBars, meanOfLast, STAGES } from './history.js';
import { ResultTableView } from './result-table.js';
import { useQuery } from './use-query.js';

/** Of figures: less than this jumps too much to be read. */
const MEAN_SECONDS = 10;
const BAR_SECONDS = 5;
/** How often commits are asked for at most, in milliseconds. */
const COMMITS_EVERY_MS = 5000;
const MAX_ROWS = 64;

const COMMITS = `SELECT max(committed_at)::TIMESTAMP(0)::VARCHAR AS "committed (UTC)", count(*) AS batches,
  sum(rows_consumed)::BIGINT AS messages, sum(rows_merged)::BIGINT AS rows, sum(rows_duplicate)::BIGINT AS duplicates,
  sum(rows_quarantined)::BIGINT AS quarantined
FROM sluice.batches GROUP BY commit_id ORDER BY max(committed_at) DESC LIMIT 12`;

export function LiveView({ history }: { readonly history: History }) {
  const { latest } = history;
  if (latest === undefined) return <p>Waiting for the first figures …</p>;
  return (
    <>
      <Figures history={history} latest={latest} />
      <div class="charts">
        <Series title="Throughput" unit="messages per second" history={history} values={history.eventsPerSecond} />
        <Series title="Lag" unit="messages not yet committed" history={history} values={history.lag} />
        <Series
          title="Latency of commits"
          unit="time in DuckDB for each"
          history={history}
          values={history.commitSeconds}
          format={duration}
        />
        <Latencies history={history} bounds={latest.latency.bounds} />
        <Stages history={history} />
      </div>
      <Partitions latest={latest} />
      <Commits version={Math.floor(latest.atMs / COMMITS_EVERY_MS)} commits={latest.commits} />
    </>
  );
}

function Figures({ history, latest }: { readonly history: History; readonly latest: Snapshot }) {
  const events = meanOfLast(history.eventsPerSecond, MEAN_SECONDS) ?? 0;
  const bytes = meanOfLast(history.bytesPerSecond, MEAN_SECONDS) ?? 0;
  const commit = meanOfLast(history.commitSeconds, 60);
  const watermarks = latest.partitions.flatMap(({ watermarkSeconds }) => watermarkSeconds ?? []);
  const age = watermarks.length === 0 ? undefined : latest.atMs / 1e3 - Math.max(...watermarks);
  const aged = latest.lagAgeSeconds !== null && latest.lagAgeSeconds > 15;
  return (
    <dl class="figures">
      <Figure name="Messages per second" value={count(events)} note={`${mebibytes(bytes)} per second`} />
      <Figure
        name="Lag"
        value={count(latest.lag)}
        note={aged ? `as of ${duration(latest.lagAgeSeconds ?? 0)} ago` : 'messages to commit'}
      />
      <Figure
        name="A commit takes"
        value={commit === undefined ? '–' : duration(commit)}
        note={`${count(latest.commits)} commits`}
      />
      <Figure name="Watermark" value={age === undefined ? '–' : duration(Math.max(0, age))} note="ago, by event time" />
      <Figure name="Rows" value={count(latest.merged)} note={`${count(latest.duplicate)} duplicates`} />
      <Figure name="Quarantined" value={count(latest.quarantined)} note={`of ${count(latest.events)} messages`} />
    </dl>
  );
}

function Figure({ name, value, note }: { readonly name: string; readonly value: string; readonly note: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        <strong>{value}</strong> <span class="faint">{note}</span>
      </dd>
    </div>
  );
}

interface SeriesProps {
  readonly title: string;
  readonly unit: string;
  readonly history: History;
  readonly values: readonly (number | null)[];
  readonly format?: (value: number) => string;
}

const LINE: readonly ChartSeries[] = [{ colour: 'var(--accent)', kind: 'line' }];

function Series({ title, unit, history, values, format = short }: SeriesProps) {
  return (
    <Panel title={title} unit={unit}>
      <Chart series={LINE} data={[[...history.times], [...values]]} format={format} />
    </Panel>
  );
}

function Panel(props: { readonly title: string; readonly unit: string; readonly children: ComponentChildren }) {
  return (
    <figure>
      <figcaption>
        <h2>{props.title}</h2> <span class="faint">{props.unit}</span>
      </figcaption>
      {props.children}
    </figure>
  );
}

const BARS: readonly ChartSeries[] = [{ colour: 'var(--accent)', kind: 'bars' }];

function Latencies({ history, bounds }: { readonly history: History; readonly bounds: readonly number[] }) {
  const counts = history.lastLatencies();
  const messages = counts.reduce((sum, one) => sum + one, 0);
  const atMost = (bound: number) => duration(bound).replace('.0 ', ' ');
  const within = (share: number) => {
    const bound = boundOf(share, counts, bounds);
    return bound === undefined ? `not within ${atMost(bounds.at(-1) ?? 0)}` : `within ${atMost(bound)}`;
  };
  return (
    <Panel title="Latency of messages" unit="messages of the last minute, Kafka to commit">
      <Chart series={BARS} data={[counts.map((_, index) => index), counts]} names={[...bounds.map(atMost), 'more']} />
      <p class="faint">
        {messages === 0
          ? 'No messages were committed in the last minute.'
          : `Of ${count(messages)} messages half are ${within(0.5)}, 90 % ${within(0.9)}, 99 % ${within(0.99)}.`}
      </p>
    </Panel>
  );
}

/** From the tallest to the lowest: each bar covers the lower part of the one before. */
const STACK: readonly ChartSeries[] = STAGES.toReversed().map((stage) => ({
  colour: `var(--stage-${stage})`,
  kind: 'bars',
}));

function Stages({ history }: { readonly history: History }) {
  const { times, means } = inBars(
    history.times,
    STAGES.map((stage) => history.stages[stage]),
    BAR_SECONDS,
  );
  const sums = means.map((_, index) => times.map((_, bar) => sumTo(means, index, bar)));
  return (
    <Panel title="Time by stage" unit="seconds per second, of all threads">
      <Chart
        series={STACK}
        data={[times, ...sums.toReversed()]}
        height={140}
        margin={BAR_SECONDS / 2}
        format={(value) => `${short(value)} s`}
      />
      <ul class="legend">
        {STAGES.map((stage) => (
          <li key={stage}>
            <span class={`swatch stage-${stage}`} /> {stage}{' '}
            <span class="faint">{(meanOfLast(history.stages[stage], MEAN_SECONDS) ?? 0).toFixed(2)}</span>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function sumTo(means: readonly (readonly number[])[], last: number, bar: number): number {
  let sum = 0;
  for (let index = 0; index <= last; index++) sum += means[index][bar];
  return sum;
}

function Partitions({ latest }: { readonly latest: Snapshot }) {
  const rows = latest.partitions.slice(0, MAX_ROWS);
  const most = Math.max(1, ...rows.map(({ lag }) => lag));
  const some = rows.length < latest.partitionCount ? `: ${rows.length} of ${latest.partitionCount}` : '';
  const caption = `Partitions${some}`;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section class="scroll" tabIndex={0} aria-label="Partitions">
      <table class="partitions">
        <caption>{caption}</caption>
        <thead>
          <tr>
            <th scope="col" class="number">
              partition
            </th>
            <th scope="col" class="number">
              next offset
            </th>
            <th scope="col" class="number">
              lag
            </th>
            <th scope="col">
              <span class="hidden">lag as a bar</span>
            </th>
            <th scope="col">watermark (UTC)</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ partition, position, lag, watermarkSeconds }) => (
            <tr key={partition}>
              <th scope="row" class="number">
                {partition}
              </th>
              <td class="number">{count(position)}</td>
              <td class="number">{count(lag)}</td>
              <td>
                <span class="bar" style={{ width: `${((lag / most) * 100).toFixed(1)}%` }} />
              </td>
              <td>{watermarkSeconds === null ? '–' : time(watermarkSeconds)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** Asked anew when there are others, and not too often. */
export function Commits({ version, commits }: { readonly version: number; readonly commits: number }) {
  const { table, problem } = useQuery(COMMITS, commits === 0 ? 0 : version);
  if (problem !== undefined) return <p class="bad">{problem}</p>;
  return <ResultTableView caption="Last commits" columns={table?.columns ?? []} rows={table?.rows ?? []} isGrouped />;
}
