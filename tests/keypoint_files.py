"""A made-up person, and small files of JSON and NumPy laid out as the programs write them that users have."""

import json
from pathlib import Path

import numpy as np

from pstmo.files import write_keypoints
from pstmo.sequence import Keypoints
from pstmo.skeleton import SKELETONS

SIZE = (640, 480)
KNOWN = {"image_size": SIZE, "fps": 25}


def person(skeleton: str = "coco17", frames: int = 6, missing: tuple[int, ...] = (2,), seed: int = 0) -> Keypoints:
    """Somebody who is not seen in some frames, and of whom a joint is hidden in another."""
    rng = np.random.default_rng(seed)
    joints = len(SKELETONS[skeleton])
    xy = rng.uniform(50, 400, (frames, joints, 2))
    confidence = rng.uniform(0.1, 1, (frames, joints))
    confidence[1, 3] = 0
    confidence[list(missing)] = 0
    return Keypoints.from_array(xy, confidence=confidence, skeleton=skeleton, **KNOWN)


def rows(keypoints: Keypoints) -> list[list[float]]:
    """[x, y, c, x, y, c, ...] for each frame, zeros where a joint is not observed, [] where nothing is."""
    triples = np.nan_to_num(np.concatenate([keypoints.xy, keypoints.confidence[..., None]], -1).astype(float))
    return [frame.ravel().tolist() if frame.any() else [] for frame in triples]


def write_json(path: Path, value: object) -> Path:
    path.write_text(json.dumps(value))
    return path


def results(keypoints: Keypoints, image: str | None = None, **more: object) -> list[dict]:
    """A results list; `image` is the name's pattern, without it ids are numbers."""
    return [
        {"image_id": image.format(i) if image else i, "category_id": 1, "keypoints": row, "score": 1.5, **more}
        for i, row in enumerate(rows(keypoints))
        if row
    ]


def write_coco(folder: Path, keypoints: Keypoints) -> Path:
    images = [{"id": i, "file_name": f"{i}.jpg", "width": SIZE[0], "height": SIZE[1]} for i in range(keypoints.frames)]
    return write_json(folder / "person.json", {"images": images, "annotations": results(keypoints), "categories": []})


def write_results(folder: Path, keypoints: Keypoints) -> Path:
    return write_json(folder / "results.json", results(keypoints))


def write_alphapose(folder: Path, keypoints: Keypoints) -> Path:
    return write_json(folder / "alphapose-results.json", results(keypoints, "{}.jpg", idx=[[1.0], [4.0]]))


def write_openpose(folder: Path, keypoints: Keypoints, people: str = "people", key: str = "pose_keypoints_2d") -> Path:
    folder = folder / "openpose"
    folder.mkdir()
    for i, row in enumerate(rows(keypoints)):
        frame = {"version": 1.3, people: [{"person_id": [-1], key: row}] if row else []}
        write_json(folder / f"clip2_{i:012d}_keypoints.json", frame)
    return folder


def write_cmu(folder: Path, keypoints: Keypoints) -> Path:
    frames = {f"{i}.jpg": {"bodies": [{"joints": row}]} for i, row in enumerate(rows(keypoints)) if row}
    return write_json(folder / "cmu.json", frames)


def landmarks(row: list[float]) -> list[dict[str, float]]:
    return [{"x": x / SIZE[0], "y": y / SIZE[1], "z": 0.0, "visibility": c} for x, y, c in zip(*[iter(row)] * 3)]  # noqa: B905


def write_mediapipe(folder: Path, keypoints: Keypoints) -> Path:
    frames = [landmarks(row) or None for row in rows(keypoints)]
    return write_json(folder / "mediapipe.json", {"image_size": SIZE, "fps": 25.0, "frames": frames})


def write_npz(folder: Path, keypoints: Keypoints) -> Path:
    write_keypoints(folder / "keypoints.npz", keypoints)
    return folder / "keypoints.npz"


# Detectors of several people


