/** How fast something goes: amount per second over the last seconds, so that a slow start is forgotten. */
export class RateMeter {
  private readonly samples: { at: number; total: number }[] = [];
  private total = 0;

  /** `windowMs`: how far back the rate looks. */
  constructor(private readonly windowMs = 15_000) {}

  /** Counts `amount` done at the moment `now` (milliseconds on any steady clock). The first call only starts the clock. */
  add(amount: number, now: number): void {
    this.total += amount;
    const last = this.samples.at(-1);
    // A sample per twentieth of the window is fine enough; the newest one is moved along in between.
    const previous = this.samples.at(-2);
    if (last && previous && last.at - previous.at < this.windowMs / 20) {
      last.at = now;
      last.total = this.total;
    } else this.samples.push({ at: now, total: this.total });
    while (this.samples.length > 2 && now - (this.samples[1] as { at: number }).at > this.windowMs) this.samples.shift();
  }

  /** Leaves out the time since the last call: it says nothing of the pace. */
  skip(now: number): void {
    const gap = now - (this.samples.at(-1)?.at ?? now);
    for (const sample of this.samples) sample.at += gap;
  }

  /** Amount per second; undefined until two moments are known. */
  perSecond(): number | undefined {
    const first = this.samples[0];
    const last = this.samples.at(-1);
    if (!first || !last || last.at <= first.at) return undefined;
    return ((last.total - first.total) * 1000) / (last.at - first.at);
  }
}
