import { useEffect, useState } from 'preact/hooks';
import type { RunEpochs, RunList } from '../src/ui/api.js';

const pollMs = 2000;

/** The list of runs, asked for every two seconds; the tag spares what has not changed. */
export function useRuns(): { list: RunList | undefined; lost: boolean } {
  const [list, setList] = useState<RunList>();
  const [lost, setLost] = useState(false);
  useEffect(() => {
    let ended = false;
    let tag = '';
    let timer = 0;
    const ask = async (): Promise<void> => {
      try {
        const response = await fetch('/api/runs', tag ? { headers: { 'if-none-match': tag } } : {});
        if (response.status === 200) {
          tag = response.headers.get('etag') ?? '';
          setList((await response.json()) as RunList);
        }
        setLost(response.status !== 200 && response.status !== 304);
      } catch {
        setLost(true);
      }
      if (!ended) timer = window.setTimeout(() => void ask(), pollMs);
    };
    void ask();
    return () => {
      ended = true;
      window.clearTimeout(timer);
    };
  }, []);
  return { list, lost };
}

/** Epochs of the chosen runs, asked for again as they grow. `wanted`: epochs done, by name. */
export function useEpochs(wanted: ReadonlyMap<string, number>): ReadonlyMap<string, RunEpochs['epochs']> {
  const [known, setKnown] = useState<ReadonlyMap<string, { done: number; epochs: RunEpochs['epochs'] }>>(new Map());
  const key = JSON.stringify([...wanted]);
  useEffect(() => {
    for (const [run, done] of wanted)
      if (known.get(run)?.done !== done)
        void fetch(`/api/epochs?run=${encodeURIComponent(run)}`)
          .then((response) => (response.ok ? (response.json() as Promise<RunEpochs>) : undefined))
          .then((answer) => {
            if (answer) setKnown((before) => new Map(before).set(run, { done, epochs: answer.epochs }));
          })
          // The list says when the server is gone.
          .catch(() => undefined);
  }, [key]);
  return new Map([...wanted.keys()].flatMap((run) => (known.has(run) ? [[run, known.get(run)?.epochs ?? []] as const] : [])));
}
