import kafka from '@confluentinc/kafka-javascript';
import { describe, expect, it } from 'vitest';
import { Chunk } from '../../src/core/chunk.js';
import { PackedReader } from '../../src/kafka/packed-reader.js';

const consumer = new kafka.KafkaConsumer({ 'group.id': 'probe' }, {});
const isPacked = PackedReader.isSupported(consumer);

describe.skipIf(!isPacked)('the packed reader', () => {
  it('names columns that it cannot fill', () => {
    const { _client: native } = consumer as unknown as {
      _client: { consumePacked: (...args: unknown[]) => void };
    };
    const { views } = new Chunk();
    const done = () => {};
    expect(() => native.consumePacked({ ...views, keys: undefined }, 1, 0, '', done)).toThrow('A column is missing');
    expect(() => native.consumePacked({ ...views, offsets: new Int32Array(9) }, 1, 0, '', done)).toThrow(
      'another type',
    );
    expect(() => native.consumePacked({ ...views, timestamps: new BigInt64Array(0) }, 1, 0, '', done)).toThrow(
      'no space',
    );
    expect(() => native.consumePacked(views, 0, 0, '', done)).toThrow('no space');
    expect(() => native.consumePacked(views, -1, 0, '', done)).toThrow('takes columns');
    expect(() => native.consumePacked(views, 1, 0, '')).toThrow('takes columns');
  });

  it("fails with an Error that has librdkafka's code", async () => {
    const reader = new PackedReader(consumer);
    const error = await reader.fill(new Chunk(), 0).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ code: kafka.CODES.ERRORS.ERR__STATE, message: 'KafkaConsumer is not connected' });
  });
});
