/** What the kernel made of the messages: rows, and what would go to the quarantine. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { DamagedBytes } from './damaged-bytes.js';
import type { EngineClient } from './engine-client.js';
import type { ShownReject, ShownRow, Summary } from './protocol.js';

const PAGE_ROWS = 100;

const REASONS: Readonly<Record<string, string>> = {
  malformed: 'not JSON, or not UTF-8, at the marked byte',
  not_object: 'JSON, but no object',
  too_large: 'larger than the kernel can read',
  kernel_trap: 'the kernel failed on it, which is a bug of Sluice: report it with the message',
};

export interface ResultsProps {
  readonly engine: EngineClient;
  readonly summary: Summary;
  readonly onFailure: (failure: Error) => void;
}

export function Results({ engine, summary, onFailure }: ResultsProps) {
  const [tab, setTab] = useState<'rows' | 'quarantine'>('rows');
  const rejected = summary.messages - summary.rows - summary.counts.tombstone;
  const buttons = useRef<HTMLDivElement>(null);
  const move = ({ key }: KeyboardEvent) => {
    if (key !== 'ArrowLeft' && key !== 'ArrowRight') return;
    setTab(tab === 'rows' ? 'quarantine' : 'rows');
    buttons.current?.querySelector<HTMLElement>('[aria-selected=false]')?.focus();
  };
  const button = (name: typeof tab, text: string) => (
    <button
      type="button"
      role="tab"
      id={`${name}-tab`}
      aria-controls={`${name}-panel`}
      aria-selected={tab === name}
      tabIndex={tab === name ? 0 : -1}
      onClick={() => setTab(name)}
      onKeyDown={move}
    >
      {text}
    </button>
  );
  return (
    <>
      <div role="tablist" aria-label="What became of the messages" ref={buttons}>
        {button('rows', `Rows (${number(summary.rows)})`)}
        {button('quarantine', `Quarantine (${number(rejected)})`)}
      </div>
      <div role="tabpanel" id="rows-panel" aria-labelledby="rows-tab" hidden={tab !== 'rows'}>
        {tab === 'rows' && <Rows engine={engine} summary={summary} onFailure={onFailure} />}
      </div>
      <div role="tabpanel" id="quarantine-panel" aria-labelledby="quarantine-tab" hidden={tab !== 'quarantine'}>
        {tab === 'quarantine' && <Quarantine engine={engine} summary={summary} onFailure={onFailure} />}
      </div>
    </>
  );
}

function Rows({ engine, summary, onFailure }: ResultsProps) {
  const [from, setFrom] = useState(0);
  const [rows, setRows] = useState<readonly ShownRow[]>([]);
  useEffect(() => setFrom(0), [summary]);
  useEffect(() => {
    engine.call('rows', from, PAGE_ROWS).then(setRows, onFailure);
  }, [summary, from]);
  if (summary.rows === 0) return <p class="none">No message became a row.</p>;
  return (
    <>
      <Pages from={from} total={summary.rows} what="rows" onFrom={setFrom} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by the keyboard */}
      <section class="table" tabIndex={0} aria-label="Rows of the table">
        <table>
          <thead>
            <tr>
              <th scope="col">message</th>
              {summary.columns.map((name) => (
                <th scope="col" key={name}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row key={row.message} row={row} summary={summary} />
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}

function Row({ row: { message, values }, summary }: { readonly row: ShownRow; readonly summary: Summary }) {
  const bits = BigInt(values.issues as string | number);
  const issues = summary.specColumns.filter((_, index) => ((bits >> BigInt(index)) & 1n) === 1n);
  return (
    <tr>
      <th scope="row">{number(message + 1)}</th>
      {summary.columns.map((name) => {
        const value = values[name];
        if (name === 'issues')
          return <td key={name}>{issues.length > 0 && <em class="issue">{issues.join(', ')}</em>}</td>;
        if (value === null) {
          return (
            <td key={name}>
              <span class={issues.includes(name) ? 'issue' : 'null'}>null</span>
            </td>
          );
        }
        return (
          <td key={name} title={String(value)}>
            {String(value)}
          </td>
        );
      })}
    </tr>
  );
}

function Quarantine({ engine, summary, onFailure }: ResultsProps) {
  const [from, setFrom] = useState(0);
  const [rejects, setRejects] = useState<readonly ShownReject[]>([]);
  useEffect(() => setFrom(0), [summary]);
  useEffect(() => {
    engine.call('rejects', from, PAGE_ROWS).then(setRejects, onFailure);
  }, [summary, from]);
  const rejected = summary.messages - summary.rows - summary.counts.tombstone;
  if (rejected === 0) return <p class="none">No message would go to the quarantine.</p>;
  return (
    <>
      {rejected > summary.rejectsKept && (
        <p class="none">Of these the first {number(summary.rejectsKept)} are shown.</p>
      )}
      <Pages from={from} total={summary.rejectsKept} what="messages" onFrom={setFrom} />
      <ol class="rejects">
        {rejects.map((reject) => (
          <li key={reject.message}>
            <p>
              Message {number(reject.message + 1)}: <strong>{reject.status}</strong>
              {reject.position >= 0 && ` at byte ${number(reject.position)} of ${number(reject.length)}`}
              {' – '}
              {reject.status === 'missing_required'
                ? `column ${reject.column} is required, and its field is missing or null`
                : REASONS[reject.status]}
            </p>
            <DamagedBytes {...reject} />
          </li>
        ))}
      </ol>
    </>
  );
}

interface PagesProps {
  readonly from: number;
  readonly total: number;
  readonly what: string;
  readonly onFrom: (from: number) => void;
}

function Pages({ from, total, what, onFrom }: PagesProps) {
  if (total <= PAGE_ROWS) return null;
  return (
    <nav class="pages" aria-label={`Pages of ${what}`}>
      <button type="button" disabled={from === 0} onClick={() => onFrom(from - PAGE_ROWS)}>
        Previous
      </button>
      <span>
        {number(from + 1)} – {number(Math.min(from + PAGE_ROWS, total))} of {number(total)}
      </span>
      <button type="button" disabled={from + PAGE_ROWS >= total} onClick={() => onFrom(from + PAGE_ROWS)}>
        Next
      </button>
    </nav>
  );
}

export function number(value: number): string {
  return value.toLocaleString('en-US');
}
