// The 3D figure: a sphere for each joint, a cylinder for each bone; hatched where nobody was observed.

import { CylinderGeometry, Group, Mesh, MeshLambertMaterial, SphereGeometry, Vector3 } from "three";

const JOINT_RADIUS = 0.034;
const BONE_RADIUS = 0.024;
const HATCH = 6; // pixels from one stripe to the next
const UP = new Vector3(0, 1, 0);
const NOWHERE = new Vector3(0, 0, 1e6); // casts no shadow on the floor

export function createFigure({ sides, bones, positions, rootHeight, observed }) {
  const hatching = { value: 0 };
  const materials = Object.fromEntries(["left", "right", "middle"].map((side) => [side, hatched(hatching)]));
  const sphere = new SphereGeometry(JOINT_RADIUS, 32, 20);
  const cylinder = new CylinderGeometry(BONE_RADIUS, BONE_RADIUS, 1, 24);
  const jointMeshes = sides.map((side) => new Mesh(sphere, materials[side]));
  const boneMeshes = bones.map(({ side }) => new Mesh(cylinder, materials[side]));
  const meshes = [...jointMeshes, ...boneMeshes];
  const object = new Group().add(...meshes);
  const points = meshes.map((mesh) => mesh.position);

  function show(frame) {
    jointMeshes.forEach((mesh, joint) => {
      mesh.position.copy(place(frame, joint));
      mesh.visible = !Number.isNaN(mesh.position.length());
      if (!mesh.visible) mesh.position.copy(NOWHERE);
    });
    boneMeshes.forEach((mesh, bone) => {
      const [start, end] = [jointMeshes[bones[bone].start], jointMeshes[bones[bone].end]];
      mesh.visible = start.visible && end.visible;
      if (mesh.visible) span(mesh, start.position, end.position);
      else mesh.position.copy(NOWHERE);
    });
    hatching.value = observed[frame] ? 0 : HATCH * Math.min(devicePixelRatio, 2);
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

  function describe(frame) {
    if (!jointMeshes.some((mesh) => mesh.visible)) return "no pose";
    return observed[frame] ? "" : "not observed: interpolated";
  }

  function paint(palette) {
    for (const [side, material] of Object.entries(materials)) material.color.set(palette[side]);
  }

  return { object, points, show, paint, describe, extent: extent() };
}

function span(mesh, start, end) {
  const bone = new Vector3().subVectors(end, start);
  mesh.position.addVectors(start, end).multiplyScalar(0.5);
  mesh.scale.y = bone.length();
  mesh.quaternion.setFromUnitVectors(UP, bone.normalize());
}

// A material that leaves out diagonal stripes of the screen; hatching.value is their distance, 0 for none.
function hatched(hatching) {
  const material = new MeshLambertMaterial();
  material.onBeforeCompile = (shader) => {
    shader.uniforms.hatching = hatching;
    shader.fragmentShader = `uniform float hatching;\n${shader.fragmentShader}`.replace(
      "#include <clipping_planes_fragment>",
      "if (hatching > 0.0 && fract((gl_FragCoord.x + gl_FragCoord.y) / hatching) > 0.6) discard;",
    );
  };
  return material;
}
