"""Who goes with whom: the pairs of rows and columns that are worth most together."""

from collections.abc import Sequence

INFINITE = float("inf")


def pairs(worth: Sequence[Sequence[float]]) -> list[tuple[int, int]]:
    """Of a table, (row, column) of the pairs whose sum is the largest there is, rising; none of 0 or less.

    Every row and column stands in one pair at most. By shortest augmenting paths (Jonker and Volgenant, 1987), exact;
    in lists of Python, since a frame holds a handful of people. A table of infinite or NaN values has no answer.
    """
    rows, columns = len(worth), len(worth[0]) if worth else 0
    if rows > columns:
        return sorted((row, column) for column, row in pairs(list(zip(*worth, strict=True))))
    costs = [[-max(value, 0.0) for value in row] for row in worth]
    prices = [0.0] * columns
    owners = [-1] * columns
    duals = [0.0] * rows
    for row in range(rows):
        _augment(row, costs, owners, prices, duals)
    found = ((row, column) for column, row in enumerate(owners) if row >= 0)
    return sorted((row, column) for row, column in found if worth[row][column] > 0)


def _augment(start: int, costs: list[list[float]], owners: list[int], prices: list[float], duals: list[float]) -> None:
    """Gives one more row a column, and those on the cheapest way to a free column other ones."""
    columns = range(len(prices))
    cheapest, before, settled = [INFINITE] * len(prices), [-1] * len(prices), [False] * len(prices)
    row, end, reached = start, -1, 0.0
    while row >= 0:
        for column in columns:
            way = reached + costs[row][column] - duals[row] - prices[column]
            if not settled[column] and way < cheapest[column]:
                cheapest[column], before[column] = way, end
        end = min((column for column in columns if not settled[column]), key=cheapest.__getitem__)
        settled[end], reached, row = True, cheapest[end], owners[end]
    duals[start] += reached
    for column in columns:
        if settled[column] and owners[column] >= 0:
            duals[owners[column]] += reached - cheapest[column]
        if settled[column]:
            prices[column] -= reached - cheapest[column]
    while end >= 0:
        previous = before[end]
        owners[end] = start if previous < 0 else owners[previous]
        end = previous
