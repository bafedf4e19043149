/** Bytes of a message around the one that is to blame, as two lines of text. */

/** Shown instead of what is left out. */
const MORE = '…';

/**
 * Draws the bytes of a window, the one to blame marked by a caret in the line below. Bytes that are no printable ASCII
 * are shown as DuckDB shows them: `\x0A`.
 * @param bytes of the value from byte `from` on: at least `width` on each side of `position`, as far as there are any
 * @param length of the whole value in bytes
 * @param position of the byte to blame in the value; its length means the end, undefined that no byte is to blame
 * @param width of a line in characters
 */
export function drawWindow(
  bytes: Uint8Array,
  { from, length, position }: { from: number; length: number; position: number | undefined },
  width: number,
): string[] {
  const shown = Array.from(bytes, showByte);
  // One column of each line is for each of the two marks of what is left out, and one for the end.
  const room = width - 3;
  const at = position === undefined ? 0 : position - from;
  let [first, last] = [at, at];
  let used = 0;
  const fits = (index: number) => index >= 0 && index < shown.length && used + shown[index].length <= room;
  if (fits(last)) used += shown[last++].length;
  // Half of the room is for what came before the byte, unless the value ends.
  const before = room / 2;
  while (first > 0 && used + shown[first - 1].length <= before) used += shown[--first].length;
  while (fits(last)) used += shown[last++].length;
  while (fits(first - 1)) used += shown[--first].length;
  const left = from + first > 0 ? MORE : '';
  const right = from + last < length ? MORE : '';
  const line = `${left}${shown.slice(first, last).join('')}${right}`;
  if (position === undefined) return [line];
  const indent = left.length + shown.slice(first, at).reduce((sum, text) => sum + text.length, 0);
  return [line, `${' '.repeat(indent)}${'^'.repeat(Math.max(1, shown[at]?.length ?? 1))}`];
}

function showByte(byte: number): string {
  const isPlain = byte >= 0x20 && byte < 0x7f && byte !== 0x5c;
  return isPlain ? String.fromCharCode(byte) : `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`;
}
