/** The page: messages and a spec in, rows out. */
import { useMemo, useState } from 'preact/hooks';
import type { Delimiter } from '../../src/commands/message-splitter.js';
import { PRESETS } from '../../src/schema/presets.js';
import { download } from './download.js';
import { EngineClient } from './engine-client.js';
import { type Input, Messages } from './messages.js';
import { Actions, Told } from './outcome.js';
import { useReading } from './reading.js';
import { Results } from './results.js';
import { SAMPLES } from './samples.js';
import { SpecEditor, type SpecEditorProps } from './spec-editor.js';

const FIRST_PRESET = 'capture';

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
          <SpecPanel {...{ given, spec, preset, specError }} onPreset={choose} onInfer={infer} onChange={setSpec} />
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

interface SpecPanelProps extends Pick<SpecEditorProps, 'given' | 'onChange'> {
  readonly spec: string;
  readonly preset: string;
  readonly specError: SpecEditorProps['error'];
  readonly onPreset: (name: string) => void;
  readonly onInfer: () => void;
}

function SpecPanel({ given, spec, preset, specError, onPreset, onInfer, onChange }: SpecPanelProps) {
  return (
    <section class="panel" aria-label="Table spec">
      <header>
        <h2>Table spec</h2>
        <label for="preset">preset</label>
        <select id="preset" value={preset} onChange={({ currentTarget }) => onPreset(currentTarget.value)}>
          {Object.keys(PRESETS).map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <button type="button" onClick={onInfer}>
          From the messages
        </button>
        <button type="button" onClick={() => download('spec.json', spec, 'application/json')}>
          Download
        </button>
      </header>
      <SpecEditor given={given} error={specError} onChange={onChange} />
    </section>
  );
}

/** As `sluice spec --preset` prints it, less the schema's path, which is of a package. */
function presetText(name: string): string {
  return JSON.stringify(PRESETS[name], null, 2);
}
