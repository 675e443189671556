export { Uploader, type UploaderOptions, type UploaderState } from './uploader.ts';
