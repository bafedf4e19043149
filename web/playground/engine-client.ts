/** The engine as the page has it: each call is a message to the worker. */
import type { EngineCall, EngineCalls, EngineMethod, EngineReply } from './protocol.js';

type Result<Method extends EngineMethod> = Awaited<ReturnType<EngineCalls[Method]>>;

interface Waiting {
  resolve(value: unknown): void;
  reject(failure: Error): void;
}

export class EngineClient {
  readonly #worker = new Worker(new URL('./worker.js', import.meta.url), { type: 'module' });
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;

  constructor() {
    this.#worker.addEventListener('message', ({ data }: MessageEvent<EngineReply>) => {
      const waiting = this.#waiting.get(data.id);
      this.#waiting.delete(data.id);
      if ('failure' in data) waiting?.reject(new Error(data.failure));
      else waiting?.resolve(data.value);
    });
    this.#worker.addEventListener('error', (event) => {
      const failure = new Error(`the worker of this page failed: ${event.message ?? 'it cannot be loaded'}; reload it`);
      for (const { reject } of this.#waiting.values()) reject(failure);
      this.#waiting.clear();
    });
  }

  /** @throws Error that the engine failed with */
  call<Method extends EngineMethod>(method: Method, ...args: Parameters<EngineCalls[Method]>): Promise<Result<Method>> {
    const id = this.#calls++;
    const call: EngineCall = { id, method, args };
    // Bytes are given away, not copied.
    const transfer = args.flatMap((arg) => (arg instanceof Uint8Array ? [arg.buffer] : []));
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject });
      this.#worker.postMessage(call, { transfer });
    });
  }
}
