/** The alerts of deploy/ in a real Prometheus, in less time than they take in production. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished, vi } from 'vitest';
import { Prometheus } from './prometheus.js';

const RULES = fileURLToPath(new URL('../../deploy/prometheus/alerts.yaml', import.meta.url));
const TIMEOUT_MS = 120_000;
const UNITS_MS: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/**
 * The rules with each of their durations, which are the pauses (`for: 5m`) and the ranges (`[10m]`), divided by
 * `factor`. Thresholds, and how far `predict_linear` looks ahead, stay.
 */
export function scaledRules(text: string, factor: number): string {
  return text.replace(/(for: |\[)(\d+)([smh])\b/g, (_, before: string, count: string, unit: string) => {
    return `${before}${Math.round((Number(count) * UNITS_MS[unit]) / factor)}ms`;
  });
}

export class Alerting {
  readonly prometheus: Prometheus;
  readonly #port: number;

  private constructor(prometheus: Prometheus, port: number) {
    this.prometheus = prometheus;
    this.#port = port;
  }

  /** Scrapes the process whose METRICS_PORT this is, until the end of the test. @param factor of `scaledRules` */
  static async start(port: number, factor: number): Promise<Alerting> {
    const folder = mkdtempSync(path.join(tmpdir(), 'sluice-alerts-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const rules = path.join(folder, 'alerts.yaml');
    writeFileSync(rules, scaledRules(readFileSync(RULES, 'utf8'), factor));
    const prometheus = await Prometheus.start({
      global: { scrape_interval: '500ms', scrape_timeout: '500ms', evaluation_interval: '250ms' },
      rule_files: [rules],
      scrape_configs: [{ job_name: 'sluice', static_configs: [{ targets: [`127.0.0.1:${port}`] }] }],
    });
    onTestFinished(() => prometheus.stop());
    return new Alerting(prometheus, port);
  }

  /** Waits until the alert fires. @throws if it does not, with what the process shows */
  async fires(name: string): Promise<void> {
    await this.#becomes(name, true);
  }

  /** Waits until the alert fires no longer. */
  async clears(name: string): Promise<void> {
    await this.#becomes(name, false);
  }

  /** What fires now. */
  async firing(): Promise<string[]> {
    const alerts = await this.prometheus.alerts();
    return alerts.filter(({ state }) => state === 'firing').map(({ name }) => name);
  }

  async #becomes(name: string, isFiring: boolean): Promise<void> {
    await vi.waitFor(
      async () => {
        if ((await this.firing()).includes(name) === isFiring) return;
        throw new Error(`${name} ${isFiring ? 'does not fire' : 'still fires'}: ${await this.#shown()}`);
      },
      { timeout: TIMEOUT_MS, interval: 250 },
    );
    process.stdout.write(`alert ${name} ${isFiring ? 'fired' : 'cleared'}\n`);
  }

  async #shown(): Promise<string> {
    const answer = await fetch(`http://127.0.0.1:${this.#port}/metrics`).catch(() => undefined);
    const lines = ((await answer?.text()) ?? 'no metrics').split('\n');
    return lines.filter((line) => /^(sluice_(up|lag|rows|errors|commits|capture|data_dir)|no )/.test(line)).join('\n');
  }
}
