"""The numbers of test/parity/README.md: made of a hash of their index, so that none is stored. For the scripts beside it."""
import numpy as np, torch

def uniform(n, seed):
    """n float64 in [0, 1) of 24 bits."""
    i = np.arange(n, dtype=np.uint32)
    with np.errstate(over='ignore'):
        h = (i ^ np.uint32(seed)) * np.uint32(0x9E3779B1)
        h ^= h >> np.uint32(15); h *= np.uint32(0x85EBCA77)
        h ^= h >> np.uint32(13); h *= np.uint32(0xC2B2AE3D)
        h ^= h >> np.uint32(16)
    return (h >> np.uint32(8)).astype(np.float64) / 2**24

def fill(shape, seed, scale=1.0, shift=0.0):
    """A float64 tensor of values rounded once to float32."""
    v = ((uniform(int(np.prod(shape)), seed) - 0.5) * np.float64(2 * scale) + shift).astype(np.float32)
    return torch.from_numpy(v.astype(np.float64)).reshape(tuple(shape))
