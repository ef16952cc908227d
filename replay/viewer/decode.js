// Array bundles, as replay/codec.py writes them: an index in JSON, then byte planes of each array.

const meta = JSON.parse(document.getElementById("meta").textContent);

async function inflate(base64) {
  const packed = Uint8Array.from(atob(base64.trim()), c => c.charCodeAt(0));
  if (typeof DecompressionStream === "undefined") throw new Error("This browser is too old to unpack the replay.");
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

function unpackArrays(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = view.getUint32(0, true);
  const index = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const out = {};
  let at = 4 + length;
  for (const [name, [dtype, shape, coding]] of Object.entries(index)) {
    const size = dtype === "bool" ? 1 : parseInt(dtype.replace(/\D+/, ""), 10) / 8;
    const count = shape.reduce((a, b) => a * b, 1);
    out[name] = decodeArray(bytes.subarray(at, at + size * count), dtype, size, count, shape.length ? count / (shape[0] || 1) : 1, coding);
    at += size * count;
  }
  return out;
}

function decodeArray(bytes, dtype, size, count, row, coding) {
  const words = new Uint32Array(count);  // all our arrays have at most 4 bytes an element
  for (let plane = 0; plane < size; plane++) {
    const shift = 8 * plane, base = plane * count;
    for (let i = 0; i < count; i++) words[i] |= bytes[base + i] << shift;
  }
  const mask = size === 4 ? 0xffffffff : (1 << (8 * size)) - 1;
  if (coding === "xor") for (let i = row; i < count; i++) words[i] ^= words[i - row];
  if (coding.startsWith("diff")) {
    for (let i = 0; i < count; i++) words[i] = ((words[i] >>> 1) ^ -(words[i] & 1)) & mask;
    for (let pass = coding === "diff2" ? 2 : 1; pass > 0; pass--) {
      for (let i = row; i < count; i++) words[i] = (words[i] + words[i - row]) & mask;
    }
  }
  if (dtype === "float32") return new Float32Array(words.buffer);
  if (dtype === "int32") return new Int32Array(words.buffer);
  if (dtype === "int16") return Int16Array.from(words, v => (v << 16) >> 16);
  if (dtype === "int8") return Int8Array.from(words, v => (v << 24) >> 24);
  return Uint8Array.from(words);
}

// Index of the last element of a sorted array that is <= value; -1 where there is none.
function lastAtMost(array, value) {
  let low = 0, high = array.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (array[middle] <= value) low = middle + 1; else high = middle;
  }
  return low - 1;
}
