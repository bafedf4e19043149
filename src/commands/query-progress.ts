/** How far a query is. */
import { inThousands, type ProgressLine, stopwatch } from '../core/progress-line.js';
import type { QueryArrow, QueryRows, QuerySettings } from '../query/read-only.js';
import type { SqlClient } from '../query/sql-client.js';

/** Asks another client, and shows seconds and rows so far until it is closed. */
export class WatchedClient implements SqlClient {
  readonly #client: SqlClient;
  readonly #end: () => void;
  #rows = 0;

  constructor(client: SqlClient, progress: ProgressLine) {
    this.#client = client;
    const seconds = stopwatch();
    this.#end = progress.show({ text: () => `${seconds()}  ${inThousands(this.#rows)} rows` });
  }

  get live(): boolean {
    return this.#client.live;
  }

  async query(sql: string, settings?: QuerySettings): Promise<QueryRows> {
    const result = await this.#client.query(sql, settings);
    return { ...result, batches: this.#counted(result.batches, (rows) => rows.length) };
  }

  async arrow(sql: string, settings?: QuerySettings): Promise<QueryArrow> {
    const { MessageReader } = await import('apache-arrow');
    const result = await this.#client.arrow(sql, settings);
    const rowsIn = (piece: Uint8Array) => {
      const message = new MessageReader(piece).readMessage();
      return message?.isRecordBatch() ? Number(message.header().length) : 0;
    };
    return { ...result, pieces: this.#counted(result.pieces, rowsIn) };
  }

  close(): void {
    this.#end();
    this.#client.close();
  }

  async *#counted<T>(blocks: AsyncIterable<T>, rowsIn: (block: T) => number): AsyncGenerator<T> {
    for await (const block of blocks) {
      this.#rows += rowsIn(block);
      yield block;
    }
  }
}
