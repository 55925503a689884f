import { describeStorage } from '../../harness/describe-storage.js';

describeStorage('local');
describeStorage('s3');
describeStorage('gcs');
describeStorage('azure');
