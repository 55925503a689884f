import { header } from './checksums.js';
import { Refusal } from './refusal.js';
import type { S3Answer, S3Request } from './request.js';
import { contentsOf, document, element, escapeText, unescapeText } from './xml.js';

/** Requests on a bucket itself. */
export function answerBucketRequest(request: S3Request, region: string): S3Answer {
  const { method, bucket: name, query, store } = request;
  if (method === 'PUT') {
    if (store.buckets.has(name)) throw new Refusal(409, 'BucketAlreadyOwnedByYou');
    store.buckets.set(name, new Map());
    return { status: 200, headers: { location: `/${name}` } };
  }
  const bucket = store.bucket(name);
  if (method === 'HEAD') return { status: 200, headers: { 'x-amz-bucket-region': region } };
  if (method === 'DELETE') {
    if (bucket.size > 0) throw new Refusal(409, 'BucketNotEmpty');
    store.buckets.delete(name);
    return { status: 204 };
  }
  if (method === 'POST' && query.has('delete')) return deleteObjects(request);
  if (method === 'GET' && query.has('location')) {
    return { status: 200, body: document('LocationConstraint', region === 'us-east-1' ? '' : region) };
  }
  if (method === 'GET' && query.has('uploads')) return listUploads(request);
  if (method === 'GET') return listObjects(request);
  throw new Refusal(501, 'NotImplemented');
}

function deleteObjects({ bucket, store, body, headers, quirks }: S3Request): S3Answer {
  if (quirks.noDeleteObjects === true) throw new Refusal(501, 'NotImplemented');
  const md5 = header(headers, 'content-md5');
  const otherwise = Object.keys(headers).some((name) => name.startsWith('x-amz-checksum-'));
  if (md5 === undefined && (quirks.deleteWantsMd5 === true || !otherwise)) {
    throw new Refusal(400, 'InvalidRequest', { message: 'Missing required header for this request: Content-MD5' });
  }
  const keys = contentsOf(body.toString(), 'Key').map(unescapeText);
  if (keys.length > 1000) throw new Refusal(400, 'MalformedXML');
  for (const key of keys) store.bucket(bucket).delete(key);
  const deleted = keys.map((key) => element('Deleted', element('Key', escapeText(key))));
  const quiet = body.includes('<Quiet>true</Quiet>');
  return { status: 200, body: document('DeleteResult', quiet ? '' : deleted.join('')) };
}

function listUploads({ bucket, store, query }: S3Request): S3Answer {
  const prefix = query.get('prefix') ?? '';
  const uploads = [...store.uploads].filter(([, upload]) => upload.bucket === bucket && upload.key.startsWith(prefix));
  const items = uploads.map(([id, { key, initiated }]) =>
    element(
      'Upload',
      element('Key', escapeText(key)) + element('UploadId', id) + element('Initiated', initiated.toISOString()),
    ),
  );
  return { status: 200, body: document('ListMultipartUploadsResult', element('Bucket', bucket) + items.join('')) };
}

/** ListObjectsV2, in the order of the keys' bytes, page by page. */
function listObjects({ bucket: name, store, query, quirks }: S3Request): S3Answer {
  const bucket = store.bucket(name);
  const prefix = query.get('prefix') ?? '';
  const delimiter = query.get('delimiter');
  const max = Number(query.get('max-keys') ?? 1000);
  const token = query.get('continuation-token');
  const after = token === null ? (query.get('start-after') ?? '') : Buffer.from(token, 'base64url').toString();
  const encoded = query.get('encoding-type') === 'url' && quirks.noListEncoding !== true;
  const shown = (key: string) =>
    encoded ? encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+') : escapeText(key);

  const names: { readonly name: string; readonly group: boolean }[] = [];
  const keys = [...bucket.keys()].filter((key) => key.startsWith(prefix));
  keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  let truncated = false;
  for (const key of keys) {
    const cut = delimiter === null ? -1 : key.indexOf(delimiter, prefix.length);
    const group = cut >= 0;
    const listed = group ? key.slice(0, cut + (delimiter?.length ?? 0)) : key;
    if (listed <= after || names.at(-1)?.name === listed) continue;
    if (names.length >= max) {
      truncated = true;
      break;
    }
    names.push({ name: listed, group });
  }
  const items = names.map(({ name: key, group }) => {
    if (group) return element('CommonPrefixes', element('Prefix', shown(key)));
    const object = bucket.get(key)!;
    return element(
      'Contents',
      element('Key', shown(key)) +
        element('LastModified', object.modified.toISOString()) +
        element('ETag', escapeText(object.etag)) +
        element('Size', object.body.length) +
        element('StorageClass', object.kept['x-amz-storage-class'] ?? 'STANDARD'),
    );
  });
  const next = truncated ? Buffer.from(names.at(-1)!.name).toString('base64url') : undefined;
  return {
    status: 200,
    body: document(
      'ListBucketResult',
      element('Name', name) +
        element('Prefix', shown(prefix)) +
        (encoded ? element('EncodingType', 'url') : '') +
        element('KeyCount', names.length) +
        element('MaxKeys', max) +
        element('IsTruncated', String(truncated)) +
        element('NextContinuationToken', next) +
        items.join(''),
    ),
  };
}
