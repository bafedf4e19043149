/** Text in lines, as they come over a socket. */

const NEWLINE = 0x0a;

/**
 * The lines of a stream of UTF-8, without their ends; a last line without one was cut off, and is left out. Only a
 * newline ends a line: Node's readline also splits at U+2028, which JSON has within its texts, and it reads far ahead
 * of a slow consumer.
 */
export async function* linesOf(stream: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let begun: Uint8Array[] = [];
  for await (const bytes of stream) {
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end !== -1; end = bytes.indexOf(NEWLINE, start)) {
      begun.push(bytes.subarray(start, end));
      yield Buffer.concat(begun).toString();
      begun = [];
      start = end + 1;
    }
    if (start < bytes.length) begun.push(bytes.subarray(start));
  }
}
