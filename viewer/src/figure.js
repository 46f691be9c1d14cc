// The 3D figure: a sphere for each joint, a cylinder for each bone, hatched where nobody was observed.

import { CylinderGeometry, Group, Mesh, MeshStandardMaterial, SphereGeometry, Vector3 } from "three";

const JOINT_RADIUS = 0.034;
const BONE_RADIUS = 0.024;
const UP = new Vector3(0, 1, 0);

export function createFigure({ sides, bones, positions, rootHeight, observed }) {
  const hatching = { value: 0 };
  const materials = Object.fromEntries(["left", "right", "middle"].map((side) => [side, hatched(hatching)]));
  const sphere = new SphereGeometry(JOINT_RADIUS, 32, 20);
  const cylinder = new CylinderGeometry(BONE_RADIUS, BONE_RADIUS, 1, 24);
  const jointMeshes = sides.map((side) => solid(sphere, materials[side]));
  const boneMeshes = bones.map(({ side }) => solid(cylinder, materials[side]));
  const object = new Group().add(...jointMeshes, ...boneMeshes);

  function show(frame) {
    jointMeshes.forEach((mesh, joint) => {
      mesh.position.copy(place(frame, joint));
      mesh.visible = !Number.isNaN(mesh.position.length());
    });
    boneMeshes.forEach((mesh, bone) => {
      const [start, end] = [jointMeshes[bones[bone].start], jointMeshes[bones[bone].end]];
      mesh.visible = start.visible && end.visible;
      if (mesh.visible) span(mesh, start.position, end.position);
    });
    hatching.value = observed[frame] ? 0 : 1;
  }

  // Camera axes (y down, z forward) to the scene's (y up, z towards the camera), standing on the floor.
  function place(frame, joint) {
    const at = 3 * (frame * sides.length + joint);
    const height = rootHeight[frame] + JOINT_RADIUS;
    return new Vector3(positions[at], height - positions[at + 1], -positions[at + 2]);
  }

  // Half the width and the height of the room that the whole motion needs.
  function extent() {
    let reach = 0.5;
    let top = 1;
    for (let frame = 0; frame < observed.length; frame++) {
      for (let joint = 0; joint < sides.length; joint++) {
        const { x, y, z } = place(frame, joint);
        if (Number.isNaN(x + y + z)) continue;
        reach = Math.max(reach, Math.hypot(x, z));
        top = Math.max(top, y + JOINT_RADIUS);
      }
    }
    return { reach, top };
  }

  function paint(palette) {
    for (const [side, material] of Object.entries(materials)) material.color.set(palette[side]);
  }

  return { object, show, paint, extent: extent(), describe: (frame) => describe(jointMeshes, observed[frame]) };
}

function describe(jointMeshes, observed) {
  if (!jointMeshes.some((mesh) => mesh.visible)) return "no pose";
  return observed ? "" : "not observed: interpolated";
}

function solid(geometry, material) {
  const mesh = new Mesh(geometry, material);
  mesh.castShadow = true;
  return mesh;
}

function span(mesh, start, end) {
  const bone = new Vector3().subVectors(end, start);
  mesh.position.addVectors(start, end).multiplyScalar(0.5);
  mesh.scale.y = bone.length();
  mesh.quaternion.setFromUnitVectors(UP, bone.normalize());
}

// A material that leaves out diagonal stripes of the screen while hatching.value is 1.
function hatched(hatching) {
  const material = new MeshStandardMaterial({ roughness: 0.6 });
  material.onBeforeCompile = (shader) => {
    shader.uniforms.hatching = hatching;
    shader.fragmentShader = `uniform float hatching;\n${shader.fragmentShader}`.replace(
      "#include <clipping_planes_fragment>",
      "if (hatching > 0.5 && fract((gl_FragCoord.x + gl_FragCoord.y) / 8.0) > 0.5) discard;",
    );
  };
  return material;
}
