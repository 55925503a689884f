import type { IncomingHttpHeaders } from 'node:http';

/** A request by its name in the API. */
export function operationOf(request: {
  readonly method: string;
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}): string {
  const { method, key, query, headers } = request;
  const copies = headers['x-amz-copy-source'] !== undefined;
  if (key === '') {
    if (method === 'GET' && query.has('session')) return 'CreateSession';
    if (method === 'GET') return query.has('uploads') ? 'ListMultipartUploads' : 'ListObjectsV2';
    return { HEAD: 'HeadBucket', PUT: 'CreateBucket', POST: 'DeleteObjects', DELETE: 'DeleteBucket' }[method] ?? method;
  }
  if (query.has('uploads')) return 'CreateMultipartUpload';
  if (query.has('uploadId')) {
    if (method === 'PUT') return copies ? 'UploadPartCopy' : 'UploadPart';
    return { POST: 'CompleteMultipartUpload', DELETE: 'AbortMultipartUpload', GET: 'ListParts' }[method] ?? method;
  }
  if (method === 'PUT') return copies ? 'CopyObject' : 'PutObject';
  return { GET: 'GetObject', HEAD: 'HeadObject', DELETE: 'DeleteObject' }[method] ?? method;
}
