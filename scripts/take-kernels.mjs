/**
 * Gives every kernel of a folder that `initlab kernels dump` has written to the compiler of the WebGPU that runs this, and tells of
 * those that it does not take. Nothing is run.
 *
 * usage, in a runtime with WebGPU: scripts/take-kernels.mjs <folder>
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const [folder] = process.argv.slice(2);
const adapter = await navigator.gpu.requestAdapter();
if (!adapter) throw new Error('there is no WebGPU adapter');
const features = ['shader-f16'].filter((feature) => adapter.features.has(feature));
const device = await adapter.requestDevice({ requiredFeatures: features });
const names = readdirSync(folder).filter((name) => name.endsWith('.wgsl'));
let refused = 0;
for (const name of names) {
  const code = readFileSync(path.join(folder, name), 'utf8');
  if (/^enable f16/m.test(code) && features.length === 0) continue;
  device.pushErrorScope('validation');
  device.createShaderModule({ code, label: name });
  const error = await device.popErrorScope();
  if (!error) continue;
  refused++;
  console.log(`${name}: ${error.message}`);
}
console.log(`kernels of a GPU: ${names.length - refused} of ${names.length} taken`);
process.exit(refused === 0 && names.length > 0 ? 0 : 1);
