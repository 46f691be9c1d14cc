// What figures are made of. `look` says of every joint and bone how sure it is.

import { MeshLambertMaterial } from "three";

export const LOOK = { seen: 0, filled: 1, unseen: 2 };

const HATCH = 6; // pixels from one stripe to the next
const DASH = 0.055; // metres from one dash to the next

const VERTEX = `
  vLook = look;
  vAlong = position.y * length(instanceMatrix[1].xyz);`;

// Unseen frames leave out stripes of the screen. Where a keypoint was filled in bones are dashed and joints hollow.
const HOLES = `
  if (vLook > 1.5 && fract((gl_FragCoord.x + gl_FragCoord.y) / hatch) > 0.6) discard;
  if (vLook > 0.5 && vLook < 1.5 && dash > 0.0 && fract(vAlong / dash) > 0.6) discard;`;
const HOLLOW = `
  float facing = abs(dot(normalize(vNormal), normalize(vViewPosition)));
  if (vLook > 0.5 && vLook < 1.5 && dash == 0.0) diffuseColor.rgb = mix(diffuseColor.rgb, paper, smoothstep(0.62, 0.72, facing));`;

export function createSkin(paper, kind) {
  const material = new MeshLambertMaterial();
  const uniforms = {
    paper,
    hatch: { value: HATCH },
    dash: { value: kind === "bone" ? DASH : 0 },
  };
  material.onBeforeCompile = (shader) => {
    Object.assign(shader.uniforms, uniforms);
    shader.vertexShader = `attribute float look;\nvarying float vLook;\nvarying float vAlong;\n${shader.vertexShader}`
      .replace("#include <begin_vertex>", `#include <begin_vertex>${VERTEX}`);
    shader.fragmentShader =
      `uniform vec3 paper;\nuniform float hatch;\nuniform float dash;\nvarying float vLook;\nvarying float vAlong;\n${shader.fragmentShader}`
        .replace("#include <clipping_planes_fragment>", HOLES)
        .replace("#include <color_fragment>", `#include <color_fragment>${HOLLOW}`);
  };
  return { material, sharpen: (ratio) => (uniforms.hatch.value = HATCH * ratio) };
}
