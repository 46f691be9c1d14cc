// Camera, light and points of view. Draws only when something has changed.

import { DirectionalLight, HemisphereLight, PerspectiveCamera, Scene, WebGLRenderer } from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";

const FIELD_OF_VIEW = 28;
const MARGIN = 1.2;
const DIRECTIONS = { front: [0, 0, 1], side: [1, 0, 0], top: [0, 1, 0] };

// Null where the browser has no WebGL.
export function createRenderer(canvas) {
  try {
    return new WebGLRenderer({ canvas, antialias: true, alpha: true });
  } catch {
    return null;
  }
}

export function createStage(renderer, buttons, objects, { reach, top }) {
  const canvas = renderer.domElement;
  const camera = new PerspectiveCamera(FIELD_OF_VIEW, 1, 0.05, 100);
  const sun = new DirectionalLight(0xffffff, 1.9);
  sun.position.set(0.5, 5, 2);
  const scene = new Scene().add(...objects, new HemisphereLight(0xffffff, 0xb4bcc6, 2.5), sun);
  const controls = new OrbitControls(camera, canvas);
  controls.maxPolarAngle = 0.53 * Math.PI;
  controls.minDistance = 0.5;
  controls.maxDistance = 30;

  let waiting = false;
  function draw() {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      renderer.render(scene, camera);
    });
  }

  let view = null;
  function look(name) {
    view = name;
    for (const button of buttons) button.setAttribute("aria-pressed", button.dataset.view === name);
    if (!(name in DIRECTIONS)) return;
    const half = { width: reach, height: name === "top" ? reach : top / 2 };
    const depth = (name === "top" ? top : reach) / 2;
    const needed = Math.max(half.height, half.width / camera.aspect);
    const distance = (MARGIN * needed) / Math.tan((FIELD_OF_VIEW * Math.PI) / 360) + depth;
    controls.target.set(0, 0.53 * top, 0); // a little more room above, for the panel's title
    camera.position.set(...DIRECTIONS[name]).multiplyScalar(distance).add(controls.target);
    controls.update();
    draw();
  }

  new ResizeObserver(() => {
    renderer.setPixelRatio(Math.min(devicePixelRatio, 2));
    renderer.setSize(canvas.clientWidth, canvas.clientHeight, false);
    camera.aspect = canvas.clientWidth / canvas.clientHeight;
    camera.updateProjectionMatrix();
    look(view);
    draw();
  }).observe(canvas);
  controls.addEventListener("start", () => look(null));
  controls.addEventListener("change", draw);
  for (const button of buttons) button.addEventListener("click", () => look(button.dataset.view));

  return { draw, look };
}
