// Made by scripts/ship-tuned.mjs from what `initlab tune` found. On lavapipe the first guesses are the fastest.
import type { TunedTable } from './tuned-table.js';

/** What was measured, by `Caps.adapter`. Users' own tables come on top. */
export const tunedTables: Readonly<Record<string, TunedTable>> = {};
