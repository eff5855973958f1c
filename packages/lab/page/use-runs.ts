import { useEffect, useState } from 'preact/hooks';
import type { RunEpochs, RunList, RunProbes } from '../src/ui/api.js';

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
export const useEpochs = (wanted: ReadonlyMap<string, number>): ReadonlyMap<string, RunEpochs['epochs']> =>
  useAnswers<RunEpochs, RunEpochs['epochs']>('epochs', wanted, ({ epochs }) => epochs);

/** What was seen inside the nets of the chosen runs; `wanted` as before. */
export const useProbes = (wanted: ReadonlyMap<string, number>): ReadonlyMap<string, RunProbes['probes']> =>
  useAnswers<RunProbes, RunProbes['probes']>('probes', wanted, ({ probes }) => probes);

function useAnswers<A, T>(name: string, wanted: ReadonlyMap<string, number>, read: (answer: A) => T): ReadonlyMap<string, T> {
  const [known, setKnown] = useState<ReadonlyMap<string, { done: number; value: T }>>(new Map());
  const key = JSON.stringify([...wanted]);
  useEffect(() => {
    for (const [run, done] of wanted)
      if (known.get(run)?.done !== done)
        void fetch(`/api/${name}?run=${encodeURIComponent(run)}`)
          .then((response) => (response.ok ? (response.json() as Promise<A>) : undefined))
          .then((answer) => {
            if (answer) setKnown((before) => new Map(before).set(run, { done, value: read(answer) }));
          })
          // The list says when the server is gone.
          .catch(() => undefined);
  }, [key]);
  return new Map(
    [...wanted.keys()].flatMap((run) => {
      const found = known.get(run);
      return found ? [[run, found.value] as const] : [];
    }),
  );
}
