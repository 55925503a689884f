/** The requests that this store sends, by their API names. */
export type S3Operation =
  | 'HeadBucket'
  | 'PutObject'
  | 'GetObject'
  | 'HeadObject'
  | 'ListObjectsV2'
  | 'DeleteObject'
  | 'DeleteObjects'
  | 'CopyObject'
  | 'CreateMultipartUpload'
  | 'UploadPart'
  | 'UploadPartCopy'
  | 'ListParts'
  | 'CompleteMultipartUpload'
  | 'AbortMultipartUpload';

/** Permissions that each request requires; Amazon S3 user guide, "Required permissions for Amazon S3 API operations". */
export const PERMISSIONS: Readonly<Record<S3Operation, string>> = {
  HeadBucket: 's3:ListBucket',
  PutObject: 's3:PutObject',
  GetObject: 's3:GetObject',
  HeadObject: 's3:GetObject',
  ListObjectsV2: 's3:ListBucket',
  DeleteObject: 's3:DeleteObject',
  DeleteObjects: 's3:DeleteObject',
  CopyObject: 's3:GetObject and s3:PutObject',
  CreateMultipartUpload: 's3:PutObject',
  UploadPart: 's3:PutObject',
  UploadPartCopy: 's3:GetObject and s3:PutObject',
  ListParts: 's3:ListMultipartUploadParts',
  CompleteMultipartUpload: 's3:PutObject',
  AbortMultipartUpload: 's3:AbortMultipartUpload',
};

/** For sentences: "… may not *delete* s3://…". */
export const VERBS: Readonly<Record<S3Operation, string>> = {
  HeadBucket: 'access',
  PutObject: 'write',
  GetObject: 'read',
  HeadObject: 'read',
  ListObjectsV2: 'list',
  DeleteObject: 'delete',
  DeleteObjects: 'delete',
  CopyObject: 'copy',
  CreateMultipartUpload: 'write',
  UploadPart: 'write',
  UploadPartCopy: 'copy',
  ListParts: 'list the parts of the upload of',
  CompleteMultipartUpload: 'write',
  AbortMultipartUpload: 'abort the upload of',
};

/** Whether the request carries the settings of a new object: encryption, class, ACL, tags. */
export function createsObject(operation: S3Operation): boolean {
  return operation === 'PutObject' || operation === 'CreateMultipartUpload' || operation === 'CopyObject';
}
