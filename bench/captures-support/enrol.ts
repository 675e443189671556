// A process of its own, so that what it loads weighs on nobody who is measured: makes a device and writes down who it is.
// NODE_EXTRA_CA_CERTS=CA node enrol.ts URL CODE FILE
import { writeFileSync } from 'node:fs';
import { TestDevice } from '../../packages/relay/src/devices/testing/test-device.ts';

const [url = '', code = '', file = ''] = process.argv.slice(2);
const { id, key, certificate } = await TestDevice.enrol(url, code);
writeFileSync(file, JSON.stringify({ id, key, certificate }));
