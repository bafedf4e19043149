/** The bytes of a message as text, with the one that is to blame marked. */

/** What is shown on each side of the marked byte. */
const AROUND_BYTES = 240;
const CONTINUATION = 0b1000_0000;

interface BytesProps {
  readonly bytes: Uint8Array;
  /** The byte to mark; its length: the message ends too early; undefined: none. */
  readonly mark?: number | undefined;
}

export function Bytes({ bytes, mark }: BytesProps) {
  const middle = mark ?? 0;
  const from = characterStart(bytes, Math.max(0, middle - AROUND_BYTES));
  const to = Math.min(bytes.length, middle + AROUND_BYTES * (mark === undefined ? 4 : 1));
  const end = mark === undefined ? from : characterEnd(bytes, mark);
  return (
    <div class="bytes">
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <section tabIndex={0} aria-label="bytes of the message">
        <pre>
          {from > 0 && <span class="faint">… {from} bytes before </span>}
          {mark !== undefined && textOf(bytes.subarray(from, mark))}
          {mark !== undefined && <mark>{mark < bytes.length ? textOf(bytes.subarray(mark, end)) : ' end '}</mark>}
          {textOf(bytes.subarray(end, to))}
          {to < bytes.length && <span class="faint"> {bytes.length - to} bytes after …</span>}
        </pre>
      </section>
      {mark !== undefined && <p class="faint">{describeByte(bytes, mark)}</p>}
    </div>
  );
}

function describeByte(bytes: Uint8Array, mark: number): string {
  if (mark >= bytes.length) return `It ends at byte ${bytes.length}, where more was expected.`;
  return `Byte ${mark} of ${bytes.length} is 0x${hex(bytes[mark])}: here it stops being acceptable.`;
}

function isContinuation(byte: number): boolean {
  return (byte & 0b1100_0000) === CONTINUATION;
}

/** The start of the character that a byte belongs to. */
function characterStart(bytes: Uint8Array, at: number): number {
  let start = at;
  while (start > 0 && at - start < 3 && isContinuation(bytes[start])) start--;
  return start;
}

/** One byte, or the whole character that begins there. */
function characterEnd(bytes: Uint8Array, at: number): number {
  let end = at + 1;
  if (bytes[at] >= 0b1100_0000) while (end < bytes.length && end - at < 4 && isContinuation(bytes[end])) end++;
  return end;
}

/** As UTF-8; what is none, and control characters, as `\xNN`. */
function textOf(bytes: Uint8Array): string {
  try {
    return escaped(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return Array.from(bytes, (byte) =>
      byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : `\\x${hex(byte)}`,
    ).join('');
  }
}

function escaped(text: string): string {
  const shown = (character: string) => (/[\n\t]/.test(character) ? character : `\\x${hex(character.charCodeAt(0))}`);
  return text.replace(/\p{Cc}/gu, shown);
}

export function hex(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
