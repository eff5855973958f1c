"""Images of every kind that a folder may hold, and what Pillow makes of them: `make_images.py` writes them beside itself, with pillow.json.

Pixels of `RGB` and `L` by `convert`; `resized` by torchvision's arithmetic: the shorter side to 8, bilinearly, then the middle.
"""
import json, os
import numpy as np
from PIL import Image
here = os.path.dirname(os.path.abspath(__file__))
y, x = np.mgrid[0:10, 0:13]
colour = np.stack([(x * 19) % 256, (y * 25 + x) % 256, (x * y * 3) % 256], -1).astype(np.uint8)
gray = ((x * 17 + y * 5) % 256).astype(np.uint8)
smooth = np.stack([x * 12 + 40, y * 14 + 60, 200 - x * 6 - y * 4], -1).astype(np.uint8)
edges = smooth.copy(); edges[2:7, 3:9] = [250, 10, 30]; edges[5:, 8:] = [20, 40, 240]
images = {
    'rgb.png': Image.fromarray(colour), 'gray.png': Image.fromarray(gray),
    'rgba.png': Image.fromarray(np.concatenate([colour, gray[..., None]], -1), 'RGBA'),
    'gray-alpha.png': Image.fromarray(np.stack([gray, 255 - gray], -1), 'LA'),
    'palette.png': Image.fromarray(colour).quantize(16), 'two-colours.png': Image.fromarray(colour).quantize(2),
    'bits.png': Image.fromarray(gray > 100), 'baseline.jpg': Image.fromarray(smooth), 'gray.jpg': Image.fromarray(np.asarray(Image.fromarray(smooth).convert('L'))),
    'progressive.jpg': Image.fromarray(smooth),
    'chroma-2x2.jpg': Image.fromarray(edges), 'chroma-2x1.jpg': Image.fromarray(edges), 'colours.jpg': Image.fromarray(edges),
    'cmyk.jpg': Image.fromarray(edges).convert('CMYK'),
}
subsampling = {'chroma-2x2.jpg': 2, 'chroma-2x1.jpg': 1}
found = {}
for name, image in images.items():
    path = os.path.join(here, name)
    image.save(path, **({'quality': 95, 'subsampling': subsampling.get(name, 0), 'progressive': name.startswith('prog'), 'keep_rgb': name == 'colours.jpg'} if name.endswith('jpg') else {}))
    back = Image.open(path); mode = 'L' if back.mode in ('L', 'LA', '1') else 'RGB'
    plain = back.convert(mode)
    w, h = plain.size; size = 8
    to = (size * w // h, size) if h <= w else (size, size * h // w)
    small = plain.resize(to, Image.BILINEAR)
    left, top = round((to[0] - size) / 2), round((to[1] - size) / 2)
    small = small.crop((left, top, left + size, top + size))
    found[name] = dict(width=w, height=h, channels=len(mode), pixels=np.asarray(plain).reshape(-1).tolist(), resized=np.asarray(small).reshape(size * size, -1).T.reshape(-1).tolist())
json.dump(found, open(os.path.join(here, 'pillow.json'), 'w'))
print({name: (v['width'], v['height'], v['channels']) for name, v in found.items()})
