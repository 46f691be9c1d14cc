// How much room the motion of a person needs.

import { Box3, Vector3 } from "three";

const HIGH = 4; // metres above the floor from which on it needn't be in the picture

// Of the frames in which the person was observed, or of all where there are none.
export function bounds({ positions, joints, observed }) {
  const box = new Box3();
  const point = new Vector3();
  const all = !observed.some((seen) => seen > 0);
  for (let frame = 0; frame < observed.length; frame++) {
    if (!all && !observed[frame]) continue;
    for (let joint = 0; joint < joints.length; joint++) {
      point.fromArray(positions, 3 * (frame * joints.length + joint));
      if (!Number.isNaN(point.x + point.y + point.z)) box.expandByPoint(point);
    }
  }
  if (box.isEmpty()) box.set(new Vector3(-0.5, -0.5, 0), new Vector3(0.5, 0.5, 1.7));
  if (box.min.z < HIGH) box.min.z = Math.min(box.min.z, 0);
  return box;
}

export function around(boxes) {
  const box = new Box3();
  for (const each of boxes) box.union(each);
  return box;
}

// Metres from line to line of a grid below such a box.
export function cellOf(box) {
  const side = Math.max(box.max.x - box.min.x, box.max.y - box.min.y);
  return side < 8 ? 0.5 : side < 40 ? 1 : 10;
}
