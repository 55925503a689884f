import { Refusal } from './refusal.js';
import type { S3Answer, S3Request } from './request.js';
import type { Account } from './signature.js';
import { document, element } from './xml.js';

/** What clients get for a session with a bucket of S3 Express, and have to sign everything else with. */
const SESSION = { accessKeyId: 'SESSIONKEY', secretAccessKey: 'session-secret', sessionToken: 'session-token' };

export function isSessionRequest({ method, key, query }: Pick<S3Request, 'method' | 'key' | 'query'>): boolean {
  return method === 'GET' && key === '' && query.has('session');
}

/** Whose keys a request has to be signed with. */
export function expressAccount(account: Account, opensSession: boolean): Account {
  return opensSession ? { ...account, service: 's3express' } : { ...account, ...SESSION, service: 's3express' };
}

export function answerSessionRequest(): S3Answer {
  const credentials =
    element('SessionToken', SESSION.sessionToken) +
    element('SecretAccessKey', SESSION.secretAccessKey) +
    element('AccessKeyId', SESSION.accessKeyId) +
    element('Expiration', new Date(Date.now() + 300_000).toISOString());
  return { status: 200, body: document('CreateSessionResult', element('Credentials', credentials)) };
}

/** What buckets of S3 Express do not take, by "Directory buckets" in the Amazon S3 user guide. */
export function checkExpressRules({ method, key, query, headers }: S3Request): void {
  const prefix = query.get('prefix') ?? '';
  const lists = method === 'GET' && key === '';
  if (lists && prefix !== '' && !prefix.endsWith('/')) throw new Refusal(400, 'InvalidRequest');
  if (headers['x-amz-acl'] !== undefined || headers['x-amz-tagging'] !== undefined) {
    throw new Refusal(501, 'NotImplemented');
  }
}
