// Camera, light and points of view; z is up. Draws when asked to, and when the reader turns the view.

import { DirectionalLight, HemisphereLight, PerspectiveCamera, Scene, Vector3, WebGLRenderer } from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";

const FIELD_OF_VIEW = 28;
const MARGIN = 1.16;
const CLOSE = 1.1; // metres around the one who is followed
const SLOPE = 0.13; // from a little above, so that the floor shows
const DIRECTIONS = { front: [0, -1, SLOPE], side: [1, 0, SLOPE], top: [0, 0, 1] };

// Null where the browser has no WebGL.
export function createRenderer(canvas) {
  try {
    return new WebGLRenderer({ canvas, antialias: true, alpha: true });
  } catch {
    return null;
  }
}

// rendering(place, target): called before each picture, rendered(camera): after it. resized(ratio): when the canvas has another size or density.
export function createStage(renderer, objects, { rendering, rendered, resized, turned }) {
  const canvas = renderer.domElement;
  const camera = new PerspectiveCamera(FIELD_OF_VIEW, 1, 0.05, 1000);
  camera.up.set(0, 0, 1);
  const sky = new HemisphereLight(0xffffff, 0xb4bcc6, 2.5);
  sky.position.set(0, 0, 1);
  const sun = new DirectionalLight(0xffffff, 1.9);
  sun.position.set(0.5, -2, 5);
  const scene = new Scene().add(...objects, sky, sun);
  const controls = new OrbitControls(camera, canvas);
  controls.maxPolarAngle = 0.52 * Math.PI;
  controls.minDistance = 0.5;
  controls.maxDistance = 200;
  let followed = null; // where who is followed was last
  let waiting = false;
  let sized = false;
  let last = () => {};

  function render() {
    if (!sized) return;
    rendering(camera.position, controls.target);
    renderer.render(scene, camera);
    rendered(camera);
  }

  function draw() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      render();
    });
  }

  // So that the box fills the picture.
  function look(name, box) {
    last = () => look(name, box);
    const half = box.getSize(new Vector3()).multiplyScalar(0.5);
    const [width, height, depth] = {
      front: [half.x, half.z, half.y],
      side: [half.y, half.z, half.x],
      top: [half.x, half.y, half.z],
    }[name];
    const slope = name === "top" ? 0 : SLOPE * depth;
    const needed = Math.max(height + slope + 0.12, (width + 0.2) / camera.aspect);
    const distance = (MARGIN * needed) / Math.tan((FIELD_OF_VIEW * Math.PI) / 360) + depth;
    box.getCenter(controls.target);
    controls.target.z += 0.06 * height; // a little more room above, for the panel's title
    camera.position.set(...DIRECTIONS[name]).setLength(distance).add(controls.target);
    controls.update();
    draw();
  }

  // place: metres, where who is followed is now; null = nobody is followed.
  function follow(place) {
    if (place === null || Number.isNaN(place.x)) {
      if (place === null) followed = null;
      return;
    }
    const step = followed ? place.clone().sub(followed) : approach(place);
    controls.target.add(step);
    camera.position.add(step);
    followed = place.clone();
  }

  // To the distance from which a person fills the picture, looking as before.
  function approach(place) {
    const distance = (MARGIN * Math.max(CLOSE, (0.8 * CLOSE) / camera.aspect)) / Math.tan((FIELD_OF_VIEW * Math.PI) / 360);
    camera.position.sub(controls.target).setLength(distance).add(controls.target);
    last = () => {};
    return place.clone().sub(controls.target);
  }

  new ResizeObserver(() => {
    const ratio = Math.min(devicePixelRatio, 2);
    renderer.setPixelRatio(ratio);
    renderer.setSize(canvas.clientWidth, canvas.clientHeight, false);
    camera.aspect = canvas.clientWidth / Math.max(canvas.clientHeight, 1);
    camera.updateProjectionMatrix();
    sized = canvas.clientWidth > 0;
    resized(ratio);
    last();
    render();
  }).observe(canvas);
  controls.addEventListener("start", () => {
    last = () => {};
    turned();
  });
  controls.addEventListener("change", draw);

  return { render, draw, look, follow };
}
