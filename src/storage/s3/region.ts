import { HeadBucketCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';

import { ENVIRONMENT } from '../../environment.js';
import type { S3Entry } from './info.js';
import { LakeportError } from '../../errors.js';
import { answerOf, type ServiceAnswer } from './service-response.js';

/** Region for asking where a bucket is: every region of Amazon knows. */
const ANY_REGION = 'us-east-1';

/**
 * Finds the region of an entry without one, once: from the bucket itself, which knows best, then from the profile or the
 * environment. Stores other than Amazon's mostly accept any region.
 * @param open a client for the given region, or for that of profile and environment
 */
export function regionFinder(entry: S3Entry, open: (region: string | undefined) => S3Client): () => Promise<string> {
  let finding: Promise<string> | undefined;
  return () => {
    finding ??= find(entry, open).catch((error: unknown) => {
      // The next request tries again: this failure may be transient.
      finding = undefined;
      throw error;
    });
    return finding;
  };
}

async function find(entry: S3Entry, open: (region: string | undefined) => S3Client): Promise<string> {
  const named = regionOfArn(entry.info.bucket);
  if (named !== undefined) return named;
  const configured = await configuredRegion(open);
  if (entry.info.s3Express) return configured ?? regionNeeded(entry);
  const asked = configured ?? ANY_REGION;
  const client = open(asked);
  return (await regionOfBucket(client, entry.info.bucket)) ?? asked;
}

/** An access point represents a bucket by its ARN: `arn:aws:s3:eu-west-1:123456789012:accesspoint/lake`. */
function regionOfArn(bucket: string): string | undefined {
  return /^arn:[\w-]+:[\w-]+:([\w-]+):/.exec(bucket)?.[1];
}

/** The region in the profile, environment or configuration file. */
async function configuredRegion(open: (region: string | undefined) => S3Client): Promise<string | undefined> {
  try {
    return await open(undefined).config.region();
  } catch {
    // The SDK throws if there is none. It does not read this variable, unlike AWS's other tools.
    return ENVIRONMENT['AWS_DEFAULT_REGION'];
  }
}

/** The region is part of such a bucket's host name, so there is nothing to ask. */
function regionNeeded(entry: S3Entry): never {
  throw new LakeportError({
    code: 'S3_REGION_NEEDED',
    message: `The region of the S3 Express bucket "${entry.info.bucket}" is not known`,
    hint: 'Set "region" in the entry to the region of the zone in the bucket name.',
    context: { entry: entry.id, detail: 'region' },
  });
}

async function regionOfBucket(client: S3Client, bucket: string): Promise<string | undefined> {
  try {
    return (await client.send(new HeadBucketCommand({ Bucket: bucket }))).BucketRegion;
  } catch (error) {
    const answer = refusal(error);
    if (answer.region !== undefined || answer.status !== 400) return answer.region;
  }
  // Some stores only report a wrong region in the response body, which HEAD does not have.
  try {
    await client.send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 }));
    return undefined;
  } catch (error) {
    return refusal(error).region;
  }
}

/** The service's response; rethrows a failure without one. */
function refusal(error: unknown): ServiceAnswer {
  const answer = answerOf(error);
  if (answer === undefined) throw error;
  return answer;
}
