// The 3D figures: all joints are instances of one sphere, all bones of one cylinder.

import {
  Color, CylinderGeometry, DynamicDrawUsage, Group, InstancedBufferAttribute, InstancedMesh, Matrix4, Quaternion,
  SphereGeometry, Vector3,
} from "three";
import { boneRadius, jointRadius } from "./body.js";
import { sighting } from "./clip.js";
import { LOOK, createSkin } from "./skin.js";

const UP = new Vector3(0, 1, 0);
const NOTHING = new Matrix4().makeScale(0, 0, 0);

function instances(geometry, skin, count) {
  const mesh = new InstancedMesh(geometry, skin.material, Math.max(count, 1));
  mesh.count = count;
  mesh.frustumCulled = false;
  mesh.instanceMatrix.setUsage(DynamicDrawUsage);
  geometry.setAttribute("look", new InstancedBufferAttribute(new Float32Array(mesh.instanceMatrix.count), 1));
  return mesh;
}

// shown(person): whether the reader wants to see that person at all.
export function createFigures(people, shown) {
  const paper = { value: new Color() };
  const skins = [createSkin(paper, "joint"), createSkin(paper, "bone")];
  const total = (part) => people.reduce((sum, person) => sum + person[part].length, 0);
  const spheres = instances(new SphereGeometry(1, 24, 16), skins[0], total("joints"));
  const cylinders = instances(new CylinderGeometry(1, 1, 1, 16), skins[1], total("bones"));
  let [joint, bone] = [0, 0];
  const bodies = people.map((person) => {
    const body = { person, seen: sighting(person), joint, bone, points: person.joints.map(() => new Vector3()) };
    body.thick = person.joints.map(jointRadius);
    body.thin = person.bones.map(({ start, end }) => boneRadius(person.joints[start], person.joints[end]));
    [joint, bone] = [joint + person.joints.length, bone + person.bones.length];
    return body;
  });
  const matrix = new Matrix4();
  const turn = new Quaternion();
  const [size, middle, along] = [new Vector3(), new Vector3(), new Vector3()];

  function put(mesh, at, look, there) {
    mesh.setMatrixAt(at, there ? matrix.compose(middle, turn, size) : NOTHING);
    mesh.geometry.attributes.look.array[at] = look;
  }

  function pose(body, frame, there) {
    const { person, points } = body;
    const lookOf = (...joints) => {
      if (!person.observed[frame]) return LOOK.unseen;
      return joints.every((at) => body.seen(frame, at)) ? LOOK.seen : LOOK.filled;
    };
    turn.identity();
    points.forEach((point, at) => {
      middle.copy(point.fromArray(person.positions, 3 * (frame * points.length + at)));
      size.setScalar(body.thick[at]);
      put(spheres, body.joint + at, lookOf(at), there && !Number.isNaN(point.x + point.y + point.z));
    });
    person.bones.forEach(({ start, end }, at) => {
      along.subVectors(points[end], points[start]);
      middle.addVectors(points[start], points[end]).multiplyScalar(0.5);
      size.set(body.thin[at], along.length(), body.thin[at]);
      const known = !Number.isNaN(size.y);
      if (known) turn.setFromUnitVectors(UP, along.normalize());
      put(cylinders, body.bone + at, lookOf(start, end), there && known);
    });
  }

  function show(frame) {
    bodies.forEach((body, at) => pose(body, frame, shown(at) && body.person.present(frame)));
    for (const mesh of [spheres, cylinders]) {
      mesh.instanceMatrix.needsUpdate = true;
      mesh.geometry.attributes.look.needsUpdate = true;
    }
  }

  // colours: of each person those of the left, of the right and of the middle.
  function paint(colours, background) {
    const set = (mesh, at, colour) => mesh.setColorAt(at, new Color(colour));
    bodies.forEach(({ person, joint: first, bone: firstBone }, at) => {
      person.sides.forEach((side, i) => set(spheres, first + i, colours[at][side]));
      person.bones.forEach(({ side }, i) => set(cylinders, firstBone + i, colours[at][side]));
    });
    for (const mesh of [spheres, cylinders]) if (mesh.instanceColor) mesh.instanceColor.needsUpdate = true;
    paper.value.set(background);
  }

  // Where the joints of a person are drawn, read back from what is drawn; null where they are not.
  function joints(at) {
    return bodies[at].points.map((_, i) => {
      spheres.getMatrixAt(bodies[at].joint + i, matrix);
      return matrix.determinant() === 0 ? null : new Vector3().setFromMatrixPosition(matrix).toArray();
    });
  }

  return {
    object: new Group().add(spheres, cylinders),
    spheres,
    show,
    paint,
    joints,
    points: (at) => bodies[at].points,
    sharpen: (ratio) => skins.forEach((skin) => skin.sharpen(ratio)),
  };
}
