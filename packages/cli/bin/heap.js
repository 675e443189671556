// Keeps V8's young generation as small as it is at the start: it must be said before much has been loaded. A relay holds
// its pictures outside the heap, in buffers that are freed when their few bytes inside are collected. In a young generation
// that has grown, 64 MiB of them come together first, and then V8 collects the whole heap, up to ten times a second
// (bench/fanout-saturation.ts).
import { setFlagsFromString } from 'node:v8';

setFlagsFromString('--semi-space-growth-factor=1');
