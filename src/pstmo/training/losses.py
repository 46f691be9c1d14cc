"""What the two stages minimise."""

from jaxtyping import Float
from torch import Tensor

from pstmo.model.stmo import Prediction


def reconstruction_loss(drawn: Float[Tensor, "*batch joints 2"], seen: Float[Tensor, "*batch joints 2"]) -> Tensor:
    """Stage I: mean distance of the joints drawn from those seen, over all frames, hidden or not (paper, eq. 3)."""
    return (drawn - seen).norm(dim=-1).mean()


def sequence_and_centre_loss(prediction: Prediction, target: Float[Tensor, "batch frames joints 3"]) -> Tensor:
    """Stage II: mean joint distance over all frames, plus the same at the centre frame (paper, section 3.3)."""
    centre = target[:, target.shape[1] // 2]
    return (prediction.sequence - target).norm(dim=-1).mean() + (prediction.centre - centre).norm(dim=-1).mean()
