import type { S3Entry } from './info.js';
import type { Agents } from '../http/agents.js';
import { createClient } from './client.js';
import { S3Objects } from './objects.js';
import { S3Requests } from './requests.js';
import { S3Uploads } from './uploads.js';

/** One bucket and its requests. Keys are complete: they do not depend on the entry's base path. */
export interface S3Bucket {
  readonly requests: S3Requests;
  readonly objects: S3Objects;
  readonly uploads: S3Uploads;
}

export function openBucket(entry: S3Entry, agents: Agents): S3Bucket {
  const requests = new S3Requests(entry, createClient(entry, agents));
  return { requests, objects: new S3Objects(requests), uploads: new S3Uploads(requests) };
}
