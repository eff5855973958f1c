/**
 * Preloaded (`node --import`) into our command, counts the bytes of buffers that are created and not yet destroyed as
 * peers/src/setup.mjs does for the peers, so that "peak memory" means one thing for all. Prints a line of JSON at the end.
 */
import { writeSync } from 'node:fs';
import { globals } from 'webgpu';

const { prototype } = globals.GPUDevice;
const { createBuffer } = prototype;
let live = 0;
let peak = 0;
prototype.createBuffer = function (descriptor) {
  const buffer = createBuffer.call(this, descriptor);
  const destroy = buffer.destroy.bind(buffer);
  let alive = true;
  live += descriptor.size;
  peak = Math.max(peak, live);
  buffer.destroy = () => {
    if (alive) live -= descriptor.size;
    alive = false;
    destroy();
  };
  return buffer;
};
process.on('exit', () => writeSync(1, `${JSON.stringify({ livePeakBytes: peak })}\n`));
