import { HeadBucketCommand, ListObjectsV2Command, type S3Client } from '@aws-sdk/client-s3';

import { ENVIRONMENT } from '../../environment.js';
import type { S3Entry } from './info.js';
import { LakeportError } from '../../errors.js';
import { answerOf, type ServiceAnswer } from './service-response.js';

/** Where a request goes that only asks where the bucket is: every region of Amazon's knows that. */
const ANY_REGION = 'us-east-1';

/**
 * Finds the region of an entry that names none, once: from the bucket itself, which knows best, then from the profile or
 * the environment. Stores other than Amazon's mostly take any region.
 * @param open a client for the given region, or for the one that profile and environment name
 */
export function regionFinder(entry: S3Entry, open: (region: string | undefined) => S3Client): () => Promise<string> {
  let finding: Promise<string> | undefined;
  return () => {
    finding ??= find(entry, open).catch((error: unknown) => {
      // The next request asks again: this one may have failed for a passing reason.
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

/** Access points stand for a bucket by their ARN: `arn:aws:s3:eu-west-1:123456789012:accesspoint/lake`. */
function regionOfArn(bucket: string): string | undefined {
  return /^arn:[\w-]+:[\w-]+:([\w-]+):/.exec(bucket)?.[1];
}

/** The region that profile, environment or configuration file name. */
async function configuredRegion(open: (region: string | undefined) => S3Client): Promise<string | undefined> {
  try {
    return await open(undefined).config.region();
  } catch {
    // The SDK throws where nothing names one. It does not know this variable, which the other tools of AWS do.
    return ENVIRONMENT['AWS_DEFAULT_REGION'];
  }
}

/** The region is a part of the host of such a bucket: there is nobody to ask. */
function regionNeeded(entry: S3Entry): never {
  throw new LakeportError({
    code: 'S3_REGION_NEEDED',
    message: `The region of the S3 Express bucket "${entry.info.bucket}" is not known`,
    hint: 'Set "region" in the entry to the region that the zone in the name belongs to.',
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
  // Some stores tell a wrong region only in the body of an answer, which one to HEAD does not have.
  try {
    await client.send(new ListObjectsV2Command({ Bucket: bucket, MaxKeys: 1 }));
    return undefined;
  } catch (error) {
    return refusal(error).region;
  }
}

/** What the service answered; a failure without an answer goes on to the caller. */
function refusal(error: unknown): ServiceAnswer {
  const answer = answerOf(error);
  if (answer === undefined) throw error;
  return answer;
}
