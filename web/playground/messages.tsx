/** Where messages come in: typed, pasted, dropped, or from a file. */
import { useId, useState } from 'preact/hooks';
import type { Delimiter } from '../../src/commands/message-splitter.js';

/** Larger inputs are not put into the field of text, which would take a browser seconds. */
const MAX_TEXT = 1 << 18;
const PREVIEW_BYTES = 2000;

/** Text of the field; or bytes as they are, of which only the beginning is shown. */
export type Input =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'bytes'; readonly name: string; readonly length: number; readonly preview: string };

export interface MessagesProps {
  readonly input: Input;
  readonly delimiter: Delimiter;
  readonly onText: (text: string) => void;
  readonly onBytes: (bytes: Uint8Array, input: Input) => void;
  readonly onDelimiter: (delimiter: Delimiter) => void;
  /** A file cannot be read. */
  readonly onFailure: (failure: Error) => void;
}

export function Messages({ input, delimiter, onText, onBytes, onDelimiter, onFailure }: MessagesProps) {
  const [isOver, setOver] = useState(false);
  const [textId, delimiterId] = [useId(), useId()];
  const take = (bytes: Uint8Array, name: string) => {
    const text = bytes.length <= MAX_TEXT ? asText(bytes) : undefined;
    if (text !== undefined) return onText(text);
    const preview = new TextDecoder().decode(bytes.subarray(0, PREVIEW_BYTES));
    onBytes(bytes, { kind: 'bytes', name, length: bytes.length, preview });
  };
  const takeFile = async (file: File | null | undefined) => {
    if (!file) return;
    try {
      take(new Uint8Array(await file.arrayBuffer()), file.name);
    } catch (thrown) {
      onFailure(thrown as Error);
    }
  };
  const paste = (event: ClipboardEvent) => {
    const text = event.clipboardData?.getData('text/plain') ?? '';
    if (text.length <= MAX_TEXT) return;
    event.preventDefault();
    take(new TextEncoder().encode(text), 'what was pasted');
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    void takeFile(event.dataTransfer?.files[0]);
  };
  const over = (event: DragEvent) => {
    event.preventDefault();
    setOver(true);
  };
  return (
    <section
      class={isOver ? 'panel over' : 'panel'}
      aria-label="Messages"
      onDragOver={over}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <header>
        <h2>
          <label for={textId}>Messages</label>
        </h2>
        <label for={delimiterId}>each ends with</label>
        <select
          id={delimiterId}
          value={delimiter}
          onChange={({ currentTarget }) => onDelimiter(currentTarget.value as Delimiter)}
        >
          <option value="newline">a line break</option>
          <option value="nul">a NUL byte</option>
        </select>
        <label class="button">
          Open a file…
          <input type="file" onChange={({ currentTarget }) => void takeFile(currentTarget.files?.[0])} />
        </label>
      </header>
      <Field input={input} id={textId} onText={onText} onPaste={paste} />
    </section>
  );
}

interface FieldProps extends Pick<MessagesProps, 'input' | 'onText'> {
  readonly id: string;
  readonly onPaste: (event: ClipboardEvent) => void;
}

function Field({ input, id, onText, onPaste }: FieldProps) {
  if (input.kind === 'text') {
    return (
      <textarea
        id={id}
        spellcheck={false}
        placeholder="Paste messages, or drop a file: one JSON object per line"
        value={input.text}
        onInput={({ currentTarget }) => onText(currentTarget.value)}
        onPaste={onPaste}
      />
    );
  }
  return (
    <div class="held">
      <p>
        {input.name}: {input.length.toLocaleString('en-US')} bytes, taken as they are.{' '}
        <button type="button" onClick={() => onText('')}>
          Remove
        </button>
      </p>
      <textarea id={id} readOnly value={input.preview} />
    </div>
  );
}

/** Undefined if a field of text would change it: it has other bytes than UTF-8, other line breaks, or NUL bytes. */
function asText(bytes: Uint8Array): string | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return /[\r\0]/.test(text) ? undefined : text;
  } catch {
    return undefined;
  }
}
