// What is plotted of a person, from positions in metres and times in seconds: (frames) values a curve.

const DEGREES = 180 / Math.PI;
const SIDES = ["left", "right"];

// Each angle by three joints; 0 degrees is a straight knee, elbow and hip, and an arm along the trunk.
export const ANGLES = [
  { name: "knee flexion", joints: ["hip", "knee", "ankle"], bent: true },
  { name: "hip flexion", joints: ["shoulder", "hip", "knee"], bent: true },
  { name: "elbow flexion", joints: ["shoulder", "elbow", "wrist"], bent: true },
  { name: "shoulder flexion", joints: ["hip", "shoulder", "elbow"], bent: false },
];

export function definition({ joints: [a, b, c], bent }) {
  return bent ? `180° − angle ${a}–${b}–${c}` : `angle ${a}–${b}–${c}`;
}

export function anglesOf({ joints }) {
  return ANGLES.filter((angle) =>
    SIDES.some((side) => angle.joints.every((joint) => joints.includes(`${side}_${joint}`))));
}

// The joint's x, y and z in the world.
export function trajectory({ joints, positions }, joint) {
  const frames = positions.length / (3 * joints.length);
  return [0, 1, 2].map((axis) =>
    Float32Array.from({ length: frames }, (_, frame) => positions[3 * (frame * joints.length + joint) + axis]));
}

// Left and right; one that the skeleton doesn't have is NaN.
export function angle({ joints, positions }, { joints: names, bent }) {
  const frames = positions.length / (3 * joints.length);
  return SIDES.map((side) => {
    const [a, b, c] = names.map((name) => joints.indexOf(`${side}_${name}`));
    return Float32Array.from({ length: frames }, (_, frame) => {
      if (Math.min(a, b, c) < 0) return NaN;
      const first = 3 * frame * joints.length;
      const inner = angleAt(positions, first + 3 * a, first + 3 * b, first + 3 * c);
      return bent ? 180 - inner : inner;
    });
  });
}

function angleAt(positions, a, b, c) {
  let [dot, first, second] = [0, 0, 0];
  for (let axis = 0; axis < 3; axis++) {
    const [u, v] = [positions[a + axis] - positions[b + axis], positions[c + axis] - positions[b + axis]];
    [dot, first, second] = [dot + u * v, first + u * u, second + v * v];
  }
  return DEGREES * Math.acos(Math.min(Math.max(dot / Math.sqrt(first * second), -1), 1));
}

// Metres a second from the frame before to the frame after; at the ends from or to the frame itself.
export function speed({ joints, positions }, joint, times) {
  const last = times.length - 1;
  const at = (frame) => 3 * (frame * joints.length + joint);
  return Float32Array.from(times, (_, frame) => {
    const [before, after] = [Math.max(frame - 1, 0), Math.min(frame + 1, last)];
    const step = [0, 1, 2].map((axis) => positions[at(after) + axis] - positions[at(before) + axis]);
    return Math.hypot(...step) / (times[after] - times[before] || 1);
  });
}
