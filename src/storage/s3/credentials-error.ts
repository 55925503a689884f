import type { Explanation } from '../http/error-mapping.js';
import { credentialFields, entryName, type S3Attempt } from './error-mapping.js';

/** Names of errors that the AWS SDK's credential providers throw before anything is sent. */
const NAMES = new Set(['CredentialsProviderError', 'TokenProviderError', 'ProviderError']);

/** Why there are no credentials; undefined for other errors. The provider's own text may contain paths, but no secrets. */
export function explainCredentialsError(attempt: S3Attempt, thrown: unknown): Explanation | undefined {
  if (!(thrown instanceof Error) || !NAMES.has(thrown.name)) return undefined;
  const { entry } = attempt;
  const { credentials } = entry.info;
  if (/sso/i.test(thrown.message) && /expired|invalid|not found|refresh/i.test(thrown.message)) {
    const profile = credentials.kind === 'profile' ? ` --profile ${credentials.profile}` : '';
    return {
      code: 'S3_SSO_LOGIN_NEEDED',
      message: `The single sign-on session of ${entryName(entry)} has expired or was never started`,
      hint: `Run aws sso login${profile}.`,
    };
  }
  if (credentials.kind === 'profile' && /could not (?:be found|find|resolve)|not found/i.test(thrown.message)) {
    return {
      code: 'S3_NO_SUCH_PROFILE',
      message: `The profile "${credentials.profile}" of ${entryName(entry)} does not exist, or has no credentials`,
      hint: 'List the profiles with aws configure list-profiles; AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE point to other files.',
    };
  }
  return {
    code: 'S3_NO_CREDENTIALS',
    message: `No credentials were found for ${entryName(entry)}`,
    hint: `Looked for ${credentialFields(entry)}; give profile, or access_key_id and secret_access_key.`,
  };
}
