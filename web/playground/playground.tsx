/** The page: messages and a spec in, rows out. */
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Delimiter } from '../../src/commands/message-splitter.js';
import { PRESETS } from '../../src/schema/presets.js';
import { EngineClient } from './engine-client.js';
import { type Input, Messages } from './messages.js';
import type { Speed, Summary } from './protocol.js';
import { number, Results } from './results.js';
import { SAMPLES } from './samples.js';
import { SpecEditor } from './spec-editor.js';

const FIRST_PRESET = 'capture';
/** After the last change. */
const DELAY_MS = 200;

export function Playground() {
  const engine = useMemo(() => new EngineClient(), []);
  const [given, setGiven] = useState({ text: presetText(FIRST_PRESET) });
  const [spec, setSpec] = useState(given.text);
  const [input, setInput] = useState<Input>({ kind: 'text', text: SAMPLES[FIRST_PRESET] });
  const [delimiter, setDelimiter] = useState<Delimiter>('newline');
  const [failure, setFailure] = useState<string>();
  const [preset, setPreset] = useState(FIRST_PRESET);
  const fail = (thrown: Error) => setFailure(thrown.message);
  const { summary, specError, isReading } = useReading(engine, spec, input, delimiter, fail);
  const choose = (name: string) => {
    // The messages are only replaced if they are those that came with a preset.
    if (input.kind === 'text' && input.text === SAMPLES[preset]) setInput({ kind: 'text', text: SAMPLES[name] });
    setPreset(name);
    setGiven({ text: presetText(name) });
  };
  const infer = () => engine.call('infer', delimiter).then((text) => setGiven({ text }), fail);
  const takeBytes = (bytes: Uint8Array, held: Input) => {
    engine.call('setInput', bytes).then(() => setInput(held), fail);
  };
  return (
    <>
      <header class="top">
        <h1>Sluice playground</h1>
        <p>
          What Sluice’s kernel makes of change events, in this browser: the same WebAssembly, as{' '}
          <code>sluice parse</code> runs it. Nothing leaves this page. Messages have no key here, and what comes from
          Kafka is not in the rows.
        </p>
      </header>
      <main>
        {failure !== undefined && (
          <p class="failure" role="alert">
            {failure}{' '}
            <button type="button" onClick={() => setFailure(undefined)}>
              Close
            </button>
          </p>
        )}
        <div class="inputs">
          <Messages
            input={input}
            delimiter={delimiter}
            onText={(text) => setInput({ kind: 'text', text })}
            onBytes={takeBytes}
            onDelimiter={setDelimiter}
            onFailure={fail}
          />
          <section class="panel" aria-label="Table spec">
            <header>
              <h2>Table spec</h2>
              <label for="preset">preset</label>
              <select id="preset" value={preset} onChange={({ currentTarget }) => choose(currentTarget.value)}>
                {Object.keys(PRESETS).map((name) => (
                  <option key={name}>{name}</option>
                ))}
              </select>
              <button type="button" onClick={infer}>
                From the messages
              </button>
              <button type="button" onClick={() => download('spec.json', spec, 'application/json')}>
                Download
              </button>
            </header>
            <SpecEditor given={given} error={specError} onChange={setSpec} />
          </section>
        </div>
        <section class="panel results" aria-label="Results" aria-busy={isReading}>
          <Told summary={summary} isReading={isReading} hasSpecError={specError !== undefined} />
          {summary !== undefined && (
            <>
              <Actions key={summary.milliseconds} engine={engine} summary={summary} onFailure={fail} />
              <Results engine={engine} summary={summary} onFailure={fail} />
            </>
          )}
        </section>
      </main>
    </>
  );
}

/** Reads again after a change; while it reads, changes wait, and only the last one counts. */
function useReading(
  engine: EngineClient,
  spec: string,
  input: Input,
  delimiter: Delimiter,
  onFailure: (failure: Error) => void,
) {
  const [summary, setSummary] = useState<Summary>();
  const [specError, setSpecError] = useState<{ specError: string }>();
  const [isReading, setReading] = useState(true);
  const wanted = useRef<{ spec: string; input: Input; delimiter: Delimiter } | undefined>(undefined);
  const isRunning = useRef(false);
  const sent = useRef<Input | undefined>(undefined);
  const run = async () => {
    if (isRunning.current) return;
    isRunning.current = true;
    for (let next = wanted.current; next !== undefined; next = wanted.current) {
      wanted.current = undefined;
      try {
        // Bytes are there already.
        if (next.input.kind === 'text' && sent.current !== next.input) {
          await engine.call('setInput', new TextEncoder().encode(next.input.text));
        }
        sent.current = next.input;
        const result = await engine.call('read', next.spec, next.delimiter);
        if ('specError' in result) setSpecError(result);
        else [setSpecError(undefined), setSummary(result)];
      } catch (thrown) {
        onFailure(thrown as Error);
      }
    }
    isRunning.current = false;
    setReading(false);
  };
  useEffect(() => {
    setReading(true);
    const timer = setTimeout(() => {
      wanted.current = { spec, input, delimiter };
      void run();
    }, DELAY_MS);
    return () => clearTimeout(timer);
  }, [spec, input, delimiter]);
  return { summary, specError, isReading };
}

interface ToldProps {
  readonly summary: Summary | undefined;
  readonly isReading: boolean;
  readonly hasSpecError: boolean;
}

function Told({ summary, isReading, hasSpecError }: ToldProps) {
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

function Actions({ engine, summary, onFailure }: ActionsProps) {
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

/** As `sluice spec --preset` prints it, less the schema's path, which is of a package. */
function presetText(name: string): string {
  return JSON.stringify(PRESETS[name], null, 2);
}

function download(name: string, content: Uint8Array | string, type: string): void {
  const url = URL.createObjectURL(new Blob([content as BlobPart], { type }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The download has begun by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
