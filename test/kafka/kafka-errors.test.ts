import kafka from '@confluentinc/kafka-javascript';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { classify } from '../../src/kafka/kafka-errors.js';
import { KafkaSource } from '../../src/kafka/kafka-source.js';
import { silent } from '../support/fakes.js';

const { ERRORS } = kafka.CODES;

describe('classify', () => {
  it.each([
    ['ERR__TRANSPORT', 'retryable'],
    ['ERR__TIMED_OUT', 'retryable'],
    ['ERR_NOT_LEADER_FOR_PARTITION', 'retryable'],
    ['ERR_LEADER_NOT_AVAILABLE', 'retryable'],
    ['ERR_COORDINATOR_LOAD_IN_PROGRESS', 'retryable'],
    ['ERR__AUTHENTICATION', 'configuration'],
    ['ERR_SASL_AUTHENTICATION_FAILED', 'configuration'],
    ['ERR__SSL', 'configuration'],
    ['ERR_OFFSET_OUT_OF_RANGE', 'fatal'],
    ['ERR_UNKNOWN_TOPIC_OR_PART', 'fatal'],
    ['ERR_TOPIC_AUTHORIZATION_FAILED', 'fatal'],
  ] as const)('%s is %s', (name, expected) => {
    expect(ERRORS[name]).toBeTypeOf('number');
    expect(classify({ code: ERRORS[name], isFatal: false })).toBe(expected);
  });

  it('takes for fatal what the client says is fatal', () => {
    expect(classify({ code: ERRORS.ERR__TRANSPORT, isFatal: true })).toBe('fatal');
  });
});

describe('a client that cannot be set up', () => {
  it.each([
    [
      'a missing CA file',
      { 'security.protocol': 'ssl', 'ssl.ca.location': 'no/such/ca.pem' },
      'SSL_CA_LOCATION=no/such',
    ],
    ['no mechanism', { 'security.protocol': 'sasl_plaintext', 'sasl.username': 'a' }, 'SASL_MECHANISMS to what'],
    ['an unknown mechanism', { 'security.protocol': 'sasl_plaintext', 'sasl.mechanisms': 'FOO' }, 'SASL_MECHANISMS'],
    ['no password', { 'security.protocol': 'sasl_plaintext', 'sasl.mechanisms': 'PLAIN' }, 'SASL_MECHANISMS'],
  ])('is a configuration error that names the variables: %s', async (_, properties, variable) => {
    const options = { brokers: '127.0.0.1:9', topic: 'none', groupId: 'none', instanceId: 'none' };
    const source = new KafkaSource({ ...options, reader: 'auto', properties }, silent);
    const message = expect.stringContaining(`KAFKA_CONFIG_${variable}`);
    await expect(source.connect()).rejects.toMatchObject({ code: 'SLUICE_CONFIG', message });
  });
});

describe('a request', () => {
  const options = { brokers: '127.0.0.1:9', topic: 'none', groupId: 'none', instanceId: 'none', properties: {} };
  const prototype = kafka.KafkaConsumer.prototype;

  /** Answers requests for offsets with these codes, then with offsets. */
  function answering(codes: readonly number[]) {
    const left = [...codes];
    const spy = vi.spyOn(prototype, 'queryWatermarkOffsets').mockImplementation(((...args: unknown[]) => {
      const done = args.at(-1) as (error: object | null, offsets?: object) => void;
      const code = left.shift();
      if (code === undefined) done(null, { lowOffset: 3, highOffset: 7 });
      else done(Object.assign(new Error('broker: no'), { code }));
    }) as never);
    onTestFinished(() => spy.mockRestore());
  }

  it('is made again while a new partition has no leader', async () => {
    answering([ERRORS.ERR_NOT_LEADER_FOR_PARTITION, ERRORS.ERR_LEADER_NOT_AVAILABLE]);
    const source = new KafkaSource({ ...options, reader: 'auto' }, silent);
    expect(await source.offsetRange(0)).toEqual({ low: 3, high: 7 });
  });

  it('ends at once if it is refused for good', async () => {
    answering([ERRORS.ERR_TOPIC_AUTHORIZATION_FAILED]);
    const source = new KafkaSource({ ...options, reader: 'auto' }, silent);
    await expect(source.offsetRange(0)).rejects.toMatchObject({ code: 'SLUICE_KAFKA', retryable: false });
  });

  it('is made once if nobody can wait for it', async () => {
    answering([ERRORS.ERR__TIMED_OUT]);
    const source = new KafkaSource({ ...options, reader: 'auto' }, silent);
    await expect(source.offsetRange(0, false)).rejects.toMatchObject({ code: 'SLUICE_KAFKA', retryable: true });
    expect(await source.offsetRange(0, false)).toEqual({ low: 3, high: 7 });
  });
});
