/** The smallest integer has no literal of its own. */
const LEAST_INTEGER = '-9223372036854775808';

/** @param digits a 64-bit integer, perhaps with a minus sign */
export function integerLiteral(digits: string): string {
  return digits === LEAST_INTEGER ? '(-9223372036854775807 - 1)' : digits;
}
