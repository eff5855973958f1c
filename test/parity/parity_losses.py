"""Cross entropy with class weights, ignored rows, class probabilities and label smoothing: values and gradients in float64.

usage: parity_losses.py OUT.json
Logits are `fill(seed 1, scale 6)` of parity_fill.py, weights `fill(seed 2, 0.9, 1)`, probabilities `fill(seed 3, 0.5, 0.5)` (they need
not add up to 1), the cotangent `fill(seed 4)`, the direction of the second derivative `fill(seed 5)`; labels have seed 6. With `ignored`
every third label is `ignore_index`, with "all" every one. Runs with any PyTorch.
"""
import json, math, sys
import numpy as np, torch
import torch.nn.functional as F
from parity_fill import fill, uniform

def numbers(t): return [float('%.9g' % v) if math.isfinite(v) else str(v) for v in t.detach().reshape(-1).tolist()]

cases = []
def case(shape, kind, weighted, smoothing, reduction, ignored='none', ignore_index=-100):
    classes = shape[0] if len(shape) == 1 else shape[1]
    rows = [d for i, d in enumerate(shape) if i != min(1, len(shape) - 1)]
    x = fill(shape, 1, 6.0).requires_grad_()
    weight = fill([classes], 2, 0.9, 1.0) if weighted else None
    if kind == 'probabilities': target = fill(shape, 3, 0.5, 0.5).requires_grad_()
    else:
        labels = np.floor(uniform(math.prod(rows), 6) * classes).astype(np.int64)
        if ignored == 'some': labels[::3] = ignore_index
        if ignored == 'all': labels[:] = ignore_index
        target = torch.from_numpy(labels).reshape(rows)
    y = F.cross_entropy(x, target, weight=weight, ignore_index=ignore_index, reduction=reduction, label_smoothing=smoothing)
    wanted = [x] + ([target] if kind == 'probabilities' else [])
    grads = torch.autograd.grad((y * fill(y.shape, 4)).sum(), wanted, create_graph=True)
    second = torch.autograd.grad((grads[0] * fill(shape, 5)).sum(), [x])[0] if ignored != 'all' else None
    cases.append(dict(shape=shape, kind=kind, weighted=weighted, smoothing=smoothing, reduction=reduction, ignored=ignored, ignoreIndex=ignore_index,
                      y=numbers(y), dx=numbers(grads[0]), dtarget=numbers(grads[1]) if len(grads) > 1 else None, second=numbers(second) if second is not None else None))

for reduction in ('mean', 'sum', 'none'):
    for smoothing in (0.0, 0.1):
        for weighted in (False, True):
            case([7, 5], 'class', weighted, smoothing, reduction)
            case([7, 5], 'class', weighted, smoothing, reduction, 'some')
            case([7, 5], 'probabilities', weighted, smoothing, reduction)
for weighted in (False, True):
    case([8, 40], 'class', weighted, 0.1, 'mean', 'some')
    case([8, 40], 'probabilities', weighted, 0.1, 'mean')
    case([6, 4], 'class', weighted, 0.1, 'mean', 'some', 2)
    case([6, 4], 'class', weighted, 0.1, 'mean', 'all')
    case([2, 3, 2, 3], 'class', weighted, 0.1, 'mean', 'some')
    case([2, 3, 2, 3], 'probabilities', weighted, 0.1, 'none')
    case([5], 'class', weighted, 0.1, 'mean')
    case([5], 'probabilities', weighted, 0.0, 'sum')
json.dump(dict(torch=torch.__version__, cases=cases), open(sys.argv[1], 'w'))
print(len(cases), 'cases')
