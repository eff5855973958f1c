/** A file that the build puts beside the scripts: its address relative to them. */
declare module '*.gz' {
  const address: string;
  export = address;
}