def instances(keypoints: Keypoints, **more: object) -> list[list[dict]]:
    """The people of each frame, as MMPose splits them; a joint that is hidden scores 0."""
    return [
        [{"keypoints": xy, "keypoint_scores": scores, "bbox": [[0, 0, 9, 9]], "bbox_score": 0.9, **more}]
        if any(scores)
        else []
        for xy, scores in zip(np.nan_to_num(keypoints.xy).tolist(), keypoints.confidence.tolist(), strict=True)
    ]


def write_mmpose(folder: Path, keypoints: Keypoints) -> Path:
    """By the inferencer, of a video."""
    frames = [{"frame_id": i, "instances": people} for i, people in enumerate(instances(keypoints))]
    return write_json(folder / "mmpose.json", frames)


def write_mmpose_demo(folder: Path, keypoints: Keypoints) -> Path:
    """By `topdown_demo_with_mmdet.py --save-predictions`, which counts from 1."""
    names = {str(i): joint for i, joint in enumerate(keypoints.skeleton.joints)}
    frames = [{"frame_id": i, "instances": people} for i, people in enumerate(instances(keypoints), 1)]
    about = {"dataset_name": "coco", "keypoint_id2name": names, "sigmas": {"__ndarray__": [0.1], "dtype": "float64"}}
    return write_json(folder / "results_clip.json", {"meta_info": about, "instance_info": frames})


def write_pose_results(folder: Path, keypoints: Keypoints) -> Path:
    """What MMPose 0.x and ViTPose return, frame by frame."""
    frames = [
        [{"bbox": [0, 0, 9, 9, 0.9], "keypoints": triple}] if np.any(triple) else [] for triple in triples(keypoints)
    ]
    return write_json(folder / "pose_results.json", frames)


def triples(keypoints: Keypoints) -> list[list[list[float]]]:
    """[[x, y, c], ...] for each frame."""
    return np.nan_to_num(np.concatenate([keypoints.xy, keypoints.confidence[..., None]], -1)).astype(float).tolist()


def write_vitpose(folder: Path, keypoints: Keypoints, track: int = 1) -> Path:
    frames = [{track: [[y, x, c] for x, y, c in rows]} if np.any(rows) else {} for rows in triples(keypoints)]
    names = dict(enumerate(keypoints.skeleton.joints))
    return write_json(folder / "vitpose.json", {"keypoints": frames, "skeleton": names})


def write_detectron2(folder: Path, keypoints: Keypoints) -> Path:
    """By VideoPose3D's infer_video_d2.py."""
    boxes, people = np.empty((2, keypoints.frames, 2), object)
    for i, rows in enumerate(np.array(triples(keypoints), np.float32)):
        boxes[i], people[i] = [[], []], [[], []]
        if rows.any():
            x, y, sure = rows.T
            boxes[i, 1] = np.array([[0, 0, 9, 9, 0.9]], np.float32)
            people[i, 1] = np.stack([x, y, np.zeros_like(x), sure])[None]
    nothing = np.full(keypoints.frames, None)
    size = {"w": SIZE[0], "h": SIZE[1]}
    np.savez_compressed(
        folder / "clip.mp4.npz", boxes=boxes, segments=nothing, keypoints=people, metadata=np.array(size)
    )
    return folder / "clip.mp4.npz"


def write_videopose3d(folder: Path, *clips: Keypoints) -> Path:
    """By VideoPose3D's prepare_data_2d_custom.py."""
    videos = {f"clip{i}.mp4": {"custom": [clip.xy]} for i, clip in enumerate(clips)}
    sizes = {name: {"w": SIZE[0], "h": SIZE[1]} for name in videos}
    about = {"layout_name": "coco", "num_joints": 17, "keypoints_symmetry": [[1], [2]], "video_metadata": sizes}
    np.savez_compressed(folder / "data_2d_custom_my.npz", positions_2d=np.array(videos), metadata=np.array(about))
    return folder / "data_2d_custom_my.npz"


def assert_same(a: Keypoints, b: Keypoints) -> None:
    np.testing.assert_allclose(a.xy, b.xy, rtol=1e-6)
    np.testing.assert_array_equal(a.confidence, b.confidence)
    assert (a.skeleton, a.image_size, a.fps) == (b.skeleton, b.image_size, b.fps)
