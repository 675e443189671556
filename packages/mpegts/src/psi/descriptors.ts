// ISO/IEC 13818-1 2.6: descriptors. tag (8), length (8), data.
import { u8, u16 } from '../bytes.ts';

/** A descriptor as it is in a PMT. */
export interface Descriptor {
  readonly tag: number;
  /** Without tag and length. Ours to keep. */
  readonly data: Uint8Array;
}

/** Tags that this library reads or writes. */
export const descriptorTags = {
  /** 2.6.8 registration_descriptor: four characters that say what a private stream is. */
  registration: 0x05,
  /** 2.6.18 ISO_639_language_descriptor. */
  language: 0x0a,
  /** 2.6.60 metadata_descriptor: what a metadata stream carries. */
  metadata: 0x26,
  /** ETSI EN 300 468 6.2.39 stream_identifier_descriptor: component_tag. */
  streamIdentifier: 0x52,
  /** ETSI EN 300 468 6.2.16: extension_descriptor; its first byte is a tag of its own. */
  extension: 0x7f,
} as const;

/** The Opus mapping's descriptor_tag_extension: channel_config_code follows ("Encapsulation of Opus in MPEG-TS"). */
export const OPUS_EXTENSION = 0x80;

/** The descriptors between `start` and `end`; one that does not fit ends the list. */
export function parseDescriptors(bytes: Uint8Array, start: number, end: number): Descriptor[] {
  const list: Descriptor[] = [];
  for (let at = start; at + 2 <= end; ) {
    const length = u8(bytes, at + 1);
    if (at + 2 + length > end) break;
    list.push({ tag: u8(bytes, at), data: bytes.slice(at + 2, at + 2 + length) });
    at += 2 + length;
  }
  return list;
}

const find = (descriptors: readonly Descriptor[], tag: number, bytes: number) =>
  descriptors.find((d) => d.tag === tag && d.data.length >= bytes)?.data;

/** format_identifier as four characters, such as `Opus` or `AC-3`. */
export function registrationOf(descriptors: readonly Descriptor[]): string | undefined {
  const data = find(descriptors, descriptorTags.registration, 4);
  return data && String.fromCharCode(...data.subarray(0, 4));
}

/** What a metadata stream carries, by its metadata_descriptor. */
export interface MetadataFormat {
  /** metadata_format_identifier as four characters: `KLVA`, `ID3 `. Undefined for formats that have a number instead. */
  readonly format: string | undefined;
  /** metadata_service_id: the access unit cells name it. */
  readonly serviceId: number;
}

/** 2.6.61: application_format(16) [identifier(32)] format(8) [identifier(32)] service_id(8) … */
export function metadataFormatOf(descriptors: readonly Descriptor[]): MetadataFormat | undefined {
  const data = find(descriptors, descriptorTags.metadata, 4);
  if (!data) return undefined;
  // 0xffff and 0xff: an identifier follows.
  const at = u16(data, 0) === 0xffff ? 6 : 2;
  const named = u8(data, at) === 0xff;
  return {
    format: named ? String.fromCharCode(...data.subarray(at + 1, at + 5)) : undefined,
    serviceId: u8(data, at + (named ? 5 : 1)),
  };
}

/** ISO 639-2 code of the first language named, such as `deu`. */
export function languageOf(descriptors: readonly Descriptor[]): string | undefined {
  const data = find(descriptors, descriptorTags.language, 3);
  return data && String.fromCharCode(...data.subarray(0, 3));
}

/** component_tag, 0 to 255. */
export function componentTagOf(descriptors: readonly Descriptor[]): number | undefined {
  return find(descriptors, descriptorTags.streamIdentifier, 1)?.[0];
}

/** channel_config_code of Opus: 1 to 8 is that many channels, 0 dual mono, others see the mapping. */
export function opusChannelConfigOf(descriptors: readonly Descriptor[]): number | undefined {
  return descriptors.find(
    (d) => d.tag === descriptorTags.extension && d.data.length >= 2 && d.data[0] === OPUS_EXTENSION,
  )?.data[1];
}

/** Descriptors as bytes of a PMT. */
export function writeDescriptors(descriptors: readonly Descriptor[]): Uint8Array {
  const bytes: number[] = [];
  for (const { tag, data } of descriptors) {
    if (data.length > 255)
      throw new TypeError(`descriptor 0x${tag.toString(16)}: data longer than 255 bytes`);
    bytes.push(tag, data.length, ...data);
  }
  return Uint8Array.from(bytes);
}
