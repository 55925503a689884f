import { describe, expect, it } from 'vitest';

import { generatedDocuments } from '../../../scripts/documents.js';

describe('generated documents', async () => {
  it.each((await generatedDocuments()).map((document) => [document.path, document] as const))(
    '%s says what the code says; npm run docs writes it anew',
    (_, { onDisk, content }) => {
      expect(onDisk).toBe(content);
    },
  );
});
