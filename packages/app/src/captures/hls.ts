/** What plays HLS where the browser does not: large, so it is fetched when it is needed. */
export { default } from 'hls.js';
