import { cpus, totalmem } from 'node:os';
import { type AdapterName, type Device, DeviceError, listAdapters, openDevice, tensor } from '@initlab/core';
import { noAdapterAdvice } from '@initlab/core/internal';

export interface DoctorReport {
  readonly node: string;
  readonly platform: string;
  readonly cpu: string;
  readonly memoryGiB: number;
  /** All there are; one is used, chosen with --adapter or INITLAB_ADAPTER. */
  readonly adapters?: readonly AdapterName[];
  readonly adapter?: string;
  readonly driver?: string;
  readonly software?: boolean;
  readonly features?: readonly string[];
  readonly limits?: Readonly<Record<string, number>>;
  /** What will run fast or slow here, and what to do about it. */
  readonly advice: readonly string[];
  readonly error?: string;
}

/** Looks at the machine: adapter, driver, features and limits, and what follows from them. Never throws. */
export async function doctor(): Promise<DoctorReport> {
  const adapters = await listAdapters().catch(() => []);
  const machine = {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    ...(adapters.length > 0 ? { adapters } : {}),
  };
  let device: Device | undefined;
  try {
    device = await openDevice({ label: 'doctor' });
    const probe = tensor([1, 2, 3], { device });
    const [, second] = await probe.read();
    if (second !== 2) throw new DeviceError(`the driver returned ${second} where 2 was written`);
    const { caps, adapterInfo, facts } = device;
    const wgsl = { ...facts.limits };
    return {
      ...machine,
      adapter: caps.adapter,
      driver: adapterInfo.description,
      software: caps.software,
      features: facts.features,
      limits: wgsl,
      advice: advise(device),
    };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { ...machine, advice: message === noAdapterAdvice() ? [message, packagesAdvice] : [message], error: message };
  } finally {
    device?.close();
  }
}

/** Where drivers come from on Debian and its kin, as setup.sh installs them. */
const packagesAdvice = `GPU:  install its Vulkan driver (NVIDIA: the proprietary driver; AMD, Intel: mesa-vulkan-drivers) and libvulkan1.
  None: Debian 12: sudo apt-get install -t bookworm-backports mesa-vulkan-drivers libvulkan1 (Debian's own Mesa 22.3 is too old for
        Dawn); Debian 13, Ubuntu 24.04 and newer: sudo apt-get install mesa-vulkan-drivers libvulkan1.
        In the initlab repository "sh setup.sh" does this.`;

function advise(device: Device): string[] {
  const { caps } = device;
  const advice: string[] = [];
  if (caps.software)
    advice.push(
      'This is a software driver: everything runs and is exact, but at about 10 GFLOP/s on two cores. `--scale smoke` takes minutes; a full table wants a GPU.',
    );
  else advice.push('This is a GPU: f32 training runs at full speed.');
  if (caps.subgroupMatrix.length > 0) advice.push(`Matrix units are available (${caps.subgroupMatrix.length} shapes).`);
  else if (!caps.software)
    advice.push('No matrix units are exposed (chromium-experimental-subgroup-matrix): f16 products run on the ordinary units.');
  if (!caps.f16) advice.push('No shader-f16: f16 tensors do not work here; f32 is unaffected.');
  if (!caps.immediates) advice.push('No immediates: scalars go through uniform buffers, which costs a little per dispatch.');
  if (!device.facts.features.includes('timestamp-query')) advice.push('No timestamp queries: benchmarks give wall time only.');
  const binding = caps.maxStorageBinding / 2 ** 20;
  if (binding < 1024) advice.push(`A single tensor may take at most ${binding} MiB here; lower the batch size when an error says so.`);
  return advice;
}

/** The report as people read it. */
export function renderDoctor(report: DoctorReport): string {
  const lines = [
    `Node      ${report.node} on ${report.platform}`,
    `CPU       ${report.cpu}, ${report.memoryGiB} GiB`,
    ...(report.adapters ?? []).map(({ name, backend }) => `GPU       ${name} (${backend})`),
    `Adapter   ${report.adapter ?? 'none'}${report.software ? ' (software)' : ''}`,
  ];
  if ((report.adapters ?? []).length > 1) lines.push('          another of them with --adapter NAME or INITLAB_ADAPTER=NAME');
  if (report.driver) lines.push(`Driver    ${report.driver}`);
  if (report.features) lines.push(`Features  ${report.features.join(', ')}`);
  const shown = [
    'maxBufferSize',
    'maxStorageBufferBindingSize',
    'maxStorageBuffersPerShaderStage',
    'maxComputeWorkgroupStorageSize',
    'maxComputeInvocationsPerWorkgroup',
  ];
  for (const name of shown) if (report.limits?.[name] !== undefined) lines.push(`Limit     ${name} ${report.limits[name]}`);
  lines.push('', ...report.advice.map((line) => `• ${line}`));
  return `${lines.join('\n')}\n`;
}
