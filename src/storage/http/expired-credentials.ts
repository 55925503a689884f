import type { StorePrefix } from '../../errors.js';
import type { Explanation } from './error-mapping.js';

/** Credentials that were good, and are so no more: told apart from wrong ones, since the run can go on with new ones. */
export function expiredCredentials(options: {
  /** Before the code: `GCS`, `AZURE`, `S3`. */
  readonly prefix: StorePrefix;
  /** `credentials of storage entry "lake"` */
  readonly what: string;
  /** This run has been let in with them before. */
  readonly accepted: boolean;
  /** A sentence without its full stop. */
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
export const THEN_RESUME = '. A run that is on record in a run log goes on with --resume and its id.';
