export { checkedPair, checkFlags, checkNumber, checkSizes, type NumberRange } from '@initlab/core';
