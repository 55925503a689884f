import type { StorePrefix } from '../../errors.js';
import type { Explanation } from './error-mapping.js';

/** Credentials that were valid and are no longer: distinct from wrong ones, since the run can continue with new ones. */
export function expiredCredentials(options: {
  /** Prefix of the code: `GCS`, `AZURE`, `S3`. */
  readonly prefix: StorePrefix;
  /** `credentials of storage entry "lake"` */
  readonly what: string;
  /** Whether this run was authenticated with them before. */
  readonly accepted: boolean;
  /** A sentence without its period. */
  readonly renew: string;
}): Explanation {
  const { prefix, what, accepted, renew } = options;
  return {
    code: `${prefix}_CREDENTIALS_EXPIRED`,
    message: `The ${what} have expired${accepted ? ' or were revoked: they were accepted earlier in this run' : ''}`,
    hint: `${renew}${THEN_RESUME}`,
  };
}

/** End of a hint. */
export const THEN_RESUME = '. A run recorded in a run log can be continued with --resume and its id.';
