import type { Codec } from './codec/codec.ts';
import type { PesFault } from './pes/assembler.ts';
import type { SectionFault } from './psi/section.ts';

/** Why an access unit, or bytes that should have become one, are not as they should be. */
export type AccessUnitFault =
  /** Bytes that belong to no frame were passed over. */
  | 'sync'
  /** The end is missing: the stream stopped, or packets were lost. */
  | 'incomplete'
  /** Its header contradicts itself, or a parameter set cannot be read. */
  | 'header'
  /** It came before any time stamp, so nobody knows when it is due. */
  | 'no-timestamp';

/**
 * Something wrong in a stream. It never stops a demuxer: what can be used is delivered, the rest is left out.
 * `at` is how many bytes were pushed before the push in which it was noticed, plus the packet's offset in that.
 */
export type Damage =
  /** `bytes` belonged to no packet. */
  | { readonly kind: 'sync'; readonly at: number; readonly bytes: number }
  /** transport_error_indicator: the packet was not read. */
  | { readonly kind: 'transport-error'; readonly at: number; readonly pid: number }
  /** Adaptation field lengths or adaptation_field_control are impossible; the packet was not read. */
  | { readonly kind: 'adaptation'; readonly at: number; readonly pid: number }
  /** The payload is encrypted; it was not read. */
  | { readonly kind: 'scrambled'; readonly at: number; readonly pid: number }
  /** Packets are missing (or one came a third time). */
  | {
      readonly kind: 'continuity';
      readonly at: number;
      readonly pid: number;
      readonly expected: number;
      readonly found: number;
    }
  | {
      readonly kind: 'section';
      readonly at: number;
      readonly pid: number;
      readonly fault: SectionFault | 'too-many';
    }
  | { readonly kind: 'pes'; readonly at: number; readonly pid: number; readonly fault: PesFault }
  | {
      readonly kind: 'access-unit';
      readonly at: number;
      readonly pid: number;
      readonly codec: Codec;
      readonly fault: AccessUnitFault;
      /** How many bytes were passed over, where that is known. */
      readonly bytes: number;
    }
  /** More streams than {@link limits.streams} are announced; this one is not followed. */
  | { readonly kind: 'too-many-streams'; readonly at: number; readonly pid: number };

/** What can be wrong, in a word. */
export type DamageKind = Damage['kind'];

/** How often each kind of damage was seen. */
export type DamageCounts = { readonly [K in DamageKind]: number };

/** Counters at zero. */
export const noDamage = (): { -readonly [K in DamageKind]: number } => ({
  sync: 0,
  'transport-error': 0,
  adaptation: 0,
  scrambled: 0,
  continuity: 0,
  section: 0,
  pes: 0,
  'access-unit': 0,
  'too-many-streams': 0,
});
