import { S3Client } from '@aws-sdk/client-s3';
import { expect, test } from 'vitest';

import { S3Requests } from '../../../../src/storage/s3/requests.js';
import { s3Entry } from '../../../harness/s3-entry.js';

test.each([
  ['lake', 'a b/part-00000.parquet', 'lake/a%20b/part-00000.parquet'],
  [
    'arn:aws:s3:eu-west-1:123456789012:accesspoint/lake',
    'a/b',
    'arn%3Aaws%3As3%3Aeu-west-1%3A123456789012%3Aaccesspoint/lake/object/a/b',
  ],
])('an object of %s is named as the source of a copy', (bucket, key, source) => {
  const requests = new S3Requests(s3Entry({ bucket }), new S3Client({ region: 'eu-west-1' }));
  expect(requests.source(key)).toBe(source);
});
