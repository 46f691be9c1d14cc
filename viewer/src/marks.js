// What helps to find one's way in the room: the camera that filmed, and a ring below whoever is in focus.

import {
  BufferGeometry, LineBasicMaterial, LineSegments, Matrix3, Mesh, MeshBasicMaterial, MathUtils, RingGeometry,
  Vector3,
} from "three";

const DEPTH = 0.35; // metres, of the pyramid that stands for the camera

// orientation: its columns are the camera's axes (x right, y down, z forward) in the world.
export function createCamera({ height, orientation }, [width, depth]) {
  const turn = new Matrix3().set(...orientation.flat());
  const side = (0.6 * DEPTH) / Math.max(width, depth);
  const corner = (x, y) =>
    new Vector3(x * side * width, y * side * depth, DEPTH).applyMatrix3(turn).add(new Vector3(0, 0, height));
  const corners = [corner(-1, -1), corner(1, -1), corner(1, 1), corner(-1, 1)];
  const eye = new Vector3(0, 0, height);
  const lines = corners.flatMap((at, i) => [eye, at, at, corners[(i + 1) % 4]]);
  lines.push(eye, new Vector3()); // the post it stands on
  const material = new LineBasicMaterial({ transparent: true });
  const object = new LineSegments(new BufferGeometry().setFromPoints(lines), material);
  return {
    object,
    // It fades away when it is between the reader and what there is to see.
    fade: (viewer, target) => (material.opacity = 0.6 * MathUtils.smoothstep(viewer.distanceTo(eye) / viewer.distanceTo(target), 0.4, 0.9)),
    paint: (palette) => material.color.set(palette.muted),
  };
}

export function createRing() {
  const material = new MeshBasicMaterial({ transparent: true, opacity: 0.85, depthWrite: false });
  const object = new Mesh(new RingGeometry(0.36, 0.4, 64), material);
  return {
    object,
    // points: of whom it is for; nobody hides it.
    follow(points, root) {
      object.visible = points !== null && !Number.isNaN(points[root].x);
      if (object.visible) object.position.set(points[root].x, points[root].y, 0.004);
    },
    paint: (colour) => material.color.set(colour),
  };
}
