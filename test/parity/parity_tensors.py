"""Functions of tensors and losses that are made of other ops: values, first and second gradients in float64.

usage: parity_tensors.py OUT.json [layers]
With `layers` it writes layers.json: what layers compute, by the names of their functions here.

Inputs are `fill(shape, seed i + 1, scale, shift)` of parity_fill.py for the i-th, the cotangent of each output `fill(shape, 20 + output)`,
the direction of the second derivative `fill(shape, 30)`, which is taken for the first input. Runs with any PyTorch.
"""
import json, math, sys
import torch
import torch.nn.functional as F
from parity_fill import fill

def numbers(t): return [int(v) for v in t.reshape(-1).tolist()] if not t.is_floating_point() else [float('%.9g' % v) if math.isfinite(v) else str(v) for v in (torch.zeros(t.shape, dtype=t.dtype) + t.detach()).reshape(-1).tolist()]

cases = []
def case(op, shapes, f, attrs={}, scale=2.0, shift=0.0, zero=False, wanted=None, shifts=None, scales=None, index=()):
    xs = []
    for i, shape in enumerate(shapes):
        x = fill(shape, i + 1, scales[i] if scales else scale, shifts[i] if shifts else shift)
        xs.append((x * 0 if zero else x).requires_grad_())
    whole = [torch.tensor(i) for i in index]
    ys = f(*xs, *whole)
    ys = list(ys) if isinstance(ys, (tuple, list)) else [ys]
    total = sum((y * fill(y.shape if y.dim() else [1], 20 + i).reshape(y.shape)).sum() for i, y in enumerate(ys) if y.is_floating_point())
    asked = xs if wanted is None else [xs[i] for i in wanted]
    grads = torch.autograd.grad(total, asked, create_graph=True, allow_unused=True)
    second = None
    if grads[0].requires_grad:
        second, = torch.autograd.grad((grads[0] * fill(shapes[0], 30)).sum(), asked[:1], allow_unused=True)
    cases.append(dict(op=op, attrs=attrs, inputs=[dict(shape=s, scale=scales[i] if scales else scale, shift=shifts[i] if shifts else shift) for i, s in enumerate(shapes)] + [dict(shape=list(w.shape), index=w.reshape(-1).tolist()) for w in whole],
                      zero=zero, shapes=[list(y.shape) for y in ys], values=[numbers(y) for y in ys], grads=[numbers(g) for g in grads],
                      second=numbers(second) if second is not None and bool(torch.isfinite(second + 0).all()) else None))

def write():
    json.dump(dict(torch=torch.__version__, cases=cases), open(sys.argv[1], 'w'))
    print(len(cases), 'cases')
    sys.exit()

