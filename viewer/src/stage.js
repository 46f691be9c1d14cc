// Camera, light and points of view. Draws only when something has changed.

import { DirectionalLight, HemisphereLight, PCFShadowMap, PerspectiveCamera, Scene, WebGLRenderer } from "three";
import { OrbitControls } from "three/addons/controls/OrbitControls.js";

const FIELD_OF_VIEW = 28;
const MARGIN = 1.16;
const DIRECTIONS = { front: [0, 0, 1], side: [1, 0, 0], top: [0, 1, 0] };

export function createStage(canvas, buttons, objects, { reach, top }) {
  const renderer = new WebGLRenderer({ canvas, antialias: true, alpha: true });
  renderer.shadowMap.enabled = true;
  renderer.shadowMap.type = PCFShadowMap;
  const camera = new PerspectiveCamera(FIELD_OF_VIEW, 1, 0.05, 100);
  const scene = new Scene().add(...objects, new HemisphereLight(0xffffff, 0x8f9aa8, 2.1), sun(reach, top));
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
    if (!name) return;
    const half = { width: reach, height: name === "top" ? reach : top / 2 };
    const depth = name === "top" ? top / 2 : reach;
    const needed = Math.max(half.height, half.width / camera.aspect);
    const distance = (MARGIN * needed) / Math.tan((FIELD_OF_VIEW * Math.PI) / 360) + depth;
    controls.target.set(0, top / 2, 0);
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

function sun(reach, top) {
  const light = new DirectionalLight(0xffffff, 2.2);
  light.position.set(1.2, 5, 2);
  light.castShadow = true;
  const side = reach + 0.7 * top;
  Object.assign(light.shadow.camera, { left: -side, right: side, top: side, bottom: -side, far: 12 });
  light.shadow.mapSize.set(1024, 1024);
  light.shadow.radius = 5;
  light.shadow.normalBias = 0.02;
  return light;
}
