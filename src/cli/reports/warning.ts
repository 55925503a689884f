/** A sentence, and what else scripts may want to know. */
export interface Warning {
  readonly message: string;
  readonly [field: string]: unknown;
}
