"""What the wheel must hold, and that it works where nothing else is installed.

Run by the Python of an environment with only the wheel and its dependencies in it, from a folder outside the source
tree: `python -I wheel_check.py WHEEL SOURCE_TREE`. Not collected by pytest: it would find the source tree instead.
"""

import importlib.metadata
import re
import sys
import zipfile
from pathlib import Path

PACKAGES = ("autograd_core", "nn", "optim", "viz")
NEEDED = {"numpy", "graphviz"}


def check_contents(wheel, source):
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
    (info,) = {name.split("/")[0] for name in names if re.fullmatch(r"autograd_core-[^/]+\.dist-info", name.split("/")[0])}
    packed = {name for name in names if not name.startswith(info + "/")}
    expected = {
        path.relative_to(source).as_posix()
        for package in PACKAGES
        for path in (source / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    if packed != expected:
        sys.exit(f"the wheel lacks {sorted(expected - packed)} and should not hold {sorted(packed - expected)}")
    for name in [*(f"{package}/py.typed" for package in PACKAGES), f"{info}/licenses/LICENSE"]:
        if name not in names:
            sys.exit(f"the wheel lacks {name}")
    print(f"{wheel.name}: {len(packed)} files, those of {', '.join(PACKAGES)} and no others")


def check_dependencies():
    canonical = lambda name: re.sub(r"[-_.]+", "-", name).lower()
    needed = {re.match(r"[\w.-]+", line)[0] for line in importlib.metadata.requires("autograd-core") if "extra ==" not in line}
    if needed != NEEDED:
        sys.exit(f"the wheel needs {sorted(needed)}, not {sorted(NEEDED)}")
    strangers = {canonical(found.name) for found in importlib.metadata.distributions()} - NEEDED - {"autograd-core", "pip", "setuptools"}
    if strangers:
        sys.exit(f"{sorted(strangers)} should not be installed here")
    print(f"needs {', '.join(sorted(needed))} and nothing else")


def check_use():
    import autograd_core as ag
    import nn
    import optim
    import viz

    for module in (ag, nn, optim, viz):
        if not Path(module.__file__).is_relative_to(sys.prefix):
            sys.exit(f"{module.__name__} comes from {module.__file__}, not from the wheel")
    ag.manual_seed(0)
    x = ag.randn(64, 2)
    y = x @ ag.tensor([[1.0], [-2.0]]) + 0.5
    model = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    losses = []
    for _ in range(50):
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    if not losses[-1] < losses[0] / 2:
        sys.exit(f"training did not help: the loss went from {losses[0]} to {losses[-1]}")
    print(f"trained: the loss went from {losses[0]:.3f} to {losses[-1]:.3f}")


if __name__ == "__main__":
    check_contents(Path(sys.argv[1]), Path(sys.argv[2]))
    check_dependencies()
    check_use()
