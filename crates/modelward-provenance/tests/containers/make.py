"""One small model in every container, written by the libraries themselves: `python make.py OUT`.

torch 2.15, safetensors 0.8, numpy 2.4, onnx 1.23, gguf 0.19. All files but `script.pt` hold tensors of the
same values under the same names, as far as the container has their types.
"""
import os
import sys
from collections import OrderedDict

import gguf
import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file

out = sys.argv[1]
os.makedirs(f"{out}/external", exist_ok=True)
torch.manual_seed(7)

base = torch.arange(24, dtype=torch.float32).reshape(4, 6) * 0.25 - 1
model = OrderedDict()
model["embed.weight"] = base.clone()
model["layer.0.weight"] = torch.randn(3, 5)
model["layer.0.bias"] = torch.randn(3)
model["half"] = torch.randn(2, 8).to(torch.float16)
model["norm.weight"] = torch.randn(5, dtype=torch.float64)
model["steps"] = torch.tensor([1, -2, 3], dtype=torch.int64)
model["codes"] = torch.tensor([[1, -1], [127, -128]], dtype=torch.int8)
model["ids32"] = torch.arange(-4, 4, dtype=torch.int32)
model["short"] = torch.tensor([5, -5], dtype=torch.int16)
model["brain"] = torch.randn(4, 4).to(torch.bfloat16)
model["mask"] = torch.tensor([True, False, True])
model["bytes"] = torch.arange(7, dtype=torch.uint8)
model["scalar"] = torch.tensor(2.5)
model["none"] = torch.zeros(0, 3)

save_file(model, f"{out}/model.safetensors")
torch.save(model, f"{out}/model.bin")
torch.save(model, f"{out}/model.legacy.pt", _use_new_zipfile_serialization=False)

# The same values as views: transposed, a window of a larger one, the head of a longer one.
views = OrderedDict(model)
views["embed.weight"] = base.t().contiguous().t()
large = torch.zeros(9, 7)
large[2:5, 1:6] = model["layer.0.weight"]
views["layer.0.weight"] = large[2:5, 1:6]
views["layer.0.bias"] = torch.cat([model["layer.0.bias"], torch.zeros(2)])[:3]
views["mask"] = torch.nn.Parameter(model["mask"], requires_grad=False)
torch.save(views, f"{out}/model.views.pt")
torch.save(views, f"{out}/model.views.legacy.pt", _use_new_zipfile_serialization=False)

arrays = {name: tensor.numpy() for name, tensor in model.items() if name != "brain"}
np.savez(f"{out}/model.npz", **arrays)
odd = {
    name: np.asfortranarray(array) if array.ndim == 2 else array.astype(array.dtype.newbyteorder(">"))
    for name, array in arrays.items()
}
np.savez_compressed(f"{out}/model.packed.npz", **odd)


def bits(tensor):
    return tensor.view(torch.uint16).numpy().copy()


def graph(initializers):
    node = helper.make_node("Identity", ["embed.weight"], ["y"])
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [4, 6])
    made = helper.make_graph([node], "g", [], [output], initializers)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 18)])


def raw(name, tensor):
    if tensor.dtype == torch.bfloat16:
        return helper.make_tensor(name, TensorProto.BFLOAT16, tensor.shape, bits(tensor).tobytes(), raw=True)
    return numpy_helper.from_array(tensor.numpy(), name)


def typed(name, tensor):
    made = TensorProto(name=name, dims=tensor.shape, data_type=raw(name, tensor).data_type)
    flat = tensor.flatten()
    if tensor.dtype == torch.float32:
        made.float_data.extend(flat.tolist())
    elif tensor.dtype == torch.float64:
        made.double_data.extend(flat.tolist())
    elif tensor.dtype == torch.int64:
        made.int64_data.extend(flat.tolist())
    elif tensor.dtype in (torch.float16, torch.bfloat16):
        made.int32_data.extend(bits(flat).astype(np.int32).tolist())
    else:
        made.int32_data.extend(flat.to(torch.int32).tolist())
    return made


onnx.save(graph([raw(*item) for item in model.items()]), f"{out}/model.onnx")
onnx.save(graph([typed(*item) for item in model.items()]), f"{out}/model.typed.onnx")
onnx.save_model(
    graph([raw(*item) for item in model.items()]),
    f"{out}/external/model.onnx",
    save_as_external_data=True,
    location="weights.data",
    size_threshold=0,
)

# ggml has no truths, no unsigned numbers, no tensors without elements.
for path, order in [("model.gguf", gguf.GGUFEndian.LITTLE), ("model.big.gguf", gguf.GGUFEndian.BIG)]:
    writer = gguf.GGUFWriter(f"{out}/{path}", "test", endianess=order)
    for name, tensor in model.items():
        if tensor.dtype in (torch.bool, torch.uint8) or tensor.numel() == 0 or tensor.ndim == 0:
            continue
        if tensor.dtype == torch.bfloat16:
            kind = gguf.GGMLQuantizationType.BF16
            writer.add_tensor(name, bits(tensor), raw_shape=list(tensor.shape), raw_dtype=kind)
        else:
            writer.add_tensor(name, tensor.numpy().copy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(4, 6, _weight=base.clone())
        self.layer = torch.nn.Sequential(torch.nn.Linear(5, 3))
        self.layer[0].weight.data = model["layer.0.weight"]
        self.layer[0].bias.data = model["layer.0.bias"]

    def forward(self, x):
        return self.layer(x) + self.embed.weight.sum()


torch.jit.script(Net()).save(f"{out}/script.pt")
