import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);
import {
  readWhole
} from "./chunk-TFZU5VFI.js";
import {
  backoff,
  raceTimeout,
  withTimeout
} from "./chunk-R4PP75HT.js";
import {
  SluiceError
} from "./chunk-OOJGYMCI.js";

// src/capture/change-stream.ts
import { setTimeout as sleep } from "node:timers/promises";
import { MongoError } from "mongodb";
var HISTORY_LOST = /* @__PURE__ */ new Set([280, 286]);
var IMAGE_LOST = 47;
var TOO_LARGE = 10334;
var ChangeReader = class {
  #source;
  #options;
  #log;
  #stream;
  #coming;
  /** The position after everything that `next` gave, or further if the stream moved on without an event. */
  #start;
  #failures = 0;
  constructor(source, start, options, log) {
    this.#source = source;
    this.#start = start;
    this.#options = options;
    this.#log = log;
  }
  /**
   * The next changes; none where none came within this time.
   * @throws SluiceError SLUICE_HISTORY_LOST, SLUICE_MONGODB for a change that no answer can hold; everything else is
   *   tried again
   */
  async next(waitMs) {
    try {
      this.#coming ??= this.#read();
      const read = await raceTimeout(this.#coming, waitMs);
      if (read === void 0) return [];
      this.#failures = 0;
      if (read.token !== void 0) this.#start = { token: read.token };
      this.#coming = this.#read();
      this.#coming.catch(() => {
      });
      return read.events;
    } catch (thrown) {
      await this.#recover(thrown);
      return [];
    }
  }
  /** The position after everything that `next` gave, also if the stream moved on without an event. */
  get token() {
    return "token" in this.#start ? this.#start.token : void 0;
  }
  async close() {
    const stream = this.#stream;
    this.#stream = void 0;
    this.#coming = void 0;
    await stream?.close().catch(() => {
    });
  }
  /** A batch, and as many more as the last change in it has fragments in. */
  async #read() {
    const { readTimeoutMs } = this.#options;
    this.#stream ??= await withTimeout(this.#source.watch(this.#start, this.#options), readTimeoutMs);
    const stream = this.#stream;
    let batch = await withTimeout(stream.next(), readTimeoutMs);
    let taken = 0;
    const next = async () => {
      if (taken === batch.events.length) {
        batch = await withTimeout(stream.next(), readTimeoutMs);
        taken = 0;
      }
      return batch.events[taken++] ?? null;
    };
    const events = [];
    while (taken < batch.events.length) {
      const event = await readWhole(next);
      if (event !== null) events.push(event);
    }
    return { events, token: batch.token ?? events.at(-1)?.token };
  }
  async #recover(error) {
    await this.close();
    if (error instanceof MongoError && HISTORY_LOST.has(Number(error.code))) {
      const message = `the position of ${this.#source.name} is no longer in the oplog: ${error.message}`;
      throw new SluiceError("SLUICE_HISTORY_LOST", message, { cause: error });
    }
    if (isImageLost(error)) {
      const message = `a document before or after a change of ${this.#source.name} is no longer kept: ${error.message}`;
      throw new SluiceError("SLUICE_HISTORY_LOST", message, { cause: error });
    }
    if (error instanceof MongoError && Number(error.code) === TOO_LARGE) {
      const message = `${this.#source.name}: a change is larger than an answer of the server can be (${error.message}); MongoDB from 6.0.9 or 7.0 on splits such changes`;
      throw new SluiceError("SLUICE_MONGODB", message, { cause: error });
    }
    this.#source.renewAfter(error);
    const backoffMs = backoff(this.#failures++);
    this.#log.warn({ backoffMs }, `MongoDB: ${error.message}; reopening the stream`);
    await sleep(backoffMs);
  }
};
function isImageLost(error) {
  return error instanceof MongoError && Number(error.code) === IMAGE_LOST;
}

export {
  ChangeReader,
  isImageLost
};
//# sourceMappingURL=chunk-BW2NHP6B.js.map
