/**
 * usage: node bench/gpu-compiler/spirv.mjs FILE.wgsl…
 * Has Dawn make SPIR-V of each file and dump it as text, WGSL first. A file that this machine's adapter refuses leaves its
 * WGSL alone, and a line of why on stderr.
 */
import fs from 'node:fs';
import { create, globals } from 'webgpu';

Object.assign(globalThis, globals);
// Held to the end: collected while the device lives, it would end the process.
globalThis.gpu = create(['enable-dawn-features=allow_unsafe_apis,dump_shaders']);
const adapter = await globalThis.gpu.requestAdapter();
const limits = ['maxStorageBuffersPerShaderStage', 'maxComputeWorkgroupStorageSize', 'maxComputeInvocationsPerWorkgroup'];
const device = await adapter.requestDevice({
  requiredFeatures: ['shader-f16', 'subgroups'].filter((feature) => adapter.features.has(feature)),
  requiredLimits: Object.fromEntries([...limits, 'maxComputeWorkgroupSizeX'].map((limit) => [limit, adapter.limits[limit]])),
});
for (const file of process.argv.slice(2))
  try {
    const module = device.createShaderModule({ code: fs.readFileSync(file, 'utf8') });
    await device.createComputePipelineAsync({ layout: 'auto', compute: { module } });
  } catch (error) {
    console.error(`${file}\t${error.message.split('\n')[0]}`);
  }
