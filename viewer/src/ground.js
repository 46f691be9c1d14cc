// The floor: a pool of tone in the middle, a grid that fades with distance, and the figure's soft shadow.

import { Color, Mesh, PlaneGeometry, ShaderMaterial } from "three";

const SIZE = 10;

const VERTEX = `
varying vec2 metres;
void main() {
  vec4 place = modelMatrix * vec4(position, 1.0);
  metres = place.xz;
  gl_Position = projectionMatrix * viewMatrix * place;
}`;

// Lines every half metre, one pixel wide at any distance.
// Each point of the figure darkens the floor below it: little and widely from high up, much and narrowly from near.
const FRAGMENT = `
uniform vec3 lines;
uniform vec3 tone;
uniform float darkness;
uniform vec3 points[POINTS];
varying vec2 metres;

float grid() {
  vec2 cells = metres / 0.5;
  vec2 pixels = abs(fract(cells - 0.5) - 0.5) / fwidth(cells);
  return 0.6 * (1.0 - min(min(pixels.x, pixels.y), 1.0)) * (1.0 - smoothstep(0.8, 3.5, length(metres)));
}

float shadow() {
  float sum = 0.0;
  for (int i = 0; i < POINTS; i++) {
    float size = 0.06 + 0.3 * max(points[i].y, 0.0);
    vec2 away = (metres - points[i].xz) / size;
    sum += 0.007 / (size * size) * exp(-dot(away, away));
  }
  return darkness * (1.0 - exp(-sum));
}

vec4 over(vec4 above, vec4 below) {
  return above + below * (1.0 - above.a);
}

void main() {
  vec4 floor = vec4(tone, 1.0) * 0.6 * exp(-1.5 * dot(metres, metres));
  vec4 premultiplied = over(vec4(0.0, 0.0, 0.0, shadow()), over(vec4(lines, 1.0) * grid(), floor));
  gl_FragColor = vec4(premultiplied.rgb / max(premultiplied.a, 0.001), premultiplied.a);
  #include <colorspace_fragment>
}`;

// `points` are the figure's, in the scene's axes; they move with it.
export function createGround(points) {
  const uniforms = {
    lines: { value: new Color() },
    tone: { value: new Color() },
    darkness: { value: 0 },
    points: { value: points },
  };
  const material = new ShaderMaterial({
    defines: { POINTS: points.length },
    uniforms,
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    transparent: true,
    depthWrite: false,
  });
  const object = new Mesh(new PlaneGeometry(SIZE, SIZE), material);
  object.rotation.x = -Math.PI / 2;

  return {
    object,
    paint(palette) {
      uniforms.lines.value.set(palette.grid);
      uniforms.tone.value.set(palette.floor);
      uniforms.darkness.value = Number(palette.shadow);
    },
  };
}
