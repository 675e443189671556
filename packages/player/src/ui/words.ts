import { codecInWords } from '../decode/words.ts';
import type { PlayerState, PlayerStats, SoundState } from '../state.ts';

/** What the state is called: short, for the bar. `now` is `performance.now()`. */
export function stateInWords(state: PlayerState, now: number): string {
  switch (state.kind) {
    case 'idle':
      return 'Paused';
    case 'connecting':
      return 'Connecting…';
    case 'waiting':
      return 'Waiting for the sender…';
    case 'live':
      return state.sound.kind === 'off' || state.sound.kind === 'blocked' ? 'Live, sound off' : 'Live';
    case 'lost': {
      const seconds = Math.max(1, Math.ceil((state.nextTryAt - now) / 1000));
      return `Connection lost. Next try in ${seconds} s`;
    }
    case 'refused':
      return 'Can’t be played';
  }
}

/** The long form, shown over the picture; empty where the picture says enough. */
export function explanationOf(state: PlayerState): string {
  switch (state.kind) {
    case 'lost':
      return sentence(state.reason);
    case 'refused':
      return state.reason;
    default:
      return '';
  }
}

/** What the sound button does and says. */
export function soundInWords(sound: SoundState, muted: boolean): { label: string; title: string } {
  switch (sound.kind) {
    case 'on':
      return { label: 'Sound off', title: 'Turn the sound off (m)' };
    case 'off':
    case 'blocked':
      return { label: 'Sound on', title: 'Turn the sound on (m)' };
    case 'unsupported':
      return { label: 'No sound', title: sound.reason };
    case 'none':
      return muted
        ? { label: 'Sound on', title: 'No sound in this stream so far' }
        : { label: 'Sound off', title: 'No sound in this stream so far' };
  }
}

/** The rows of the statistics overlay: name and value. */
export function statsInWords(stats: PlayerStats): readonly (readonly [string, string])[] {
  const ms = (value: number | undefined) => (value === undefined ? 'unknown' : `${Math.round(value)} ms`);
  const codecs = [stats.videoCodec, stats.audioCodec].filter((name) => name !== undefined).map(codecInWords);
  return [
    ['Latency', ms(stats.latencyMs)],
    ['Buffer', `${ms(stats.bufferMs)}, at least ${ms(stats.targetMs)}`],
    ['Speed', `${stats.rate.toFixed(3)} ×`],
    [
      'Picture',
      stats.width > 0 ? `${stats.width} × ${stats.height}, ${stats.framesPerSecond.toFixed(0)}/s` : 'none',
    ],
    ['Frames', `${stats.framesShown} shown, ${stats.framesDropped} dropped`],
    ['Codec', codecs.join(' + ') || 'unknown'],
    ['Transport', stats.transport],
    ['Bit rate', `${stats.kbitPerSecond.toFixed(0)} kbit/s`],
    ['Round trip', ms(stats.roundTripMs)],
    ['Sound', `ran out ${stats.soundUnderruns} ×, skipped ${ms(stats.soundSkippedMs)}`],
    ['Lost', `${stats.messagesDropped} messages, ${stats.damaged} damaged`],
    ['Connections', `${stats.reconnects + 1}`],
  ];
}

/** An error's message as a sentence for people. */
function sentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
