/** How often something changed that the recordings made before cannot have asked about. */
let changes = 0;

/** What a recording compares with what it was: it is of no use where it is another. */
export const recordingsMadeAfter = (): number => changes;

/**
 * Tells every compiled step to record anew before its next call: what it did not find while it recorded is there now, so that no `guard`
 * can tell (a hook of a module that had none).
 */
export function outdateRecordings(): void {
  changes++;
}
