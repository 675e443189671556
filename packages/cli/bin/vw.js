#!/usr/bin/env node
// The old command line of vw: `vw stream`, `vw version`.
import { launch } from './launch.js';

await launch(['vw']);