if sys.argv[2:] == ['layers']:
    for op, f in (('mish', F.mish), ('hardsigmoid', lambda x: F.relu6(x + 3) / 6), ('selu', F.selu), ('glu', F.glu)):
        case(op, [[3, 4]], f, scale=4.0)
    case('glu', [[1, 4, 2, 2]], (lambda x: F.glu(x, 1)), {'dim': 1})
    case('prelu', [[2, 3, 2], [3]], F.prelu)
    case('prelu', [[2, 3], [1]], F.prelu)
    for shapes, a in (([[1, 2, 3, 3], [2, 3, 3, 3], [3]], dict(stride=2, padding=1, outputPadding=1)), ([[2, 4, 3, 2], [4, 1, 2, 3], [2]], dict(stride=[2, 1], groups=2)),
                      ([[1, 2, 4, 4], [2, 2, 3, 3], [2]], dict(dilation=2, padding=1))):
        case('convTranspose2d', shapes, (lambda x, w, b, a=a: F.conv_transpose2d(x, w, b, stride=a.get('stride', 1), padding=a.get('padding', 0),
             output_padding=a.get('outputPadding', 0), groups=a.get('groups', 1), dilation=a.get('dilation', 1))), a)
    for a in (dict(scaleFactor=2), dict(size=[5, 2]), dict(size=[5, 2], mode='bilinear'), dict(scaleFactor=2, mode='bilinear', alignCorners=True), dict(scaleFactor=1.5, mode='bilinear', alignCorners=False)):
        case('interpolate', [[1, 2, 3, 4]], (lambda x, a=a: F.interpolate(x, size=a.get('size'), scale_factor=a.get('scaleFactor'), mode=a.get('mode', 'nearest'), align_corners=a.get('alignCorners'))), a)
    case('pixelShuffle', [[1, 8, 2, 3]], (lambda x: F.pixel_shuffle(x, 2)), {'upscaleFactor': 2})
    case('pixelRows', [[2, 3, 2, 4]], (lambda x: x.permute(0, 2, 3, 1).reshape(-1, 3) ** 3))
    case('imagesOfRows', [[16, 3]], (lambda x: (x.reshape(2, 2, 4, 3) ** 3).permute(0, 3, 1, 2)), {'shape': [2, 3, 2, 4]})
    for shape, over in (([3, 4], [4]), ([2, 2, 3], [2, 3])):
        case('rmsNorm', [shape, over], (lambda x, w, d=len(over): x * (x.square().mean(list(range(-d, 0)), keepdim=True) + 1e-3).rsqrt() * w), {'normalizedShape': over, 'eps': 1e-3})
    case('localResponseNorm', [[2, 5, 2, 2]], (lambda x: F.local_response_norm(x, 3, alpha=0.5, beta=0.75, k=2.0)), {'size': 3, 'alpha': 0.5, 'k': 2})
    case('localResponseNorm', [[2, 5, 3]], (lambda x: F.local_response_norm(x, 2, alpha=0.5)), {'size': 2, 'alpha': 0.5})
    for reduction in ('mean', 'sum', 'none'):
        for weighted in (False, True):
            for shape, target in (([4, 5], [0, 4, 2, 1]), ([2, 5, 3], [[0, 2, 4], [1, 1, 2]]), ([2, 5, 2, 2], [[[2, 2], [0, 3]], [[4, 4], [1, 2]]]), ([5], 3), ([1, 5, 1, 2, 2], [[[[0, 1], [2, 3]]]])):
                case('nllLoss', [shape], (lambda x, t, r=reduction, w=weighted: F.nll_loss(x, t, reduction=r, ignore_index=2, weight=fill([5], 9, 1.0, 2.0) if w else None)),
                     {'reduction': reduction, 'ignoreIndex': 2, 'weighted': weighted}, index=[target])
    write()

for shape, dim in (([2, 1, 3, 1], None), ([2, 1, 3, 1], 1), ([2, 1, 3, 1], -1), ([2, 3], 0), ([1], None)):
    case('squeeze', [shape], (lambda x, d=dim: x.squeeze() if d is None else x.squeeze(d)), {} if dim is None else {'dim': dim})
for shape, dim in (([2, 3], 0), ([2, 3], 2), ([2, 3], -1), ([2, 3], -3), ([2, 3, 2, 2], 1)):
    case('unsqueeze', [shape], (lambda x, d=dim: x.unsqueeze(d)), {'dim': dim})
for shape, dims in (([3, 5], [0, 1]), ([2, 3, 4, 5], [1, -1]), ([2, 3, 4], [1, 1])):
    case('transpose', [shape], (lambda x, d=dims: x.transpose(*d)), {'dims': dims})
for n, dim in ((3, 0), (2, 1), (9, -1), (1, 0)):
    case('stack', [[2, 3]] * n, (lambda *xs, d=dim: torch.stack(xs, d)), {'dim': dim})
for sizes, dim in ((2, 0), (3, 1), ([1, 4], 0), ([2, 0, 2], 1)):
    case('split', [[5, 4]], (lambda x, s=sizes, d=dim: x.split(s, d)), {'sizes': sizes, 'dim': dim})
for chunks, dim in ((2, 0), (4, 0), (3, 1), (7, -1)):
    case('chunk', [[5, 4]], (lambda x, c=chunks, d=dim: x.chunk(c, d)), {'chunks': chunks, 'dim': dim})
for p in (1, 2, 1.5, math.inf):
    for dim, keepdim in ((None, False), ([1], True), ([0, 2], False)) if p == 2 else (([1], True),):
        case('norm', [[3, 4, 5]], (lambda x, p=p, d=dim, k=keepdim: torch.linalg.vector_norm(x, p, d, k)),
             {'p': 'inf' if p == math.inf else p, 'dims': dim, 'keepdim': keepdim})
    case('norm', [[3, 4]], (lambda x, p=p: torch.linalg.vector_norm(x, p, [1])), {'p': 'inf' if p == math.inf else p, 'dims': [1], 'keepdim': False}, zero=True)
