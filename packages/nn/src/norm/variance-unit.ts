/**
 * What norms made of element ops take their squares of, in parts of x: an exact power of two that changes no digit, but brings the
 * squares of values up to 10²⁵ within f32, while ε stays far above what then vanishes.
 */
export const unit = 2 ** -24;
