import type { SchemaElement } from 'hyparquet';

import { compareStored, isPlainlyOrdered, type StoredValue } from './stored-value.js';

/** The smallest and the largest of a column's values. */
export class ValueBounds {
  min: StoredValue | undefined;
  max: StoredValue | undefined;
  readonly #element: SchemaElement;
  readonly #isPlain: boolean;

  constructor(element: SchemaElement) {
    this.#element = element;
    this.#isPlain = isPlainlyOrdered(element);
  }

  add(values: ArrayLike<StoredValue>): void {
    if (this.#isPlain)
      this.#addPlain(values as ArrayLike<number>); // or bigints, which compare in the same way
    else for (let i = 0; i < values.length; i++) this.#addOne(values[i]);
  }

  /** NaN is neither below nor above anything, and so never becomes a bound of other values. */
  #addPlain(values: ArrayLike<number>): void {
    let min = this.min as number | undefined; // as above
    let max = this.max as number | undefined;
    for (let i = 0; i < values.length; i++) {
      const value = values[i] ?? NaN;
      if (min === undefined || max === undefined) {
        if (value === value) min = max = value;
      } else if (value < min) min = value;
      else if (value > max) max = value;
    }
    this.min = min;
    this.max = max;
  }

  #addOne(value: StoredValue | undefined): void {
    if (value === undefined) return;
    if (this.min === undefined || compareStored(this.#element, value, this.min) < 0) this.min = value;
    if (this.max === undefined || compareStored(this.#element, value, this.max) > 0) this.max = value;
  }
}

/** Whether a bound that a file states is that of the values; one that is not exact may lie beyond it. */
export function isBound(side: 'min' | 'max', { element, bound, value, isExact }: StatedBound): boolean {
  const order = compareStored(element, bound, value);
  return order === 0 || (!isExact && (side === 'min' ? order < 0 : order > 0));
}

interface StatedBound {
  readonly element: SchemaElement;
  readonly bound: StoredValue;
  /** Of the values themselves. */
  readonly value: StoredValue;
  readonly isExact: boolean;
}
