// Soft shadows on the floor below every joint: small and dark from near, wide and faint from high up.

import { InstancedMesh, Matrix4, PlaneGeometry, ShaderMaterial, Vector3 } from "three";

const VERTEX = `
varying vec2 away;
varying float strength;
void main() {
  away = 2.0 * position.xy;
  strength = instanceMatrix[2].z;
  vec4 place = vec4(instanceMatrix[0].x * position.xy + instanceMatrix[3].xy, 0.002, 1.0);
  gl_Position = projectionMatrix * viewMatrix * place;
}`;

const FRAGMENT = `
uniform float darkness;
varying vec2 away;
varying float strength;
void main() {
  float edge = max(0.0, 1.0 - dot(away, away));
  gl_FragColor = vec4(0.0, 0.0, 0.0, darkness * strength * edge * edge);
}`;

export function createShadows(spheres) {
  const darkness = { value: 0 };
  const material = new ShaderMaterial({
    uniforms: { darkness },
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    transparent: true,
    depthWrite: false,
  });
  const object = new InstancedMesh(new PlaneGeometry(1, 1), material, Math.max(spheres.count, 1));
  object.frustumCulled = false;
  object.renderOrder = -1;
  object.count = spheres.count;
  const matrix = new Matrix4();
  const place = new Vector3();

  return {
    object,
    follow() {
      for (let i = 0; i < spheres.count; i++) {
        spheres.getMatrixAt(i, matrix);
        const there = matrix.elements[0] > 0;
        place.setFromMatrixPosition(matrix);
        const size = 0.24 + 1.1 * Math.max(place.z, 0);
        matrix.makeScale(size, size, there ? Math.min(0.16 / (size * size), 0.8) : 0).setPosition(place);
        object.setMatrixAt(i, matrix);
      }
      object.instanceMatrix.needsUpdate = true;
    },
    paint: (palette) => (darkness.value = Number(palette.shadow)),
  };
}
