/** Distance between two scalar blocks: the largest dynamic-offset alignment WebGPU allows an adapter to ask for. */
const stride = 256;
const slots = 256;

/**
 * Scalars for devices without immediates: the dispatches of one submission write their blocks into host memory, which
 * goes to one uniform buffer just before the submission.
 */
export class ScalarRing {
  /** @internal */
  readonly group: GPUBindGroup;
  private readonly host = new Uint8Array(stride * slots);
  private readonly buffer: GPUBuffer;
  private used = 0;

  /** @internal */
  constructor(
    private readonly device: GPUDevice,
    layout: GPUBindGroupLayout,
  ) {
    this.buffer = device.createBuffer({ label: 'scalars', size: stride * slots, usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST });
    this.group = device.createBindGroup({
      label: 'scalars',
      layout,
      entries: [{ binding: 0, resource: { buffer: this.buffer, size: 64 } }],
    });
  }

  get full(): boolean {
    return this.used >= slots;
  }

  /** Store a block; returns its dynamic offset. */
  push(scalars: ArrayBuffer): number {
    const offset = this.used++ * stride;
    this.host.set(new Uint8Array(scalars), offset);
    return offset;
  }

  upload(): void {
    if (this.used === 0) return;
    this.device.queue.writeBuffer(this.buffer, 0, this.host, 0, this.used * stride);
    this.used = 0;
  }
}
