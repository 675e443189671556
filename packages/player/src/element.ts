// The script that pages load: it defines <perch-player>.
import { definePlayer } from './perch-player.ts';

definePlayer();

export { PerchPlayer } from './perch-player.ts';
