// How thick a body is: metres by the joint's name. It is for looks only.

const RADII = [
  [/eye|ear|mouth|pinky|index|thumb|toe|heel/, 0.016],
  [/wrist/, 0.029],
  [/elbow/, 0.034],
  [/ankle/, 0.034],
  [/shoulder/, 0.043],
  [/knee/, 0.044],
  [/^(left|right)_hip/, 0.052],
  [/head/, 0.075],
  [/nose/, 0.04],
  [/hip|pelvis|spine|thorax|neck/, 0.05],
];

export function jointRadius(joint) {
  return RADII.find(([name]) => name.test(joint))?.[1] ?? 0.03;
}

export function boneRadius(start, end) {
  return 0.82 * Math.min(jointRadius(start), jointRadius(end));
}
