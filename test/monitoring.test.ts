/** Holds dashboards and alerts of deploy/ to Prometheus, to the metrics that there are, and to the documents. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { knownSeries, seriesIn } from './support/metric-names.js';
import { Prometheus, promtool, type Rule, whyNoPrometheus } from './support/prometheus.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const RULES = path.join(ROOT, 'deploy/prometheus');
const DASHBOARDS = path.join(ROOT, 'deploy/grafana/dashboards');

interface Target {
  readonly refId: string;
  readonly expr: string;
  readonly datasource: { readonly uid: string };
}

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  readonly datasource: { readonly uid: string };
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly fieldConfig: { readonly defaults: { readonly unit: string } };
  readonly targets: readonly Target[];
}

interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly { name: string; type: string; query: string | { query: string } }[] };
}

const dashboards = readdirSync(DASHBOARDS).map((name) => ({
  name,
  dashboard: JSON.parse(readFileSync(path.join(DASHBOARDS, name), 'utf8')) as Dashboard,
}));
/** Units of Grafana's list that the dashboards use. */
const UNITS = ['none', 'short', 's', 'ops', 'bytes', 'Bps', 'percentunit'];

/** What is wrong with the names in an expression. */
async function wrongNames(expression: string): Promise<string[]> {
  const [known, named] = [await knownSeries(), seriesIn(expression)];
  if (named.length === 0) return [`${expression} names no metric`];
  return named.filter((name) => !known.has(name));
}

describe('names in an expression', () => {
  it('are found, whatever stands around them', async () => {
    const expression = 'sum by (a, code) (rate(sluice_x_total{b="up{c}", d!~"e"}[5m])) / on (f) sluice_y > 0 or 2 * up';
    expect(seriesIn(expression)).toEqual(['sluice_x_total', 'sluice_y', 'up']);
    expect(await wrongNames(expression)).toEqual(['sluice_x_total', 'sluice_y']);
    expect(await wrongNames('vector(1)')).toEqual(['vector(1) names no metric']);
  });
});

describe.each(dashboards)('the dashboard $name', ({ name, dashboard }) => {
  it('has queries on metrics that there are', async () => {
    const wrong = await Promise.all(
      dashboard.panels.flatMap(({ title, targets }) =>
        targets.map(async ({ expr }) => (await wrongNames(expr)).map((what) => `${title}: ${what}`)),
      ),
    );
    expect(wrong.flat()).toEqual([]);
    for (const { query } of dashboard.templating.list) {
      const [, metric] = /^label_values\((\w+), /.exec(typeof query === 'string' ? query : query.query) ?? [];
      if (metric !== undefined) expect([...(await knownSeries())]).toContain(metric);
    }
  });

  it('is one that Grafana can load', () => {
    const { panels, uid, title, schemaVersion, templating } = dashboard;
    expect([uid, title, schemaVersion]).toEqual([
      `sluice-${path.basename(name, '.json')}`,
      expect.stringMatching(/^Sluice/),
      expect.any(Number),
    ]);
    expect(templating.list.map(({ name, type }) => [name, type])).toEqual([
      ['datasource', 'datasource'],
      ['instance', 'query'],
    ]);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    for (const { title, type, datasource, fieldConfig, targets, gridPos } of panels) {
      expect(['timeseries', 'stat', 'table'], title).toContain(type);
      expect(UNITS, title).toContain(fieldConfig.defaults.unit);
      expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length);
      expect(targets.length, title).toBeGreaterThan(0);
      for (const { uid } of [datasource, ...targets.map((target) => target.datasource)])
        expect(uid).toMatch(/^\$\{datasource\}$/);
      for (const { expr } of targets) expect(expr, title).toContain('instance=~"$instance"');
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
    }
  });

  it('has panels that do not cover each other', () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });
});

describe.skipIf(whyNoPrometheus() !== undefined)('with Prometheus', () => {
  let prometheus: Prometheus;
  let rules: readonly Rule[];
  beforeAll(async () => {
    prometheus = await Prometheus.start({ rule_files: [path.join(RULES, 'alerts.yaml')] });
    rules = await prometheus.rules();
  });
  afterAll(() => prometheus?.stop());

  it('the configuration is valid, and alerts fire when they should', () => {
    const config = promtool(['check', 'config', path.join(RULES, 'prometheus.yml')]);
    expect(config.code, config.text).toBe(0);
    const tests = promtool(['test', 'rules', path.join(RULES, 'alerts.test.yaml')]);
    expect(tests.code, tests.text).toBe(0);
  });

  it('each alert has a test in which it fires', () => {
    const tests = readFileSync(path.join(RULES, 'alerts.test.yaml'), 'utf8');
    const fired = [...tests.matchAll(/alertname: (\w+)\n\s+exp_alerts:\n/g)].map(([, name]) => name);
    expect([...new Set(fired)]).toEqual(rules.map(({ name }) => name));
  });

  it('each alert is on metrics that there are', async () => {
    for (const { name, query } of rules) expect(await wrongNames(query), name).toEqual([]);
  });

  it('each alert says how bad it is, what is wrong, and where to read what to do', () => {
    for (const { name, labels, annotations } of rules) {
      expect(labels.severity, name).toMatch(/^(critical|warning)$/);
      expect(annotations.summary, name).toMatch(/\{\{ \$labels\.instance \}\}/);
      const [file, anchor] = annotations.runbook_url.split('#');
      expect(anchor, name).toBe(name.toLowerCase());
      // The heading, and at least one paragraph below it.
      expect(readFileSync(path.join(ROOT, file), 'utf8'), name).toMatch(
        new RegExp(`^### ${name}\\n\\n[A-Z].{40}`, 'm'),
      );
    }
  });

  it('each query of a dashboard is valid', async () => {
    const queries = dashboards.flatMap(({ dashboard }) => dashboard.panels.flatMap(({ targets }) => targets));
    expect(queries.length).toBeGreaterThan(50);
    for (const { expr } of queries) {
      const query = expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*');
      await expect(prometheus.query(query), query).resolves.toEqual([]);
    }
  });
});
