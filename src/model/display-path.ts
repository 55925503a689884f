/** A path or URL for messages and reports, such as `s3://bucket/public/orders`; not for opening anything. */
export type DisplayPath = string;
