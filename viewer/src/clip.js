// The sequence that the page carries: written by pstmo/view/page.py, unpacked here.

const ARRAYS = { int8: Int8Array, int16: Int16Array };

// Small integers times a scale; the smallest integer stands for NaN.
function unpack({ type, scale, base64 }) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const integers = new ARRAYS[type](bytes.buffer);
  const missing = -(2 ** (8 * integers.BYTES_PER_ELEMENT - 1));
  return Float32Array.from(integers, (integer) => (integer === missing ? NaN : integer * scale));
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
  return { sides, bones: bones.map(([start, end]) => ({ start, end, side: sideOfBone(sides[start], sides[end]) })) };
}

// Frames count from 0 here and from 1 on the page. Joint j of frame f lies at f * joints + j, times its axes.
export function readClip(text) {
  const { fps, imageSize, keypoints, poses } = JSON.parse(text);
  const observed = unpack(poses.observed);
  return {
    fps,
    frames: observed.length,
    keypoints: {
      ...layout(keypoints),
      imageSize,
      xy: unpack(keypoints.xy),
      confidence: unpack(keypoints.confidence),
    },
    poses: {
      ...layout(poses),
      positions: unpack(poses.positions),
      rootHeight: unpack(poses.rootHeight),
      observed,
    },
  };
}
