/** What the training tells the page. */
export type Message =
  | { readonly step: number; readonly loss: number }
  | { readonly done: true; readonly adapter: string }
  | { readonly failed: string };
