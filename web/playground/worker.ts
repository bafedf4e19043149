/** The page's worker: the engine, called by messages, so that the page never waits for it. */
import initParquet from 'parquet-wasm';
import parquetWasm from 'parquet-wasm/esm/parquet_wasm_bg.wasm';
import kernelWasm from '../../build/kernel.wasm';
import { Engine } from './engine.js';
import type { EngineCall, EngineReply } from './protocol.js';

const engine = fetchBytes(kernelWasm)
  .then((bytes) => WebAssembly.compile(bytes))
  .then((module) => new Engine(module, loadParquet));

let parquet: Promise<unknown> | undefined;

async function loadParquet(): Promise<void> {
  parquet ??= fetchBytes(parquetWasm).then((bytes) => initParquet({ module_or_path: bytes }));
  await parquet;
}

/** Beside this script. Not as a stream, for which servers would have to know the type of the file. */
async function fetchBytes(name: string): Promise<ArrayBuffer> {
  const url = new URL(name, import.meta.url);
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url.href} cannot be loaded: ${response.status} ${response.statusText}`);
  return response.arrayBuffer();
}

addEventListener('message', async ({ data }: MessageEvent<EngineCall>) => {
  const { id, method, args } = data;
  const reply = (message: EngineReply) => postMessage(message);
  try {
    const call = (await engine)[method] as (...args: readonly unknown[]) => unknown;
    reply({ id, value: await call.apply(await engine, args as unknown[]) });
  } catch (thrown) {
    reply({ id, failure: thrown instanceof Error ? thrown.message : String(thrown) });
  }
});
