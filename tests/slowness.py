"""How much longer things take than on a machine that does nothing else."""

import os


def slowness():
    """By how many, about, as many share each processor now or did within the last minutes."""
    return max(1.0, max(os.getloadavg()[:2]) / (os.cpu_count() or 1))
