/** Bytes of a message as text, with the one that is to blame marked. */
import type { ShownReject } from './protocol.js';

export function DamagedBytes({ bytes, start, position, length }: ShownReject) {
  const at = position < 0 ? bytes.length : position - start;
  const [before, after] = [bytes.subarray(0, at), bytes.subarray(at + 1)];
  return (
    <code class="bytes">
      {start > 0 && <Cut bytes={start} />}
      {visible(before)}
      {position >= 0 && <mark>{at < bytes.length ? visible(bytes.subarray(at, at + 1)) : '(end)'}</mark>}
      {visible(after)}
      {start + bytes.length < length && <Cut bytes={length - start - bytes.length} />}
    </code>
  );
}

function Cut({ bytes }: { readonly bytes: number }) {
  return <span class="cut">{`… ${bytes.toLocaleString('en-US')} bytes …`}</span>;
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 as its characters; control characters, and bytes that are no UTF-8, as `\xNN`. */
function visible(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; ) {
    const character = characterAt(bytes, at);
    text += character?.text ?? `\\x${bytes[at].toString(16).padStart(2, '0')}`;
    at += character?.length ?? 1;
  }
  return text;
}

function characterAt(bytes: Uint8Array, at: number): { text: string; length: number } | undefined {
  const first = bytes[at];
  if (first < 0x20 || first === 0x7f) return undefined;
  const length = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  try {
    return { text: utf8.decode(bytes.subarray(at, at + length)), length };
  } catch {
    return undefined;
  }
}
