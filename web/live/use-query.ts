/** The result of a query that the page itself asks, and asks again when something has changed. */
import { useCallback, useEffect, useState } from 'preact/hooks';
import type { ResultTable } from '../../src/http/snapshot.js';
import { runQuery } from './api.js';

export interface Asked {
  readonly table: ResultTable | undefined;
  /** Why there is none. */
  readonly problem: string | undefined;
  readonly again: () => void;
}

/** @param version the query is asked again when this changes */
export function useQuery(sql: string, version: unknown = 0): Asked {
  const [table, setTable] = useState<ResultTable>();
  const [problem, setProblem] = useState<string>();
  const [asked, setAsked] = useState(0);
  useEffect(() => {
    const ending = new AbortController();
    runQuery(sql, ending.signal).then(
      (result) => {
        setTable(result);
        setProblem(undefined);
      },
      (thrown: Error) => {
        if (!ending.signal.aborted) setProblem(thrown.message);
      },
    );
    return () => ending.abort();
  }, [sql, version, asked]);
  return { table, problem, again: useCallback(() => setAsked((times) => times + 1), []) };
}
