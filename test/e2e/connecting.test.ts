/** A connection that fails: one line says why, and which variables to look at. */
import { describe, expect, it } from 'vitest';
import { runCli, temporaryDataDir } from '../support/cli.js';
import { describeKafka, describePrivateKafka, uniqueTopic } from '../support/kafka/shared.js';
import { refusal, runEnv } from './support.js';

const LONG = { timeout: 120_000 };
const LOGIN = 'org.apache.kafka.common.security.plain.PlainLoginModule required';
/** Its only listener expects the user `admin` with the password `right`. */
const SASL = {
  'listener.security.protocol.map': 'PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT',
  'sasl.enabled.mechanisms': 'PLAIN',
  'sasl.mechanism.inter.broker.protocol': 'PLAIN',
  'listener.name.plaintext.plain.sasl.jaas.config': `${LOGIN} username="admin" password="right" user_admin="right";`,
};
const PLAIN = {
  KAFKA_CONFIG_SECURITY_PROTOCOL: 'sasl_plaintext',
  KAFKA_CONFIG_SASL_MECHANISMS: 'PLAIN',
  KAFKA_CONFIG_SASL_USERNAME: 'admin',
  KAFKA_CONFIG_SASL_PASSWORD: 'right',
};

async function refusedBy(brokers: string, more: Record<string, string>) {
  return refusal(['run'], runEnv(brokers, uniqueTopic('refused'), await temporaryDataDir(), more));
}

describe('no broker', () => {
  it('is said before the time for it is over, with the reason', LONG, async () => {
    const { code, stderr } = await refusedBy('127.0.0.1:1', {});
    expect(code).toBe(3);
    const [warning, error, ...others] = stderr.trim().split('\n');
    expect(JSON.parse(warning)).toMatchObject({ level: 40, msg: expect.stringMatching(/answers yet: .*refused$/) });
    expect(error).toMatch(/SLUICE_KAFKA_UNREACHABLE.*Connection refused; start it or correct KAFKA_BROKERS/);
    expect(others).toEqual([]);
  });
});

describePrivateKafka(
  'a listener with passwords',
  (broker) => {
    it('takes the right one', LONG, async () => {
      const { code, error } = await refusedBy(broker().bootstrap, PLAIN);
      expect(code).toBe(3);
      expect(error).toContain('SLUICE_UNKNOWN_TOPIC');
    });

    it('refuses a wrong password, another mechanism, and no password at all', LONG, async () => {
      const wrong: [Record<string, string>, RegExp][] = [
        [{ ...PLAIN, KAFKA_CONFIG_SASL_PASSWORD: 'wrong' }, /Invalid username or password; .*PASSWORD/],
        [{ ...PLAIN, KAFKA_CONFIG_SASL_MECHANISMS: 'SCRAM-SHA-256' }, /supported mechanisms: PLAIN; .*MECH/],
        [{}, /; .*if it expects TLS or SASL, set KAFKA_CONFIG_SECURITY_PROTOCOL/],
      ];
      // At the same time: each is given up after ten seconds.
      const refused = await Promise.all(wrong.map(([more]) => refusedBy(broker().bootstrap, more)));
      for (const [n, { code, error }] of refused.entries()) {
        expect(code).toBe(3);
        expect(error).toMatch(/SLUICE_KAFKA_UNREACHABLE/);
        expect(error).toMatch(wrong[n][1]);
      }
    });
  },
  { properties: SASL },
);

describeKafka('a listener without TLS', (bootstrap) => {
  it('is named as what it is to a client with TLS', LONG, async () => {
    const { code, error } = await refusedBy(bootstrap(), { KAFKA_CONFIG_SECURITY_PROTOCOL: 'ssl' });
    expect(code).toBe(3);
    // Whether the client names the handshake or only that the connection ended is a matter of timing: client.test.ts.
    expect(error).toMatch(/SLUICE_KAFKA_UNREACHABLE.*; .*check that it expects KAFKA_CONFIG_SECURITY_PROTOCOL=ssl/);
  });
});

it('settings that no client takes are refused at once', async () => {
  const more = { KAFKA_CONFIG_SECURITY_PROTOCOL: 'ssl', KAFKA_CONFIG_SSL_CA_LOCATION: '/no/such/ca.pem' };
  const { code, stderr } = await runCli(['run'], { env: runEnv('127.0.0.1:1', 't', await temporaryDataDir(), more) });
  expect(code).toBe(2);
  expect(stderr).toMatch(/SLUICE_CONFIG.*KAFKA_CONFIG_SSL_CA_LOCATION=\/no\/such\/ca\.pem does not exist/);
});
