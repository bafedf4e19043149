/** What the page says of the whole input, and what can be done with it. */
import { useState } from 'preact/hooks';
import { download } from './download.js';
import type { EngineClient } from './engine-client.js';
import type { Speed, Summary } from './protocol.js';
import { number } from './results.js';

interface ToldProps {
  readonly summary: Summary | undefined;
  readonly isReading: boolean;
  readonly hasSpecError: boolean;
}

export function Told({ summary, isReading, hasSpecError }: ToldProps) {
  const text = () => {
    if (summary === undefined) return hasSpecError ? 'The spec is not valid.' : 'Reading…';
    const { messages, bytes, rows, rowsWithIssues, counts } = summary;
    const others = Object.entries(counts).filter(([status, count]) => status !== 'ok' && count > 0);
    return [
      `${number(messages)} messages, ${number(bytes)} bytes`,
      `${number(rows)} rows`,
      rowsWithIssues > 0 && `${number(rowsWithIssues)} of them with issues`,
      ...others.map(([status, count]) => `${number(count)} ${status}`),
      hasSpecError ? 'with the spec before: this one is not valid' : isReading && 'reading…',
    ]
      .filter(Boolean)
      .join(' · ');
  };
  return (
    <p class="told" role="status">
      {text()}
    </p>
  );
}

interface ActionsProps {
  readonly engine: EngineClient;
  readonly summary: Summary;
  readonly onFailure: (failure: Error) => void;
}

export function Actions({ engine, summary, onFailure }: ActionsProps) {
  const [speed, setSpeed] = useState<Speed>();
  const [busy, setBusy] = useState<string>();
  const doing = async (what: string, action: () => Promise<void>) => {
    setBusy(what);
    try {
      await action();
    } catch (thrown) {
      onFailure(thrown as Error);
    }
    setBusy(undefined);
  };
  const measure = () => doing('Measuring…', async () => setSpeed(await engine.call('measure')));
  const save = () =>
    doing('Writing Parquet…', async () =>
      download('rows.parquet', await engine.call('parquet'), 'application/octet-stream'),
    );
  return (
    <div class="actions">
      <button type="button" disabled={busy !== undefined || summary.messages === 0} onClick={measure}>
        Measure the speed
      </button>
      <button type="button" disabled={busy !== undefined || summary.rows === 0} onClick={save}>
        Download Parquet
      </button>
      <span role="status">{busy ?? (speed && <SpeedText speed={speed} />)}</span>
    </div>
  );
}

function SpeedText({ speed: { bytes, messages, seconds, roundBytes, repeats } }: { readonly speed: Speed }) {
  const megabytes = (count: number) => `${(count / 1e6).toFixed(1)} MB`;
  const input = repeats >= 1 ? `the input ${number(Math.round(repeats))} times` : 'the beginning of the input';
  return (
    <>
      <strong>{(bytes / seconds / 1e9).toFixed(2)} GB/s</strong>, {number(Math.round(messages / seconds))} messages/s:
      the kernel alone, JSON to Arrow in memory, on one thread of this browser, warm. It read {megabytes(roundBytes)} (
      {input}) again and again, {megabytes(bytes)} in {seconds.toFixed(1)} s.
    </>
  );
}
