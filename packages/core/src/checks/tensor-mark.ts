/** What every tensor has: checks of options tell one by it without importing the class, and the device with it. */
export const tensorMark: unique symbol = /* @__PURE__ */ Symbol('tensor');

/** Is it a tensor? */
export const isTensor = (x: object): boolean => tensorMark in x;
