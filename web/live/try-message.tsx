/** A message to edit, as text or as bytes, and what the kernel makes of it. */
import { useState } from 'preact/hooks';
import type { Outcome } from '../../src/http/snapshot.js';
import { Bytes, hex } from '../common/bytes.js';
import { tryMessage } from './api.js';
import { ResultTableView } from './result-table.js';

interface TryProps {
  readonly value: Uint8Array;
  /** In base64. */
  readonly messageKey: string | null;
}

type Form = 'text' | 'bytes';

interface Tried {
  readonly value: Uint8Array;
  readonly outcome: Outcome;
}

export function TryMessage({ value, messageKey }: TryProps) {
  const [form, setForm] = useState<Form>(asText(value) === undefined ? 'bytes' : 'text');
  const [draft, setDraft] = useState(() => asText(value) ?? asHex(value));
  const [tried, setTried] = useState<Tried>();
  const [problem, setProblem] = useState<string>();
  const change = (to: Form) => {
    const bytes = bytesOf(draft, form);
    const text = bytes && (to === 'bytes' ? asHex(bytes) : asText(bytes));
    if (text === undefined) return setProblem(to === 'text' ? 'These bytes are no UTF-8.' : 'This is no text.');
    setProblem(undefined);
    setForm(to);
    setDraft(text);
  };
  const attempt = async (event: Event) => {
    event.preventDefault();
    const bytes = bytesOf(draft, form);
    if (bytes === undefined) return setProblem('Bytes are pairs of hexadecimal digits, such as 7b 7d.');
    try {
      setTried({ value: bytes, outcome: await tryMessage(bytes, messageKey) });
      setProblem(undefined);
    } catch (thrown) {
      setProblem((thrown as Error).message);
    }
  };
  return (
    <form onSubmit={attempt}>
      <fieldset class="choice">
        <legend class="hidden">Edit it as</legend>
        {(['text', 'bytes'] as const).map((each) => (
          <label key={each}>
            <input type="radio" name="form" checked={form === each} onChange={() => change(each)} /> {each}
          </label>
        ))}
      </fieldset>
      <label class="field">
        <span class="hidden">The message, to be edited</span>
        <textarea rows={9} spellcheck={false} value={draft} onInput={(event) => setDraft(event.currentTarget.value)} />
      </label>
      <button type="submit">Try</button>
      <div role="status">
        {problem !== undefined && <p class="bad">{problem}</p>}
        {tried !== undefined && <Result {...tried} />}
      </div>
    </form>
  );
}

function Result({ value, outcome }: Tried) {
  const { status, row, column, position } = outcome;
  if (row !== undefined) {
    const rows = Object.entries(row);
    return (
      <>
        <p class="good">It becomes a row.</p>
        <ResultTableView caption="The row" columns={['column', 'value']} rows={rows} isCaptionHidden />
      </>
    );
  }
  if (status === 'tombstone') return <p class="good">It is a tombstone.</p>;
  return (
    <>
      <p class="bad">
        It would be quarantined: <code>{status}</code>
        {column !== undefined && `, for want of ${column}`}
      </p>
      {position !== undefined && <Bytes bytes={value} mark={position} />}
    </>
  );
}

function asText(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function asHex(bytes: Uint8Array): string {
  return Array.from(bytes, hex).join(' ');
}

function bytesOf(draft: string, form: Form): Uint8Array | undefined {
  if (form === 'text') return new TextEncoder().encode(draft);
  const digits = draft.replace(/\s+/g, '');
  if (!/^([0-9a-f]{2})*$/i.test(digits)) return undefined;
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