for scale in (1e25, 1e-25):
    case('norm', [[3, 4]], (lambda x: torch.linalg.vector_norm(x, 2, [1])), {'p': 2, 'dims': [1], 'keepdim': False}, scale=scale)
for correction in (0, 1):
    for dim, keepdim in ((None, False), ([1], True), ([0, 2], False)):
        case('std', [[3, 4, 5]], (lambda x, c=correction, d=dim, k=keepdim: torch.std(x, d, correction=c, keepdim=k) if d else torch.std(x, list(range(3)), correction=c, keepdim=k)),
             {'correction': correction, 'dims': dim, 'keepdim': keepdim}, shift=100.0)
case('std', [[3, 4]], (lambda x: torch.std(x, [1], correction=1)), {'correction': 1, 'dims': [1], 'keepdim': False}, zero=True)
for dim, keepdim in (([0], False), ([1], True), ([0, 1, 2], False)):
    case('logsumexp', [[3, 4, 5]], (lambda x, d=dim, k=keepdim: torch.logsumexp(x, d, k)), {'dims': dim, 'keepdim': keepdim}, scale=30.0)
case('logsumexp', [[3, 4]], (lambda x: torch.logsumexp(x, [1])), {'dims': [1], 'keepdim': False}, shift=1000.0)

for dims in ([0], [1, -1]):
    case('flip', [[2, 3, 4]], (lambda x, d=dims: x.flip(d)), {'dims': dims})
case('flip', [[2, 4, 3, 3]], (lambda x: x.flip([3])), {'dims': [3]})
case('roll', [[2, 3, 4]], (lambda x: x.roll(5)), {'shifts': 5})
case('roll', [[2, 3, 4]], (lambda x: x.roll((1, -2), (1, 2))), {'shifts': [1, -2], 'dim': [1, 2]})
case('slice', [[5, 6, 3]], (lambda x: x[1:5:2, -5::3]), {'ranges': [{'start': 1, 'end': 5, 'step': 2}, {'start': -5, 'step': 3}]})
case('slice', [[5, 6]], (lambda x: x[:, 1:99]), {'ranges': [None, {'start': 1, 'end': 99}]})
for mode in ('reflect', 'replicate', 'circular'):
    case('pad', [[1, 2, 3, 4]], (lambda x, m=mode: F.pad(x, [3, 1, 2, 0], mode=m)), {'pad': [3, 1, 2, 0], 'mode': mode})
case('pad', [[2, 5, 4]], (lambda x: F.pad(x, [-1, 2, 3, -2], value=0.5)), {'pad': [-1, 2, 3, -2], 'value': 0.5})
case('pad', [[1, 2, 4]], (lambda x: F.pad(x, [0, 3], mode='reflect')), {'pad': [0, 3], 'mode': 'reflect'})
for dim, keepdim in ((None, False), ([1], True), ([2], False)):
    case('prod', [[2, 3, 4]], (lambda x, d=dim, k=keepdim: x.prod() if d is None else x.prod(d[0], keepdim=k)), {'dims': dim, 'keepdim': keepdim})
case('prod', [[3, 4]], (lambda x: (x * torch.tensor([[1., 0, 1, 1], [0, 1, 0, 1], [0, 0, 1, 0]])).prod(1)), {'dims': [1], 'keepdim': False, 'zeros': True})
for shape, dim in (([3, 4], 1), ([3, 4], 0), ([2, 5, 3], -2)):
    case('cumsum', [shape], (lambda x, d=dim: x.cumsum(d)), {'dim': dim})
for shape, attrs in (([3, 7], {}), ([5, 2], {'dim': 0, 'descending': True})):
    case('sort', [shape], (lambda x, a=attrs: x.sort(**a)), attrs)
