import { announcedBy, carriesSections } from '../codec/announced.ts';
import { NULL_PID } from '../packet/packet.ts';
import type { Pmt, PmtStream } from '../psi/tables.ts';
import { FeedTrack } from './feed-track.ts';
import type { Oddities } from './oddities.ts';

/** A feed has places for so many tracks; the last is for data that is pushed beside the transport stream. */
export const TRACK_PLACES = 16;
export const DATA_PLACE = TRACK_PLACES - 1;

const hex = (value: number): string => `0x${value.toString(16)}`;

/** The tracks of a feed's program. One keeps its place over restarts of the encoder as long as its stream type is the same. */
export class FeedProgram {
  /** In the order of the PMT. */
  tracks: readonly FeedTrack[] = [];
  readonly #byPid = new Map<number, FeedTrack>();
  readonly #oddities: Oddities;
  /** The place given away last: a new track gets another than the one that it follows. */
  #lastPlace = -1;

  constructor(oddities: Oddities) {
    this.#oddities = oddities;
  }

  get hasVideo(): boolean {
    return this.tracks.some((track) => track.class === 'video');
  }

  /** The track that a PID belongs to now. */
  at(pid: number): FeedTrack | undefined {
    return this.#byPid.get(pid);
  }

  /** Nothing is known of PIDs until the next PMT; the tracks wait for their like. */
  unmap(): void {
    this.#byPid.clear();
  }

  /** A new PMT. Returns the tracks that have gone, and whether any is new or tells something else than before. */
  take(pmt: Pmt, isTable: (pid: number) => boolean): { gone: FeedTrack[]; changed: boolean } {
    this.unmap();
    const before = new Set(this.tracks);
    const now: FeedTrack[] = [];
    let changed = false;
    for (const stream of pmt.streams) {
      const { pid, streamType, descriptors } = stream;
      if (carriesSections(streamType)) {
        this.#oddities.say(`PID ${hex(pid)} carries sections (stream type ${hex(streamType)}): left out`);
        continue;
      }
      if (this.#byPid.has(pid) || isTable(pid) || pid === NULL_PID) {
        this.#oddities.say(`PID ${hex(pid)} is listed twice: the first one counts`);
        continue;
      }
      const announced = { ...stream, ...announcedBy(streamType, descriptors) };
      let track = likeOf(before, stream, announced.class, pmt);
      if (!track) {
        const place = this.#place(now, before);
        if (place < 0) {
          this.#oddities.say(`more than ${DATA_PLACE} tracks: PID ${hex(pid)} is left out`);
          continue;
        }
        track = new FeedTrack(place, announced);
        changed = true;
      } else if (!sameDescriptors(track.descriptors, descriptors)) changed = true;
      before.delete(track);
      track.pid = pid;
      track.codec = announced.codec;
      track.descriptors = descriptors;
      this.#byPid.set(pid, track);
      now.push(track);
    }
    this.tracks = now;
    const gone = [...before];
    return { gone, changed: changed || gone.length > 0 };
  }

  #place(now: readonly FeedTrack[], before: ReadonlySet<FeedTrack>): number {
    const taken = new Set([...now, ...before].map(({ index }) => index));
    for (let i = 1; i <= DATA_PLACE; i++) {
      const place = (this.#lastPlace + i) % DATA_PLACE;
      if (taken.has(place)) continue;
      this.#lastPlace = place;
      return place;
    }
    return -1;
  }
}

/** The track that goes on as this stream: the one on its PID, else any of its kind whose own PID is not listed. */
function likeOf(
  tracks: ReadonlySet<FeedTrack>,
  { pid, streamType }: PmtStream,
  kind: FeedTrack['class'],
  pmt: Pmt,
): FeedTrack | undefined {
  const alike = [...tracks].filter((track) => track.streamType === streamType && track.class === kind);
  const listed = (track: FeedTrack) =>
    pmt.streams.some((stream) => stream.pid === track.pid && stream.streamType === streamType);
  return alike.find((track) => track.pid === pid) ?? alike.find((track) => !listed(track));
}

const sameDescriptors = (a: FeedTrack['descriptors'], b: FeedTrack['descriptors']): boolean =>
  a.length === b.length &&
  a.every(({ tag, data }, i) => {
    const other = b[i];
    return (
      other?.tag === tag && other.data.length === data.length && data.every((x, j) => x === other.data[j])
    );
  });
