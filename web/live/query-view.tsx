/** A read-only query, its rows and a chart of them. */
import { useRef, useState } from 'preact/hooks';
import type { ResultTable } from '../../src/http/snapshot.js';
import { runQuery } from './api.js';
import { count } from './format.js';
import { ResultChart } from './result-chart.js';
import { ResultTableView } from './result-table.js';

interface QueryViewProps {
  /** The view of the newest rows. */
  readonly view: string;
}

function examples(view: string): readonly (readonly [string, string])[] {
  return [
    ['Rows', `FROM ${view} LIMIT 100`],
    [
      'Messages by minute',
      `SELECT time_bucket(INTERVAL 1 MINUTE, committed_at) AS minute, sum(rows_consumed)::BIGINT AS messages
FROM sluice.batches GROUP BY minute ORDER BY minute`,
    ],
    [
      'Quarantine by reason',
      'SELECT reason, count(*) AS messages FROM sluice.quarantine GROUP BY reason ORDER BY messages DESC',
    ],
  ];
}

export function QueryView({ view }: QueryViewProps) {
  const [sql, setSql] = useState(() => examples(view)[2][1]);
  const [result, setResult] = useState<ResultTable>();
  const [problem, setProblem] = useState<string>();
  const [isRunning, setRunning] = useState(false);
  const ending = useRef<AbortController | undefined>(undefined);
  const run = async (event: Event) => {
    event.preventDefault();
    ending.current?.abort();
    const own = new AbortController();
    ending.current = own;
    setRunning(true);
    setProblem(undefined);
    try {
      setResult(await runQuery(sql, own.signal));
    } catch (thrown) {
      setResult(undefined);
      setProblem(own.signal.aborted ? 'The query was ended.' : (thrown as Error).message);
    }
    if (ending.current === own) setRunning(false);
  };
  return (
    <>
      <form onSubmit={run}>
        <label class="field" for="sql">
          One statement that reads
        </label>
        <textarea
          id="sql"
          rows={5}
          spellcheck={false}
          value={sql}
          aria-describedby="sql-help"
          onInput={(event) => setSql(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) void run(event);
          }}
        />
        <p class="buttons">
          <button type="submit">Run</button>
          {isRunning && (
            <button type="button" onClick={() => ending.current?.abort()}>
              End it
            </button>
          )}
          <span id="sql-help" class="faint">
            or Ctrl+Enter. Commits come first: a query that takes their memory is ended.
          </span>
        </p>
        <p class="buttons">
          {examples(view).map(([name, text]) => (
            <button key={name} type="button" class="plain" onClick={() => setSql(text)}>
              {name}
            </button>
          ))}
        </p>
      </form>
      <p role="status" class={problem === undefined ? '' : 'bad'}>
        {isRunning ? 'Running …' : (problem ?? (result && rowsText(result)))}
      </p>
      {result && (
        <>
          <ResultChart result={result} />
          <ResultTableView caption="The result" {...result} isCaptionHidden />
        </>
      )}
    </>
  );
}

function rowsText({ rows, isCut }: ResultTable): string {
  if (isCut) return `The first ${count(rows.length)} rows; there are more.`;
  return rows.length === 1 ? '1 row.' : `${count(rows.length)} rows.`;
}
