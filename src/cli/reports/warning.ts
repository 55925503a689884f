/** A sentence, and further fields for scripts. */
export interface Warning {
  readonly message: string;
  readonly [field: string]: unknown;
}
