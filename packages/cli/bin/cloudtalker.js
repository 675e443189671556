#!/usr/bin/env node
// The old command line of cloudtalker: -c, -k, -e and the rest.
import { launch } from './launch.js';

await launch(['cloudtalker']);
