"""What torchvision.transforms.functional makes of small uint8 tensors: `make_adjustments.py` writes torchvision.json beside itself.

Images [C, 9, 11]: colours, gray, colours of few levels (autocontrast), one colour; of [3, 30, 33], which have pixels enough for equalize. `changes` as adjustImages takes them; the
matrices of `affine` are computed in the test. Hue by way of floats, as transforms.v2 has it: 0.14's own cuts 255 times the result off, which
takes a level from most values that should stay.
"""
import json, math, os
import torch
from torchvision.transforms import functional as F
H, W = 9, 11
y, x = torch.meshgrid(torch.arange(H), torch.arange(W), indexing='ij')
colours = torch.stack([(x * 23 + y * 7) % 256, (y * 28 + x * 3) % 256, (x * y * 5 + 40) % 256]).to(torch.uint8)
images = {
    'colours': colours, 'gray': ((x * 19 + y * 11) % 256)[None].to(torch.uint8),
    'levels': torch.stack([60 + (x + y) % 5 * 9, 100 + x % 2, 200 - y * 3]).to(torch.uint8),
    'one': torch.full((3, H, W), 90, dtype=torch.uint8),
}
row, column = torch.meshgrid(torch.arange(30), torch.arange(33), indexing='ij')
images['many'] = torch.stack([(row * column) // 4, 20 + row * 3, (column > 5) * 77]).to(torch.uint8)
def shear(img, m, down): return F.affine(img, 0.0, [0, 0], 1.0, [0.0, math.degrees(math.atan(m))] if down else [math.degrees(math.atan(m)), 0.0], center=[0, 0])
does = {
    'brightness': F.adjust_brightness, 'contrast': F.adjust_contrast, 'saturation': F.adjust_saturation, 'sharpness': F.adjust_sharpness,
    'hue': lambda img, turn: F.convert_image_dtype(F.adjust_hue(F.convert_image_dtype(img, torch.float64), turn), torch.uint8), 'posterize': F.posterize, 'solarize': F.solarize,
    'autocontrast': lambda img, _: F.autocontrast(img), 'equalize': lambda img, _: F.equalize(img),
    'shearX': lambda img, m: shear(img, m, False), 'shearY': lambda img, m: shear(img, m, True),
    'translateX': lambda img, t: F.affine(img, 0.0, [t, 0], 1.0, [0.0, 0.0]), 'translateY': lambda img, t: F.affine(img, 0.0, [0, t], 1.0, [0.0, 0.0]),
    'rotate': F.rotate,
}
cases = [(n, v) for n, vs in {
    'brightness': [0.0, 0.37, 1.0, 1.9], 'contrast': [0.1, 1.63], 'saturation': [0.1, 1.63], 'sharpness': [0.1, 1.9], 'hue': [-0.5, 0.13, 0.31],
    'posterize': [8, 4, 6], 'solarize': [255.0, 85.0, 127.5], 'autocontrast': [None], 'equalize': [None],
    'shearX': [0.3, -0.13], 'shearY': [0.27, -0.3], 'translateX': [3, -4], 'translateY': [2, -3], 'rotate': [30.0, -11.0],
}.items() for v in vs]
colour = ['brightness', 'contrast', 'saturation', 'hue', 'sharpness', 'solarize', 'autocontrast', 'equalize', 'rotate']
of = {'colours': list(does), 'gray': colour, 'levels': ['contrast', 'hue', 'autocontrast', 'equalize'], 'one': ['contrast', 'hue', 'sharpness', 'autocontrast', 'equalize'], 'many': ['equalize']}
found = [dict(image=i, kind=n, value=v, pixels=does[n](img, v).reshape(-1).tolist()) for i, img in images.items() for n, v in cases if n in of[i]]
stored = {n: dict(shape=list(img.shape), pixels=img.reshape(-1).tolist()) for n, img in images.items()}
place = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'torchvision.json')
json.dump(dict(images=stored, cases=found), open(place, 'w'), separators=(',', ':'))
print(len(found), os.path.getsize(place))
