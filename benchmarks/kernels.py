"""The matrix kernels alone, against OpenBLAS and the processor's peak, on one thread."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

SHAPES = [
    (128, 784, 400),
    (128, 400, 784),
    (64, 784, 400),
    (128, 400, 40),
    (128, 20, 400),
    (100, 200, 784),
    (20, 784, 200),
    (20, 200, 200),
    (64, 64, 128),
    (64, 2, 128),
    (512, 512, 512),
]


def _time(function, repeats: int) -> float:
    started = time.perf_counter()
    for _ in range(repeats):
        function()
    return (time.perf_counter() - started) / repeats


def measure(rounds: int) -> list[dict[str, object]]:
    """Return GFLOP/s, share of peak and ratio to OpenBLAS for every shape and product."""
    import numpy as np

    from benchmarks.peak import peak_gflops
    from tinyvae.ops import matmul

    rng, rows = np.random.default_rng(0), []
    for n, fan_in, fan_out in SHAPES:
        x, weight, da = (
            rng.standard_normal(shape, dtype=np.float32)
            for shape in ((n, fan_in), (fan_in, fan_out), (n, fan_out))
        )
        bias, h, dx, dw = np.zeros(fan_out, np.float32), da.copy(), x.copy(), weight.copy()
        pairs = {
            "nn": (
                lambda: matmul.forward_rows(x, weight, bias, h, 0, n),  # noqa: B023
                lambda: np.matmul(x, weight, out=h),  # noqa: B023
                lambda: x @ weight,  # noqa: B023
            ),
            "nt": (
                lambda: matmul.backward_input_rows(da, weight, dx, 0, n),  # noqa: B023
                lambda: np.matmul(da, weight.T, out=dx),  # noqa: B023
                lambda: da @ weight.T,  # noqa: B023
            ),
            "tn": (
                lambda: matmul.weight_gradient_rows(x, da, dw, 0, fan_in),  # noqa: B023
                lambda: np.matmul(x.T, da, out=dw),  # noqa: B023
                lambda: x.T @ da,  # noqa: B023
            ),
        }
        flops = 2.0 * n * fan_in * fan_out
        repeats = max(1, int(2e8 / flops))
        for product, (ours, blas, plain) in pairs.items():
            ours()
            np.testing.assert_allclose({"nn": h, "nt": dx, "tn": dw}[product], plain(), atol=1e-2)
            times = [(_time(ours, repeats), _time(blas, repeats)) for _ in range(rounds)]
            peak = peak_gflops(1, 0.05)  # here and now: a shared machine slows down at times
            mine = statistics.median(t for t, _ in times)
            row = {
                "shape": f"{n}x{fan_in}x{fan_out}",
                "product": product,
                "gflops": flops / mine / 1e9,
                "share_of_peak": flops / mine / 1e9 / peak,
                "speed_over_openblas": statistics.median(b / t for t, b in times),
            }
            rows.append(row)
            print(
                f"{row['shape']:>12} {product}  {row['gflops']:6.1f} GFLOP/s  "
                f"{row['share_of_peak']:5.2f} of peak  "
                f"{row['speed_over_openblas']:5.2f} x OpenBLAS",
                flush=True,
            )
    return rows


def table(rows: list[dict[str, object]]) -> str:
    """Return a Markdown table: nn is x @ weight, nt da @ weight.T, tn x.T @ da."""
    lines = ["| batch x fan-in x fan-out | product | GFLOP/s | of peak | speed / OpenBLAS's |"]
    lines.append("| --- |" + " --- |" * 4)
    for row in rows:
        numbers = f"{row['gflops']:.1f} | {row['share_of_peak']:.2f}"
        ratio = f"{row['speed_over_openblas']:.2f}"
        lines.append(f"| {row['shape']} | {row['product']} | {numbers} | {ratio} |")
    return "\n".join(lines)


def main(folder: Path, rounds: int) -> None:
    """Measure in a process of its own, whose libraries use one thread."""
    pools = ("OMP", "OPENBLAS", "MKL", "NUMBA")
    environment = os.environ | {f"{pool}_NUM_THREADS": "1" for pool in pools}
    command = [sys.executable, "-m", "benchmarks.kernels", str(folder), str(rounds)]
    subprocess.run(command, env=environment, check=True)


if __name__ == "__main__":
    target = Path(sys.argv[1])
    found = measure(int(sys.argv[2]))
    target.mkdir(parents=True, exist_ok=True)
    (target / "kernels.json").write_text(json.dumps(found, indent=2))
    (target / "kernels.md").write_text(f"# Matrix kernels\n\n{table(found)}\n")
