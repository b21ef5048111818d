const PLACEHOLDER = '\u0000binary'

/**
 * What arrives when `args` go over a Socket.IO wire: a JSON copy (`undefined` becomes null, `toJSON` is honoured, a cycle or a
 * BigInt throws), with binary values carried along as copied bytes.
 */
export function cloneOverWire(args: readonly unknown[]): unknown[] {
  const blobs: Uint8Array[] = []
  const text = JSON.stringify(args, function (this: unknown, key: string, value: unknown) {
    const bytes = bytesOf(readKey(this, key))
    return bytes === null ? value : `${PLACEHOLDER}${blobs.push(bytes) - 1}`
  })
  const parsed: unknown = blobs.length === 0 ? JSON.parse(text) : JSON.parse(text, (_key, value: unknown) => revive(value, blobs))
  return Array.isArray(parsed) ? parsed : []
}

// `value` has already been through toJSON, which turns a Buffer into an object: the holder still has the original.
function readKey(holder: unknown, key: string): unknown {
  return typeof holder === 'object' && holder !== null ? Reflect.get(holder, key) : undefined
}

function bytesOf(value: unknown): Uint8Array | null {
  if (value instanceof ArrayBuffer) return new Uint8Array(value.slice(0))
  if (!ArrayBuffer.isView(value)) return null
  return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice()
}

function revive(value: unknown, blobs: readonly Uint8Array[]): unknown {
  if (typeof value !== 'string' || !value.startsWith(PLACEHOLDER)) return value
  return blobs[Number(value.slice(PLACEHOLDER.length))] ?? value
}
