// The clip that the page carries: written by pstmo/view/clip.py and pack.py, unpacked here.

const ARRAYS = { int8: Int8Array, int16: Int16Array, int32: Int32Array };
const LEAVE = 1; // seconds that somebody stays after being observed for the last time, and is there before the first

function bytesOf(base64) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

async function inflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

// Differences from frame to frame of small integers times a scale; the smallest integer stands for NaN.
function unpack(buffer, frames, { type, scale, at, length }, Numbers = Float32Array) {
  const integers = new ARRAYS[type](buffer, at, length);
  const row = length / frames;
  const missing = -(2 ** (8 * integers.BYTES_PER_ELEMENT - 1));
  const numbers = new Numbers(length);
  for (let i = 0; i < length; i++) {
    if (i >= row) integers[i] += integers[i - row];
    numbers[i] = integers[i] === missing ? NaN : integers[i] * scale;
  }
  return numbers;
}

function sideOf(joint) {
  return joint.match(/^(left|right)_/)?.[1] ?? "middle";
}

function sideOfBone(start, end) {
  if (start === "middle" || start === end) return end;
  return end === "middle" ? start : "middle";
}

function layout({ joints, bones }) {
  const sides = joints.map(sideOf);
  return {
    joints,
    sides,
    bones: bones.map(([start, end]) => ({ start, end, side: sideOfBone(sides[start], sides[end]) })),
  };
}

// From a second before somebody is first observed to a second after the last time.
function presence(observed, times) {
  const first = observed.findIndex((seen) => seen > 0);
  if (first < 0) return () => true;
  const [from, to] = [times[first] - LEAVE, times[observed.findLastIndex((seen) => seen > 0)] + LEAVE];
  return (frame) => times[frame] >= from && times[frame] <= to;
}

// Frames and people count from 0 here; the page says frames from 1 and people's own numbers.
// Joint j of frame f lies at f * joints + j, times its axes. Positions: metres, z up.
export async function readClip(text, packed) {
  const { people, times: packedTimes, ...facts } = JSON.parse(text);
  const buffer = await inflated(bytesOf(packed));
  const frames = packedTimes.length;
  const read = (array, Numbers) => unpack(buffer, frames, array, Numbers);
  const times = read(packedTimes, Float64Array);
  return {
    ...facts,
    frames,
    times,
    people: people.map(({ number, root, positions, observed, keypoints, ...skeleton }) => {
      const seen = read(observed);
      return {
        number,
        root,
        ...layout(skeleton),
        positions: read(positions),
        observed: seen,
        present: presence(seen, times),
        keypoints: keypoints && {
          ...layout(keypoints),
          xy: read(keypoints.xy),
          confidence: read(keypoints.confidence),
          error: read(keypoints.error),
        },
      };
    }),
  };
}

export function videoOf(base64) {
  return base64 ? URL.createObjectURL(new Blob([bytesOf(base64)], { type: "video/mp4" })) : null;
}

// For each joint of the figure whether its keypoint was observed; those without one of their own count as observed.
export function sighting({ joints, keypoints }) {
  const columns = joints.map((joint) => keypoints?.joints.indexOf(joint) ?? -1);
  return (frame, joint) =>
    columns[joint] < 0 || keypoints.confidence[frame * keypoints.joints.length + columns[joint]] > 0;
}

// The frame whose time is nearest; times rise.
export function frameAt(times, seconds) {
  let [low, high] = [0, times.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (times[middle] <= seconds) low = middle;
    else high = middle;
  }
  return seconds - times[low] <= times[high] - seconds ? low : high;
}
