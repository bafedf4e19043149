/** The page: a run, or a data directory at rest. */
import { useEffect, useRef, useState } from 'preact/hooks';
import type { About, Snapshot } from '../../src/http/snapshot.js';
import { askAbout } from './api.js';
import { ExpectationsView } from './expectations-view.js';
import { History } from './history.js';
import { LedgerView } from './ledger-view.js';
import { Commits, LiveView } from './live-view.js';
import { QuarantineView } from './quarantine-view.js';
import { QueryView } from './query-view.js';
import { SpecView } from './spec-view.js';

const VIEWS = {
  ...{ live: 'Now', ledger: 'Ledger', expectations: 'Expectations', quarantine: 'Quarantine' },
  ...{ query: 'Query', spec: 'Table spec' },
} as const;
type View = keyof typeof VIEWS;

const RECONNECT_MS = 3000;

function viewOf(hash: string): View {
  const name = hash.slice(1);
  return Object.hasOwn(VIEWS, name) ? (name as View) : 'live';
}

export function App() {
  const [about, setAbout] = useState<About>();
  const [problem, setProblem] = useState<string>();
  useEffect(() => {
    askAbout().then(setAbout, (thrown: Error) => setProblem(thrown.message));
  }, []);
  if (problem !== undefined)
    return (
      <main class="login">
        <p role="alert" class="bad">
          {problem}
        </p>
      </main>
    );
  if (about === undefined)
    return (
      <main class="login">
        <p>Loading …</p>
      </main>
    );
  return <Page about={about} />;
}

function Page({ about }: { readonly about: About }) {
  const [view, setView] = useState(viewOf(location.hash));
  const main = useRef<HTMLElement>(null);
  const { history, isConnected } = useSnapshots(about.live);
  useEffect(() => {
    const follow = () => {
      setView(viewOf(location.hash));
      main.current?.focus();
    };
    addEventListener('hashchange', follow);
    return () => removeEventListener('hashchange', follow);
  }, []);
  return (
    <>
      <header>
        <h1>
          Sluice <span class="faint">{about.topic}</span>
        </h1>
        <nav aria-label="Views">
          {Object.entries(VIEWS).map(([name, title]) => (
            <a key={name} href={`#${name}`} aria-current={name === view ? 'page' : undefined}>
              {title}
            </a>
          ))}
        </nav>
        <State about={about} latest={history.latest} isConnected={isConnected} />
      </header>
      <main ref={main} tabIndex={-1} aria-label={VIEWS[view]}>
        {view === 'live' && (about.live ? <LiveView history={history} /> : <AtRest />)}
        {view === 'ledger' && <LedgerView />}
        {view === 'expectations' && <ExpectationsView />}
        {view === 'quarantine' && <QuarantineView about={about} />}
        {view === 'query' && <QueryView view={about.spec.view} />}
        {view === 'spec' && <SpecView spec={about.spec} />}
      </main>
      <footer class="faint">
        Sluice {about.version}, data directory <code>{about.dataDir}</code>
      </footer>
    </>
  );
}

function AtRest() {
  return (
    <>
      <p>
        This is a data directory at rest: there are no live figures here. A run shows them on its own page, at its{' '}
        <code>METRICS_PORT</code>.
      </p>
      <Commits version={0} commits={0} />
    </>
  );
}

interface StateProps {
  readonly about: About;
  readonly latest: Snapshot | undefined;
  readonly isConnected: boolean;
}

/** Said aloud only when it changes. */
function State({ about, latest, isConnected }: StateProps) {
  const [kind, text] = stateOf(about, latest, isConnected);
  return (
    <p role="status" class={`state ${kind}`}>
      {text}
    </p>
  );
}

function stateOf({ live }: About, latest: Snapshot | undefined, isConnected: boolean): readonly [string, string] {
  if (!live) return ['faint', 'at rest'];
  if (!isConnected) return latest === undefined ? ['faint', 'connecting'] : ['bad', 'the connection is lost'];
  if (latest === undefined) return ['faint', 'connecting'];
  if (latest.problem !== null) return ['bad', latest.problem];
  if (latest.waitingFor !== null) return ['bad', `waiting for ${latest.waitingFor}`];
  return latest.ready ? ['good', 'consuming'] : ['faint', 'not ready yet'];
}

/** The history of what the server tells; the page is drawn once a frame at most, however much that is. */
function useSnapshots(live: boolean): { history: History; isConnected: boolean } {
  const [history] = useState(() => new History());
  const [isConnected, setConnected] = useState(false);
  const [, redraw] = useState(0);
  useEffect(() => {
    if (!live) return;
    let frame = 0;
    let timer: ReturnType<typeof setTimeout>;
    let events: EventSource;
    const listen = () => {
      events = new EventSource('/api/events');
      events.onopen = () => setConnected(true);
      events.onerror = () => {
        setConnected(false);
        // By itself it tries again only where nobody answers, not where a proxy answers for a process that restarts.
        if (events.readyState === EventSource.CLOSED) timer = setTimeout(listen, RECONNECT_MS);
      };
      events.onmessage = ({ data }: MessageEvent<string>) => {
        history.push(JSON.parse(data) as Snapshot);
        cancelAnimationFrame(frame);
        frame = requestAnimationFrame(() => redraw((times) => times + 1));
      };
    };
    listen();
    return () => {
      events.close();
      clearTimeout(timer);
      cancelAnimationFrame(frame);
    };
  }, [live, history]);
  return { history, isConnected };
}
