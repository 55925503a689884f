import v8 from 'node:v8';

/**
 * From now on the heap grows by half of its content at most before it is cleared of garbage, instead of to several times its
 * content: for work that keeps much and throws away more.
 */
export function limitHeapGrowth(): void {
  v8.setFlagsFromString('--heap-growing-percent=50');
}
