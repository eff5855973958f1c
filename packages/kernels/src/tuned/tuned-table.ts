/** Variant by problem (see `Tunable.key`), of one adapter. */
export type TunedTable = Readonly<Record<string, string>>;
