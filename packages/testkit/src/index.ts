export { makeCertificate, type TestCertificate } from './certificate.ts';
export { FakeClock } from './fake-clock.ts';
export { freePort, type Launched, type LaunchOptions, launch } from './launch.ts';
export { startPebble, type TestAcmeServer } from './pebble.ts';
export { numbersOf, type PictureMessage, Pictures } from './pictures.ts';
export { startPostgres, type TestPostgres } from './postgres.ts';
