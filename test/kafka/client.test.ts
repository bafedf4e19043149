import { EventEmitter } from 'node:events';
import kafka from '@confluentinc/kafka-javascript';
import { describe, expect, it } from 'vitest';
import { connectClient } from '../../src/kafka/client.js';
import { silent } from '../support/fakes.js';

const HANDSHAKE = 'ssl://b:1/bootstrap: SSL handshake failed: Disconnected: closed by peer: connecting to a PLAINTEXT?';
const ENDED = 'ssl://b:1/bootstrap: Disconnected: SSL connection closed by peer';
const REFUSED = 'ssl://b:1/bootstrap: Connect to ipv4#127.0.0.1:1 failed: Connection refused';

/** A client whose log has these reasons, in their order, before its connection is given up. */
class Refused extends EventEmitter {
  constructor(private readonly reasons: readonly string[]) {
    super();
  }

  connect(_options: unknown, done: (error: kafka.LibrdKafkaError) => void): void {
    for (const reason of this.reasons) {
      this.emit('event.log', { fac: 'FAIL', message: `[thrd:b]: ${reason} (after 3ms in state SSL_HANDSHAKE)` });
    }
    const { ERR__TRANSPORT: code } = kafka.CODES.ERRORS;
    done({ message: 'broker transport failure', code, isFatal: false } as kafka.LibrdKafkaError);
  }
}

describe('the reason of a connection that fails', () => {
  it.each([
    ['the step in which a peer ended it, if one attempt says so', [HANDSHAKE, ENDED, ENDED], HANDSHAKE],
    ['that it ended, if no attempt says more', [ENDED], ENDED],
    ['of the last attempt', [REFUSED, HANDSHAKE, REFUSED], REFUSED],
    ['of the last attempt that says more than that it ended', [HANDSHAKE, REFUSED, ENDED], REFUSED],
    ['the one of the error, without a line of the log', [], 'broker transport failure'],
  ])('is %s', async (_, reasons, expected) => {
    const target = { brokers: 'b:1', properties: { 'security.protocol': 'ssl' } };
    await expect(connectClient(new Refused(reasons), target, silent)).rejects.toMatchObject({
      code: 'SLUICE_KAFKA_UNREACHABLE',
      message: expect.stringContaining(`: ${expected}; if a broker`),
    });
  });
});
