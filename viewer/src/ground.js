// The floor: a pool of tone in the middle and a grid that fades with distance. It lies at z = 0.

import { Color, Mesh, PlaneGeometry, ShaderMaterial, Vector2 } from "three";

const VERTEX = `
varying vec2 metres;
void main() {
  vec4 place = modelMatrix * vec4(position, 1.0);
  metres = place.xy;
  gl_Position = projectionMatrix * viewMatrix * place;
}`;

// Lines one pixel wide at any distance.
const FRAGMENT = `
uniform vec3 lines;
uniform vec3 tone;
uniform float cell;
uniform vec2 middle;
uniform float reach;
varying vec2 metres;

float grid(float size) {
  vec2 cells = metres / size;
  vec2 pixels = abs(fract(cells - 0.5) - 0.5) / fwidth(cells);
  return 1.0 - min(min(pixels.x, pixels.y), 1.0);
}

void main() {
  float away = length(metres - middle) / reach;
  float fade = 1.0 - smoothstep(0.5, 1.6, away);
  float line = fade * max(0.35 * grid(cell), 0.6 * grid(2.0 * cell));
  float pool = 0.7 * exp(-1.6 * away * away) * (1.0 - line);
  gl_FragColor = vec4((lines * line + tone * pool) / max(line + pool, 0.001), line + pool);
  #include <colorspace_fragment>
}`;

// box: where people are; see bounds.js. cell: metres from line to line.
export function createGround(box, cell) {
  const reach = Math.max(1.6, 0.75 * Math.hypot(box.max.x - box.min.x, box.max.y - box.min.y));
  const middle = new Vector2((box.min.x + box.max.x) / 2, (box.min.y + box.max.y) / 2);
  const uniforms = {
    lines: { value: new Color() },
    tone: { value: new Color() },
    cell: { value: cell },
    middle: { value: middle },
    reach: { value: reach },
  };
  const material = new ShaderMaterial({
    uniforms,
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    transparent: true,
    depthWrite: false,
  });
  const object = new Mesh(new PlaneGeometry(3.4 * reach, 3.4 * reach), material);
  object.position.set(middle.x, middle.y, 0);
  object.renderOrder = -2;

  return {
    object,
    paint(palette) {
      uniforms.lines.value.set(palette.grid);
      uniforms.tone.value.set(palette.floor);
    },
  };
}
