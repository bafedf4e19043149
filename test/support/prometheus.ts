/** Debian's Prometheus for tests: its checks, and a server that scrapes and alerts. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { folderOf, onFreePort, ServerProcess } from './server-process.js';

const PROGRAMS = ['prometheus', 'promtool'];

/** Why there is no Prometheus here, undefined if there is. With CI=true set-up provides it: else it is an error. */
export function whyNoPrometheus(): string | undefined {
  const missing = PROGRAMS.filter((program) => folderOf(program) === undefined);
  if (missing.length === 0) return undefined;
  const obstacle = `${missing.join(' and ')} not found; on Debian, as root: apt-get install -y prometheus`;
  if (process.env.CI === 'true') throw new Error(`tests with Prometheus cannot run: ${obstacle}`);
  return obstacle;
}

/** Runs promtool. @returns its exit code, and all that it prints */
export function promtool(args: readonly string[], input = ''): { readonly code: number | null; readonly text: string } {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  return { code: status, text: `${stdout}${stderr}` };
}

/** A point in time of a series. */
export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Alert {
  readonly name: string;
  readonly state: 'pending' | 'firing';
  readonly labels: Readonly<Record<string, string>>;
}

/** An alert rule. */
export interface Rule {
  readonly name: string;
  readonly query: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export class Prometheus {
  readonly url: string;
  readonly #folder: string;
  readonly #process: ServerProcess;

  private constructor(port: number, folder: string, config: string) {
    this.url = `http://127.0.0.1:${port}`;
    this.#folder = folder;
    const data = path.join(folder, 'data');
    this.#process = new ServerProcess({
      name: `Prometheus at ${this.url}`,
      program: 'prometheus',
      args: [...[`--config.file=${config}`, `--storage.tsdb.path=${data}`, `--web.listen-address=127.0.0.1:${port}`]],
      output: path.join(folder, 'prometheus.log'),
      ready: 'Server is ready to receive web requests',
    });
  }

  /** On a free port of the loopback. The caller stops it. @param config what prometheus.yml has */
  static async start(config: object): Promise<Prometheus> {
    const folder = mkdtempSync(path.join(tmpdir(), 'sluice-prometheus-'));
    const file = path.join(folder, 'prometheus.json');
    writeFileSync(file, JSON.stringify(config));
    return await onFreePort(async (port) => {
      const prometheus = new Prometheus(port, folder, file);
      await prometheus.#process.start();
      return prometheus;
    });
  }

  async stop(): Promise<void> {
    await this.#process.end('SIGTERM');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Alerts that are pending or firing. */
  async alerts(): Promise<Alert[]> {
    const { alerts } = await this.#get<{ alerts: { state: Alert['state']; labels: Alert['labels'] }[] }>('alerts');
    return alerts.map(({ state, labels }) => ({ name: labels.alertname, state, labels }));
  }

  /** The alert rules that it has loaded, in order. */
  async rules(): Promise<Rule[]> {
    const { groups } = await this.#get<{ groups: { rules: Rule[] }[] }>('rules?type=alert');
    return groups.flatMap(({ rules }) => rules);
  }

  /** Evaluates an expression now; its result must be a vector. */
  async query(expression: string): Promise<Sample[]> {
    const { result } = await this.#get<{ result: { metric: Sample['metric']; value: [number, string] }[] }>(
      `query?query=${encodeURIComponent(expression)}`,
    );
    return result.map(({ metric, value: [, value] }) => ({ metric, value: Number(value) }));
  }

  async #get<T>(what: string): Promise<T> {
    const response = await fetch(`${this.url}/api/v1/${what}`);
    const answer = (await response.json()) as { status: string; error?: string; data: T };
    if (answer.status !== 'success') throw new Error(`Prometheus: ${answer.error}`);
    return answer.data;
  }
}
