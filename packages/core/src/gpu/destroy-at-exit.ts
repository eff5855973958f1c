const open = new Set<GPUDevice>();
let listening = false;

/**
 * Destroy `gpu` when Node's process ends: Dawn, torn down under work that a CPU driver still computes, now and then ends the
 * process with a segmentation fault instead of its exit code. This waits for that work, so an exit that a signal asked for is
 * left as it is.
 */
export function destroyAtExit(gpu: GPUDevice): void {
  open.add(gpu);
  void gpu.lost.then(() => open.delete(gpu));
  if (listening || typeof process === 'undefined' || typeof process.on !== 'function') return;
  listening = true;
  process.on('exit', (code) => {
    if (code <= 128) for (const device of open) device.destroy();
  });
}
