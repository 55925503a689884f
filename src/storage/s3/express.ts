/** Names of the buckets of S3 Express One Zone: `name--zone--x-s3`. The SDK knows them by that too. */
const EXPRESS_NAME = /--[\w-]+--x-s3$/;

export function isExpressBucket(bucket: string): boolean {
  return EXPRESS_NAME.test(bucket);
}
