/** How fast the kernel alone is, on messages that it reads again and again. */
import { append } from '../../src/commands/message-reader.js';
import { type Delimiter, messagesOf, TOO_LARGE } from '../../src/commands/message-splitter.js';
import { Chunk } from '../../src/core/chunk.js';
import type { Kernel } from '../../src/kernel/kernel.js';
import type { Speed } from './protocol.js';

/** What a round has at least, if there is a message at all, and at most. */
const MIN_ROUND_BYTES = 8 << 20;
const MAX_ROUND_BYTES = 32 << 20;
/** Before the clock starts: engines compile what runs often once more. */
const WARM_UP_MS = 500;
const MEASURED_MS = 1000;

/** Splitting the input, and all that the page does with rows, is not in the time. */
export function measure(kernel: Kernel, input: Uint8Array, delimiter: Delimiter): Speed {
  const { chunks, inputs } = chunksOf(input, delimiter);
  const roundBytes = chunks.reduce((sum, { valueBytes }) => sum + valueBytes, 0);
  if (roundBytes === 0) return { bytes: 0, messages: 0, seconds: 0, roundBytes, repeats: 0 };
  readFor(kernel, chunks, WARM_UP_MS);
  return { ...readFor(kernel, chunks, MEASURED_MS), roundBytes, repeats: inputs };
}

/** Reads chunk after chunk, at least each of them once. */
function readFor(kernel: Kernel, chunks: readonly Chunk[], milliseconds: number) {
  let [bytes, messages] = [0, 0];
  const start = performance.now();
  let end = start;
  for (let index = 0; index < chunks.length || end - start < milliseconds; index++) {
    const chunk = chunks[index % chunks.length];
    kernel.read(0, [chunk.handle()]);
    bytes += chunk.valueBytes;
    messages += chunk.rows;
    end = performance.now();
  }
  return { bytes, messages, seconds: (end - start) / 1000 };
}

/** The input as often as it takes to fill a round, or its beginning. A message larger than a chunk has its own. */
function chunksOf(input: Uint8Array, delimiter: Delimiter): { chunks: Chunk[]; inputs: number } {
  const chunks = [new Chunk()];
  let [bytes, inputs] = [0, 0];
  do {
    for (const message of messagesOf(input, delimiter)) {
      if (message === TOO_LARGE) continue;
      if (bytes + message.length > MAX_ROUND_BYTES && bytes > 0) return { chunks, inputs: bytes / input.length };
      let chunk = chunks[chunks.length - 1];
      if (!chunk.hasRoomFor(1, message.length, 0)) {
        const usual = new Chunk();
        chunk = message.length > usual.valueCapacity ? new Chunk(1, message.length) : usual;
        chunks.push(chunk);
      }
      append(chunk, message);
      bytes += message.length;
    }
    inputs++;
  } while (bytes > 0 && bytes < MIN_ROUND_BYTES);
  return { chunks: chunks.filter(({ rows }) => rows > 0), inputs };
}
