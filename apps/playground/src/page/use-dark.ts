import { useEffect, useState } from 'preact/hooks';

const query = '(prefers-color-scheme: dark)';

/** Whether the page is dark: pictures that are drawn once are drawn anew when that changes. */
export function useDark(): boolean {
  const [dark, set] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const list = matchMedia(query);
    const onChange = (): void => set(list.matches);
    list.addEventListener('change', onChange);
    return () => list.removeEventListener('change', onChange);
  }, []);
  return dark;
}

/** A colour of the style sheet. */
export const styleColor = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
