/** A mode that host code branches on, as far as recordings know it. */
export type ModeReader = (owner: object) => unknown;

/** The recording's ear; empty otherwise. Kept apart from the recorder, so that Tensor can tell it. */
let listener: ((owner: object, read: ModeReader | undefined) => void) | undefined;

export function listenToGuards(next: typeof listener): void {
  listener = next;
}

/**
 * Tells the step being recorded that host code reads a mode of `owner` (a module's `training`, a leaf's `requiresGrad`): the
 * recording then serves only while `read(owner)` gives what it gives now. Without `read`: the code sets the mode, or makes
 * the owner, so what it reads later is its own doing. The first call for an owner counts, so an owner has one mode.
 * Outside a recording nothing is done.
 */
export function guard<Owner extends object>(owner: Owner, read?: (owner: Owner) => unknown): void {
  listener?.(owner, read as ModeReader | undefined);
}
