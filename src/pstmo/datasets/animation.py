"""A tree of joints that turn over time, as ASF/AMC and BVH files hold it, and forward kinematics."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from pstmo.datasets import rotations


@dataclass(frozen=True, eq=False)
class Posed:
    """Where the joints are, in the file's world axes and units.

    positions: (frames, joints, 3). rotations: (frames, joints, 3, 3); columns are the joint's own x, y, z axes.
    """

    joints: tuple[str, ...]
    positions: Float[np.ndarray, "frames joints 3"]
    rotations: Float[np.ndarray, "frames joints 3 3"]
    fps: float

    def of(self, joint: str) -> Float[np.ndarray, "frames 3"]:
        """One joint's positions."""
        return self.positions[:, self.joints.index(joint)]


@dataclass(frozen=True, eq=False)
class Animation:
    """Joints by name, each after its parent; the first is the root. Bones cannot change length: offsets are constant.

    parents: index of each joint's parent, -1 for the root.
    offsets: (joints, 3), joint's place in its parent's axes; the root's counts on top of `root`.
    turns: (frames, joints, 4), rotations relative to the parent, unit quaternions. root: (frames, 3), its translation.
    Lengths are in the file's unit. Ends of bones where nothing follows are joints called `<joint>_end`.
    """

    joints: tuple[str, ...]
    parents: tuple[int, ...]
    offsets: Float[np.ndarray, "joints 3"]
    turns: Float[np.ndarray, "frames joints 4"]
    root: Float[np.ndarray, "frames 3"]
    fps: float

    @property
    def frames(self) -> int:
        return len(self.root)

    def without_first(self, frames: int) -> "Animation":
        return replace(self, turns=self.turns[frames:], root=self.root[frames:])

    def renamed(self, names: dict[str, str]) -> "Animation":
        """Joints under other names; those not in `names` keep theirs."""
        return replace(self, joints=tuple(names.get(joint, joint) for joint in self.joints))

    def only(self, joints: set[str]) -> "Animation":
        """These joints and those they hang on."""
        kept = {self.joints.index(joint) for joint in joints}
        for i in reversed(range(len(self.joints))):  # children come after their parents
            if i in kept:
                kept.add(self.parents[i])
        order = sorted(kept - {-1})
        return replace(
            self,
            joints=tuple(self.joints[i] for i in order),
            parents=tuple(order.index(self.parents[i]) if self.parents[i] >= 0 else -1 for i in order),
            offsets=self.offsets[order],
            turns=self.turns[:, order],
        )

    def resampled(self, fps: float) -> "Animation":
        """The same motion at another frame rate: rotations and the root's path are interpolated, bones are not."""
        at = rotations.instants(self.frames, self.fps, fps)
        turns = rotations.resample_rotations(self.turns, at)
        return replace(self, turns=turns, root=rotations.resample_positions(self.root, at), fps=fps)

    def posed(self) -> Posed:
        """Forward kinematics."""
        local = rotations.to_matrix(self.turns)
        turned, positions = np.empty_like(local), np.empty(local.shape[:-1])
        for joint, parent in enumerate(self.parents):
            if parent < 0:
                turned[:, joint], positions[:, joint] = local[:, joint], self.root + self.offsets[joint]
            else:
                turned[:, joint] = turned[:, parent] @ local[:, joint]
                positions[:, joint] = positions[:, parent] + turned[:, parent] @ self.offsets[joint]
        return Posed(self.joints, positions, turned, self.fps)