case('topk', [[3, 7]], (lambda x: x.topk(2)), {'k': 2})
case('topk', [[2, 5, 3]], (lambda x: x.topk(3, dim=1, largest=False)), {'k': 3, 'dim': 1, 'largest': False})
case('indexSelect', [[4, 3]], (lambda x, i: x.index_select(0, i)), {'dim': 0}, index=[[3, 0, 3, 1, 3]])
case('indexSelect', [[2, 4, 3]], (lambda x, i: x.index_select(1, i)), {'dim': 1}, index=[[3, 0]])
case('gather', [[3, 4]], (lambda x, i: x.gather(1, i)), {'dim': 1}, index=[[[0, 3, 3], [1, 1, 2]]])
case('gather', [[4, 3]], (lambda x, i: x.gather(0, i)), {'dim': 0}, index=[[[0, 3, 3], [1, 1, 2], [0, 0, 0], [2, 3, 1], [0, 1, 2]]])
case('scatterAdd', [[3, 5], [2, 3]], (lambda x, s, i: x.scatter_add(1, i, s)), {'dim': 1}, index=[[[0, 2, 2], [4, 4, 4]]])
case('scatterAdd', [[3, 4], [5, 4]], (lambda x, s, i: x.scatter_add(0, i, s)), {'dim': 0}, index=[[[0, 2, 2, 1], [2, 2, 0, 1], [1, 1, 1, 1], [0, 0, 2, 0], [0, 1, 2, 0]]])
for a, b in (([2, 3, 4], [2, 4, 5]), ([2, 1, 3, 4], [3, 4, 2]), ([2, 3, 4], [4, 2]), ([4], [2, 4, 3]), ([2, 3, 4], [4]), ([3], [3])):
    case('matmul', [a, b], torch.matmul)
for equation, shapes in (('bij,bjk->bik', [[2, 3, 4], [2, 4, 2]]), ('bhqd,bhkd->bhqk', [[1, 2, 3, 4], [1, 2, 2, 4]]), ('i,j->ij', [[3], [2]]), ('ij->ji', [[2, 3]]),
                         ('ij->', [[2, 3]]), ('nchw,kc->nkhw', [[2, 3, 2, 2], [4, 3]]), ('ij,jk', [[2, 3], [3, 2]]), ('ij,ij->i', [[2, 3], [2, 3]]), ('ab,bc,cd->ad', [[2, 3], [3, 2], [2, 4]]),
                         ('...ij,...jk->...ik', [[2, 1, 3, 4], [3, 4, 2]]), ('...i,i', [[2, 2, 3], [3]]), ('bii->bi', [[2, 3, 3]]), ('...ii->...', [[2, 3, 3]]), ('iij,ij->j', [[3, 3, 2], [1, 2]])):
    case('einsum', shapes, (lambda *xs, e=equation: torch.einsum(e, *xs)), {'equation': equation})

for reduction in ('mean', 'sum', 'none'):
    case('l1Loss', [[4, 5], [4, 5]], (lambda x, t, r=reduction: F.l1_loss(x, t, reduction=r)), {'reduction': reduction})
    for beta in (1.0, 0.3):
        case('smoothL1Loss', [[4, 5], [4, 5]], (lambda x, t, r=reduction, b=beta: F.smooth_l1_loss(x, t, reduction=r, beta=b)), {'reduction': reduction, 'beta': beta})
    for weighted in (False, True):
        case('binaryCrossEntropyWithLogits', [[4, 5], [4, 5]],
             (lambda x, t, r=reduction, w=weighted: F.binary_cross_entropy_with_logits(x, t, reduction=r, pos_weight=fill([5], 9, 1.0, 2.0) if w else None)),
             {'reduction': reduction, 'posWeight': weighted}, scales=[30.0, 0.5], shifts=[0.0, 0.5])
for reduction in ('mean', 'sum', 'none', 'batchmean'):
    for log_target in (False, True):
        case('klDiv', [[4, 5], [4, 5]], (lambda x, t, r=reduction, l=log_target: F.kl_div(x, t, reduction=r, log_target=l)),
             {'reduction': reduction, 'logTarget': log_target}, scales=[2.0, 1.0 if log_target else 0.4], shifts=[-2.0, -1.0 if log_target else 0.5])
case('l1Loss', [[4, 5], [4, 5]], (lambda x, t: F.l1_loss(x, t)), {'reduction': 'mean'}, zero=True)
case('binaryCrossEntropyWithLogits', [[4, 5], [4, 5]], (lambda x, t: F.binary_cross_entropy_with_logits(x, t)), {'reduction': 'mean', 'posWeight': False}, zero=True)
case('klDiv', [[4, 5], [4, 5]], (lambda x, t: F.kl_div(x, t)), {'reduction': 'mean', 'logTarget': False}, zero=True, wanted=[0])
write()
