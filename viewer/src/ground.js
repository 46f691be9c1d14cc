// The floor: a grid that fades with distance, and the shadow that falls on it.

import { Color, Group, Mesh, PlaneGeometry, ShaderMaterial, ShadowMaterial } from "three";

const SIZE = 12;

const VERTEX = `
varying vec2 metres;
void main() {
  metres = position.xy;
  gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
}`;

// A line every half metre, one pixel wide at any distance.
const FRAGMENT = `
uniform vec3 colour;
varying vec2 metres;
void main() {
  vec2 cells = metres / 0.5;
  vec2 pixels = abs(fract(cells - 0.5) - 0.5) / fwidth(cells);
  float line = 1.0 - min(min(pixels.x, pixels.y), 1.0);
  float fade = 1.0 - smoothstep(0.8, 3.5, length(metres));
  gl_FragColor = vec4(colour, line * fade * 0.75);
  #include <colorspace_fragment>
}`;

export function createGround() {
  const colour = { value: new Color() };
  const plane = new PlaneGeometry(SIZE, SIZE);
  const grid = new Mesh(
    plane,
    new ShaderMaterial({
      uniforms: { colour },
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
      transparent: true,
      depthWrite: false,
    }),
  );
  const shadow = new Mesh(plane, new ShadowMaterial({ depthWrite: false }));
  shadow.receiveShadow = true;
  const object = new Group().add(grid, shadow);
  object.rotation.x = -Math.PI / 2;

  return {
    object,
    paint(palette) {
      colour.value.set(palette.grid);
      shadow.material.opacity = Number(palette.shadow);
    },
  };
}
