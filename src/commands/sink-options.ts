/** What the configured sink needs. */
import type { Config } from '../config.js';
import { maskKeyId } from '../schema/mask-key.js';
import type { SinkOptions } from '../sinks/sink-client.js';

export function sinkOptions({ dataDir, kafka, spec, ...config }: Config): SinkOptions {
  const { topic, instanceId } = kafka;
  const compaction = { ...config.compaction, compression: config.parquet.compression };
  const { retention } = config;
  if (config.sink === 'ducklake') {
    const { threads, memoryLimit, state } = config.duckdb;
    const { lake, objectStore } = config;
    return {
      kind: 'ducklake',
      options: {
        ...{ dataDir, topic, spec, threads, memoryLimit, state, compaction, retention },
        ...{ ...lake, objectStore, owner: instanceId, maskKeyId: maskKeyId(config.maskKey) },
      },
    };
  }
  const { duckdb } = config;
  const ofMasks = { maskKeyId: maskKeyId(config.maskKey) };
  return { kind: 'duckdb', options: { dataDir, topic, spec, ...duckdb, compaction, retention, ...ofMasks } };
}
