// MPEG-1 video (ISO/IEC 11172-2) and MP2 sound (ISO/IEC 11172-3 layer II), which no browser decodes, by the WebAssembly
// decoders inside @cycjimmy/jsmpeg-player. Its player, demuxer and outputs stay unused.
import JSMpeg, {
  type PictureDestination,
  type SoundDestination,
  type WasmDecoder,
  type WasmModule,
} from '@cycjimmy/jsmpeg-player';
import type { AccessUnit } from '@perch/mpegts';
import { fromTicks90k, type MediaMs, mediaMs, toMicros } from '../sync/media-time.ts';
import type { Decoder, PictureOutput, SoundOutput } from './decoder.ts';

/** The decoders of this chunk. */
export interface SoftwareDecoders {
  mpeg1Video(unit: AccessUnit, output: PictureOutput): Decoder;
  mp2(unit: AccessUnit, output: SoundOutput): Decoder;
}

/** Bytes that a decoder keeps: an access unit and what is left of the one before. Larger units are left out. */
const PICTURE_BUFFER_BYTES = 2 * 1024 * 1024;
const SOUND_BUFFER_BYTES = 128 * 1024;

/** The library's loudest sample is ± 0.5. */
const FULL_SCALE = 2;

/** Compiles the decoders, once. */
export async function loadSoftwareDecoders(): Promise<SoftwareDecoders> {
  const wasmModule = await compile();
  return {
    mpeg1Video: (_unit, output) => new Mpeg1Video(wasmModule, output),
    mp2: (_unit, output) => new Mp2(wasmModule, output),
  };
}

function compile(): Promise<WasmModule> {
  const bytes = Uint8Array.from(atob(JSMpeg.WASM_BINARY_INLINED), (char) => char.charCodeAt(0));
  return new Promise((resolve, reject) => {
    new JSMpeg.WASMModule().loadFromBuffer(bytes.buffer, (module) => {
      if (module) resolve(module);
      else reject(new Error('the MPEG-1 decoder does not start in this browser'));
    });
  });
}

class Mpeg1Video implements Decoder {
  readonly #output: PictureOutput;
  #decoder: WasmDecoder<PictureDestination> | undefined;
  #width = 0;
  #height = 0;
  #pts = mediaMs(0);

  constructor(wasmModule: WasmModule, output: PictureOutput) {
    this.#output = output;
    const decoder = new JSMpeg.Decoder.MPEG1VideoWASM({
      wasmModule,
      streaming: true,
      decodeFirstFrame: false,
      videoBufferSize: PICTURE_BUFFER_BYTES,
    });
    decoder.connect({
      resize: (width, height) => {
        this.#width = width;
        this.#height = height;
      },
      render: (y, cr, cb) => this.#render(y, cr, cb),
    });
    this.#decoder = decoder;
  }

  decode(unit: AccessUnit): void {
    if (!this.#decoder || unit.data.length > PICTURE_BUFFER_BYTES / 2) return;
    this.#pts = fromTicks90k(unit.pts);
    try {
      this.#decoder.write(0, [unit.data]);
      this.#decoder.decode();
    } catch (error) {
      this.#output.failed(error as Error);
    }
  }

  close(): void {
    this.#decoder?.destroy();
    this.#decoder = undefined;
  }

  #render(y: Uint8Array, cr: Uint8Array, cb: Uint8Array): void {
    const codedWidth = Math.ceil(this.#width / 16) * 16;
    const codedHeight = Math.ceil(this.#height / 16) * 16;
    const data = new Uint8Array(y.length + cb.length + cr.length);
    data.set(y);
    data.set(cb, y.length);
    data.set(cr, y.length + cb.length);
    this.#output.decoded(
      new VideoFrame(data, {
        format: 'I420',
        codedWidth,
        codedHeight,
        visibleRect: { x: 0, y: 0, width: this.#width, height: this.#height },
        timestamp: toMicros(this.#pts),
        colorSpace: { matrix: 'smpte170m', primaries: 'smpte170m', transfer: 'smpte170m', fullRange: false },
      }),
    );
  }
}

class Mp2 implements Decoder {
  readonly #output: SoundOutput;
  #decoder: WasmDecoder<SoundDestination> | undefined;
  #pts: MediaMs = mediaMs(0);

  constructor(wasmModule: WasmModule, output: SoundOutput) {
    this.#output = output;
    const decoder = new JSMpeg.Decoder.MP2AudioWASM({
      wasmModule,
      streaming: true,
      audioBufferSize: SOUND_BUFFER_BYTES,
    });
    decoder.connect({
      play: (sampleRate, left, right) => {
        const planes = [left, right].map((plane) => plane.map((sample) => sample * FULL_SCALE));
        output.decoded({ pts: this.#pts, sampleRate, planes });
        this.#pts = mediaMs(this.#pts + (left.length / sampleRate) * 1000);
      },
    });
    this.#decoder = decoder;
  }

  decode(unit: AccessUnit): void {
    if (!this.#decoder || unit.data.length > SOUND_BUFFER_BYTES / 2) return;
    this.#pts = fromTicks90k(unit.pts);
    try {
      this.#decoder.write(0, [unit.data]);
      while (this.#decoder.decode());
    } catch (error) {
      this.#output.failed(error as Error);
    }
  }

  close(): void {
    this.#decoder?.destroy();
    this.#decoder = undefined;
  }
}
