"""Optimisers of PyTorch in float64: parameters after four and after eight steps.

usage: parity_optimizers.py OUT.json
Parameters a [5] and b [7] share a group; c [6] has one of its own with half the rate and a weight decay of 0.1. They begin as
`fill(seed 1, 2, 3)` of parity_fill.py. Where `second` is not empty, c's group has these options, too. At step k, from 0, the gradients are `fill(seed 10 k + 11, + 12, + 13, scale 0.3)`; b has none at
step 1. From step 5 on all rates are a tenth. `SwaLr`: the rates of SWALR, begun at 0.1. `AveragedModel`: a, b and c averaged after
each step of SGD at rate 0.1, the plain average and an exponential one of decay 0.9.
NAdam: PyTorch 1.13 takes a step's momentum twice into the product for the next one; its documentation, and PyTorch since 2.0, do not,
and here it is put right. Decoupled weight decay came after 1.13: it is p.mul_(1 - lr * weight_decay) before a step without. So did
NAdam's and RAdam's maximize: the gradient has its other sign.
"""
import inspect, json, sys
import torch
from torch.optim import nadam, swa_utils
from parity_fill import fill

torch.set_default_dtype(torch.float64)
source = inspect.getsource(nadam._single_tensor_nadam)
exec(source.replace('mu_product * mu * mu_next', 'mu_product * mu_next'), nadam.__dict__)

def numbers(t): return [float('%.9g' % v) for v in t.detach().reshape(-1).tolist()]

shapes = {'a': 5, 'b': 7, 'c': 6}
def parameters(): return {name: torch.nn.Parameter(fill((n,), i + 1)) for i, (name, n) in enumerate(shapes.items())}

def step(optimizer, p, k, decoupled=False, up=1):
    for i, (name, n) in enumerate(shapes.items()):
        p[name].grad = None if name == 'b' and k == 1 else up * fill((n,), 10 * k + 11 + i, 0.3)
    for group in optimizer.param_groups:
        if k == 5: group['lr'] *= 0.1
        if not decoupled: continue
        for q in group['params']:
            if q.grad is not None: q.data.mul_(1 - group['lr'] * group['decay'])
    optimizer.step()

cases = []
def case(optimizer, lr, second={}, **options):
    p = parameters()
    decoupled = options.get('decoupled_weight_decay', False)
    given = {name: value for name, value in options.items() if name != 'decoupled_weight_decay'}
    up = 1
    if optimizer in ('NAdam', 'RAdam') and given.pop('maximize', False): up = -1
    decay = given.pop('weight_decay', 0)
    own = (lambda value: dict(weight_decay=0, decay=value)) if decoupled else (lambda value: dict(weight_decay=value))
    groups = [dict(params=[p['a'], p['b']], **own(decay)), dict(params=[p['c']], lr=lr / 2, **own(0.1), **second)]
    made = getattr(torch.optim, optimizer)(groups, lr=lr, **given)
    after = []
    for k in range(8):
        step(made, p, k, decoupled, up)
        if k in (3, 7): after.append({name: numbers(q) for name, q in p.items()})
    cases.append(dict(optimizer=optimizer, options=dict(lr=lr, **options), second=second, after=after))

case('SGD', 0.1, momentum=0.9, dampening=0.3, weight_decay=0.02)
case('RMSprop', 0.01)
case('RMSprop', 0.02, alpha=0.9, eps=1e-6, weight_decay=0.02, momentum=0.8)
case('RMSprop', 0.01, alpha=0.95, momentum=0.9, centered=True, weight_decay=0.01)
case('Adagrad', 0.05)
case('Adagrad', 0.1, lr_decay=0.2, weight_decay=0.02, initial_accumulator_value=0.3, eps=1e-8)
case('NAdam', 0.02)
case('NAdam', 0.05, betas=[0.8, 0.95], eps=1e-6, weight_decay=0.02, momentum_decay=0.05)
case('NAdam', 0.05, weight_decay=0.02, decoupled_weight_decay=True)
case('RAdam', 0.02)
case('RAdam', 0.05, betas=[0.8, 0.95], eps=1e-6, weight_decay=0.02)
case('RAdam', 0.05, weight_decay=0.02, decoupled_weight_decay=True)
case('Adam', 0.05, betas=[0.8, 0.9], amsgrad=True, weight_decay=0.02)
case('Adam', 0.05, maximize=True, weight_decay=0.02)
case('AdamW', 0.05, betas=[0.8, 0.9], amsgrad=True, maximize=True, weight_decay=0.1)
case('SGD', 0.1, momentum=0.9, nesterov=True, maximize=True, weight_decay=0.02)
case('RMSprop', 0.02, momentum=0.8, maximize=True, weight_decay=0.02)
case('Adagrad', 0.05, maximize=True, weight_decay=0.02)
case('NAdam', 0.05, maximize=True, weight_decay=0.02)
case('RAdam', 0.05, maximize=True, weight_decay=0.02)

# Options of one group: a momentum beside none, none beside one that looks ahead, and every other that PyTorch's groups have.
case('SGD', 0.1, dict(momentum=0.8))
case('SGD', 0.1, dict(momentum=0), momentum=0.9, nesterov=True)
case('SGD', 0.1, dict(momentum=0.5, dampening=0.3, nesterov=False, maximize=True), momentum=0.9, nesterov=True)
case('SGD', 0.1, dict(nesterov=True, dampening=0.2), momentum=0.9)
case('Adam', 0.05, dict(betas=[0.7, 0.9], eps=1e-3, amsgrad=True, maximize=True), weight_decay=0.02)
case('AdamW', 0.05, dict(betas=[0.5, 0.8]), amsgrad=True, weight_decay=0.02)
case('RMSprop', 0.02, dict(momentum=0.7, alpha=0.8, centered=True, eps=1e-4))
case('RMSprop', 0.02, dict(momentum=0, centered=False), momentum=0.9, centered=True)
case('Adagrad', 0.05, dict(lr_decay=0.3, eps=1e-3), weight_decay=0.02)
case('NAdam', 0.05, dict(betas=[0.8, 0.95], momentum_decay=0.05, eps=1e-4))
case('RAdam', 0.05, dict(betas=[0.7, 0.9], eps=1e-4))

averages = {}
for name, rule in dict(plain=None, exponential=lambda average, now, n: 0.9 * average + 0.1 * now).items():
    p = parameters()
    class Holder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            for key, value in p.items(): setattr(self, key, value)
    model = Holder()
    sgd = torch.optim.SGD([dict(params=[p['a'], p['b']]), dict(params=[p['c']])], lr=0.1)
    averaged = swa_utils.AveragedModel(model, avg_fn=rule)
    for k in range(4):
        step(sgd, p, k)
        averaged.update_parameters(model)
    averages[name] = {key: numbers(getattr(averaged.module, key)) for key in shapes}

rates = []
for strategy in ('cos', 'linear'):
    for epochs in (0, 4):
        sgd = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
        schedule = swa_utils.SWALR(sgd, 0.02, anneal_epochs=epochs, anneal_strategy=strategy)
        lrs = []
        for _ in range(7): lrs.append(sgd.param_groups[0]['lr']); sgd.step(); schedule.step()
        rates.append(dict(annealStrategy=strategy, annealSteps=epochs, rates=lrs))

json.dump(dict(torch=torch.__version__, cases=cases, averages=averages, swaLr=rates), open(sys.argv[1], 'w'))
print(len(cases), 'cases')
