"""Tensors: making them, asking them, indexing, joining, computing, sharing memory with NumPy."""

import numpy as np
import torch

data = [[1, 2], [3, 4]]
x_data = torch.tensor(data)
print(x_data, x_data.dtype, x_data.shape)

np_array = np.array(data, dtype=np.float32)
x_np = torch.from_numpy(np_array)
x_ones = torch.ones_like(x_data)
x_float = torch.ones_like(x_data, dtype=torch.float)
print(x_np, x_ones, x_float)

shape = (2, 3)
torch.manual_seed(0)
rand_tensor = torch.rand(shape)
print(rand_tensor.shape, bool((rand_tensor >= 0).all()), bool((rand_tensor < 1).all()))
print(torch.ones(shape), torch.zeros(shape))
print(torch.empty(3, 4).shape, torch.randn(2, 2).dtype, torch.full((2,), 7), torch.eye(2))
print(torch.arange(10), torch.arange(0, 1, 0.25), torch.linspace(0, 1, 5))

tensor = torch.rand(3, 4)
print(f"Shape of tensor: {tensor.shape}")
print(f"Datatype of tensor: {str(tensor.dtype).removeprefix('torch.')}")
print(f"Device tensor is stored on: {tensor.device}")
device = "cuda" if torch.cuda.is_available() else "cpu"
tensor = tensor.to(device)
print(tensor.is_cuda, tensor.ndim, tensor.numel(), tensor.size(), tensor.size(1), tensor.element_size())

tensor = torch.ones(4, 4)
print(f"First row: {tensor[0]}")
print(f"First column: {tensor[:, 0]}")
print(f"Last column: {tensor[..., -1]}")
tensor[:, 1] = 0
print(tensor)

t1 = torch.cat([tensor, tensor, tensor], dim=1)
print(t1.shape, torch.stack([tensor, tensor]).shape)

y1 = tensor @ tensor.T
y2 = tensor.matmul(tensor.T)
y3 = torch.matmul(tensor, tensor.T)
print(torch.equal(y1, y2), torch.allclose(y2, y3))
z1 = tensor * tensor
z2 = tensor.mul(tensor)
print(z1 == z2)

y4 = torch.rand_like(y1)
torch.matmul(tensor, tensor.T, out=y4)
z3 = torch.rand_like(tensor)
torch.mul(tensor, tensor, out=z3)
print(y4, z3)

agg = tensor.sum()
agg_item = agg.item()
print(agg_item, type(agg_item))

print(tensor)
tensor.add_(5)
print(tensor)
t = torch.ones(5)
n = t.numpy()
t.add_(1)
print(t, n)
n = np.ones(5, dtype=np.float32)
t = torch.from_numpy(n)
np.add(n, 1, out=n)
print(t, n)

x = torch.arange(12).reshape(3, 4)
print(x, x.view(2, 6), x.view(-1, 2).shape, x.T, x.permute(1, 0).shape, x.unsqueeze(0).shape, x.squeeze().shape)
print(x[1], x[1, 2], x[:, 1:3], x[x > 5], x[[0, 2]], x[..., ::2])
print(x.sum(), x.sum(dim=0), x.float().mean(dim=1, keepdim=True), x.max(), x.max(dim=1), x.argmax(), x.argmax(dim=0))
values, indices = torch.tensor([3.0, 1.0, 2.0]).sort()
print(values, indices, torch.topk(torch.tensor([3.0, 1.0, 2.0]), 2))
print(torch.where(x > 5, x, torch.zeros_like(x)), x.clamp(2, 8), x.repeat(1, 2).shape, x.expand(2, 3, 4).shape)
print(torch.tensor([1, 2]) + torch.tensor([0.5, 1.5]), torch.tensor(5) / 2, torch.tensor(5) // 2, torch.tensor([1, 2]) ** 2)
a, b = torch.tensor([1.0, 2.0, 3.0]), torch.tensor([4.0, 5.0, 6.0])
print(a.dot(b), torch.outer(a, b), torch.linalg.norm(a), torch.cumsum(a, dim=0), a.prod(), torch.std(a), torch.var(a, unbiased=False))
print(torch.einsum("i,i->", a, b), torch.bmm(torch.ones(2, 3, 4), torch.ones(2, 4, 5)).shape)
print(torch.chunk(torch.arange(6), 3), torch.split(torch.arange(5), 2), torch.flip(a, [0]), torch.roll(a, 1))
print(a.int(), a.long().dtype == torch.int64, a.double().dtype == torch.float64, a.type(torch.float16).dtype == torch.float16)
print(torch.isnan(torch.tensor([1.0, float("nan")])), torch.tensor([True, False]).any(), torch.tensor([[1, 0], [0, 1]]).nonzero())
scatter = torch.zeros(3, 5).scatter_(0, torch.tensor([[0, 1, 2, 0, 0]]), torch.ones(1, 5))
print(scatter, torch.gather(torch.tensor([[1, 2], [3, 4]]), 1, torch.tensor([[0, 0], [1, 0]])))
print(torch.unique(torch.tensor([3, 1, 3, 2])), torch.bincount(torch.tensor([0, 1, 1])), torch.meshgrid(a, b, indexing="ij")[0])
print(torch.is_tensor(a), torch.numel(a), torch.finfo(torch.float32).eps, torch.iinfo(torch.int8).max)
