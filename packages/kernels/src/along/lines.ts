/** One dimension of a dense tensor as its memory has it: `outer` blocks of `length` slices of `inner` neighbours. */
export interface Lines {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
}

/** WGSL: a workgroup of 64, and `i` the element of this invocation below `p.count`. */
export const elementHead = `
@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) wid: vec3u, @builtin(num_workgroups) nwg: vec3u, @builtin(local_invocation_index) lane: u32) {
  let i = (wid.x + wid.y * nwg.x) * 64u + lane;
  if (i >= p.count) { return; }`;
