import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { SluiceError } from '../../src/core/errors.js';
import type { BatchResult, SinkCall, SinkReply } from '../../src/core/flow.js';
import type { SinkClient } from '../../src/sinks/sink-client.js';
import { sinkOptions } from '../support/batches.js';
import { emptyTask, fakeBatch } from '../support/fakes.js';
import { lakeOptions } from '../support/lakes.js';

/** The thread's end of the port: keeps the calls, and says what the test makes it say. */
class FakeWorker extends EventEmitter {
  static last: FakeWorker;
  readonly calls: SinkCall[] = [];
  readonly transferred: ArrayBuffer[][] = [];
  terminated = false;

  constructor() {
    super();
    FakeWorker.last = this;
  }
  postMessage(call: SinkCall, transfer: ArrayBuffer[]) {
    this.calls.push(structuredClone(call, { transfer }));
    this.transferred.push(transfer);
  }
  reply(reply: SinkReply) {
    this.emit('message', structuredClone(reply));
  }
  async terminate() {
    this.terminated = true;
    return 0;
  }
}

vi.doMock('node:worker_threads', () => ({ Worker: FakeWorker }));
const client = await import('../../src/sinks/sink-client.js');

let thread: SinkClient;

beforeEach(() => {
  thread = client.SinkClient.start({ kind: 'duckdb', options: sinkOptions('/x') });
});

describe('SinkClient', () => {
  it('matches replies with calls, in whatever order they come', async () => {
    const [open, commit] = [thread.open(), thread.commit()];
    const worker = FakeWorker.last;
    expect(worker.calls.map(({ method }) => method)).toEqual(['open', 'commit']);
    worker.reply({ id: worker.calls[1].id, ok: true, value: { rowsMerged: 3 } });
    worker.reply({ id: worker.calls[0].id, ok: true, value: [] });
    expect(await commit).toEqual({ rowsMerged: 3 });
    expect(await open).toEqual([]);
  });

  it('hands the buffers of a batch over, and keeps no copy', async () => {
    const arrow = new Uint8Array(8);
    const reject = new Uint8Array(new ArrayBuffer(10), 2, 3);
    const batch: BatchResult = {
      ...(await fakeBatch(emptyTask(2))),
      arrow,
      quarantined: [
        {
          offset: 1,
          timestamp: 0,
          key: reject.subarray(0, 1),
          value: reject,
          status: 'malformed',
          position: 0,
          column: undefined,
        },
        {
          offset: 2,
          timestamp: 0,
          key: null,
          value: reject.subarray(1),
          status: 'malformed',
          position: 0,
          column: undefined,
        },
      ],
    };
    void thread.stage(batch);
    expect(FakeWorker.last.transferred[0]).toHaveLength(2);
    expect([arrow.byteLength, reject.byteLength]).toEqual([0, 0]);
    expect(FakeWorker.last.calls[0].args[0]).toMatchObject({ nextOffset: 2, arrow: new Uint8Array(8) });
  });

  it('keeps the code and the cause of an error', async () => {
    const commit = thread.commit();
    const sent = new SluiceError('SLUICE_FENCED', 'moved', { cause: new Error('below') }).toMessage();
    FakeWorker.last.reply({ id: FakeWorker.last.calls[0].id, ok: false, error: sent });
    const error = await commit.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(SluiceError);
    expect(error).toMatchObject({
      code: 'SLUICE_FENCED',
      message: 'moved',
      cause: expect.stringContaining('below'),
    });
  });

  it.each([
    ['dies of an error', (worker: FakeWorker) => worker.emit('error', new Error('out of memory')), /out of memory/],
    ['ends by itself', (worker: FakeWorker) => worker.emit('exit', 134), /ended with code 134/],
  ])('fails all calls, pending and later, when the thread %s', async (_, end, message) => {
    const pending = [thread.commit(), thread.compact()].map((call) => call.catch((thrown: unknown) => thrown));
    end(FakeWorker.last);
    const failure = { code: 'SLUICE_SINK', message: expect.stringMatching(message) };
    expect(await Promise.all(pending)).toMatchObject([failure, failure]);
    await expect(thread.commit()).rejects.toMatchObject(failure);
    await thread.close();
    expect(FakeWorker.last.terminated).toBe(true);
  });

  it('gives up a lake in Postgres that does not answer, and leaves its thread to the end of the process', async () => {
    vi.useFakeTimers();
    onTestFinished(() => void vi.useRealTimers());
    const start = (catalog: string) =>
      client.SinkClient.start({ kind: 'ducklake', options: { ...lakeOptions('/x', catalog) } });
    const ofFile = start('/x/catalog');
    const waits = vi.fn();
    ofFile.commit().finally(waits);
    const shared = start('postgres:host=db');
    const answered = shared.claim([0]);
    FakeWorker.last.reply({ id: 0, ok: true, value: [] });
    await answered;
    await vi.advanceTimersByTimeAsync(300_000);
    const joining = shared.compact().catch((thrown: unknown) => thrown);
    await vi.advanceTimersByTimeAsync(400_000);
    expect(shared.standstill).toBeUndefined();
    const committing = shared.commit().catch((thrown: unknown) => thrown);
    await vi.advanceTimersByTimeAsync(599_999);
    expect(shared.standstill).toBeUndefined();
    await vi.advanceTimersByTimeAsync(1);
    const failure = { code: 'SLUICE_LAKE', message: expect.stringContaining('has not answered "commit" for 600 s') };
    expect(await Promise.all([committing, joining])).toMatchObject([failure, failure]);
    expect(shared.standstill).toMatchObject(failure);
    await shared.close();
    expect(FakeWorker.last.terminated).toBe(false);
    expect(waits).not.toHaveBeenCalled();
  });

  it('ends the thread after the sink has closed', async () => {
    const closed = thread.close();
    const worker = FakeWorker.last;
    expect(worker.calls.map(({ method }) => method)).toEqual(['close']);
    expect(worker.terminated).toBe(false);
    worker.reply({ id: worker.calls[0].id, ok: true, value: undefined });
    await closed;
    expect(worker.terminated).toBe(true);
  });
});
