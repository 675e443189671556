// The parts of @cycjimmy/jsmpeg-player 6.1.2 (MIT) that this package uses: its two WebAssembly decoders, without its
// player. The package has no types of its own.
declare module '@cycjimmy/jsmpeg-player' {
  export interface WasmModule {
    loadFromBuffer(wasm: ArrayBuffer, loaded: (module: WasmModule | null) => void): void;
  }

  export interface WasmDecoder<Destination> {
    connect(destination: Destination): void;
    write(pts: number, buffers: readonly Uint8Array[]): void;
    /** Decodes one frame out of what was written; false where there is no whole one. */
    decode(): boolean;
    destroy(): void;
  }

  export interface DecoderOptions {
    readonly wasmModule: WasmModule;
    readonly streaming: boolean;
    readonly decodeFirstFrame?: boolean;
    readonly videoBufferSize?: number;
    readonly audioBufferSize?: number;
  }

  export interface PictureDestination {
    /** Before the first picture: its size in luma samples. */
    resize(width: number, height: number): void;
    /** Planes of whole macroblocks in the decoder's own memory: to be copied before the next call. */
    render(y: Uint8Array, cr: Uint8Array, cb: Uint8Array, isClamped: boolean): void;
  }

  export interface SoundDestination {
    /** 1152 samples per channel in the decoder's own memory. */
    play(sampleRate: number, left: Float32Array, right: Float32Array): void;
  }

  const JSMpeg: {
    readonly WASMModule: new () => WasmModule;
    /** Base64. */
    readonly WASM_BINARY_INLINED: string;
    readonly Decoder: {
      readonly MPEG1VideoWASM: new (options: DecoderOptions) => WasmDecoder<PictureDestination>;
      readonly MP2AudioWASM: new (options: DecoderOptions) => WasmDecoder<SoundDestination>;
    };
  };
  export default JSMpeg;
}
