"""Automatic differentiation: the graph, gradients, switching it off, products with Jacobians, a function of one's own."""

import math

import torch

x = torch.ones(5)
y = torch.zeros(3)
w = torch.arange(15, dtype=torch.float32).reshape(5, 3).div(10).requires_grad_()
b = torch.zeros(3, requires_grad=True)
z = torch.matmul(x, w) + b
loss = torch.nn.functional.binary_cross_entropy_with_logits(z, y)
print(z.grad_fn is not None, loss.requires_grad, w.is_leaf, z.is_leaf)
loss.backward()
print(w.grad, b.grad)

z = torch.matmul(x, w) + b
print(z.requires_grad)
with torch.no_grad():
    z = torch.matmul(x, w) + b
print(z.requires_grad)
z = torch.matmul(x, w) + b
z_det = z.detach()
print(z_det.requires_grad)

inp = torch.eye(4, 5, requires_grad=True)
out = (inp + 1).pow(2).t()
out.backward(torch.ones_like(out), retain_graph=True)
print(f"First call\n{inp.grad}")
out.backward(torch.ones_like(out), retain_graph=True)
print(f"\nSecond call\n{inp.grad}")
inp.grad.zero_()
out.backward(torch.ones_like(out), retain_graph=True)
print(f"\nCall after zeroing gradients\n{inp.grad}")

a = torch.tensor([2.0, 3.0], requires_grad=True)
b = torch.tensor([6.0, 4.0], requires_grad=True)
q = 3 * a**3 - b**2
q.backward(gradient=torch.tensor([1.0, 1.0]))
print(9 * a**2 == a.grad, -2 * b == b.grad)

x = torch.linspace(0, 2 * math.pi, 5, requires_grad=True)
s = torch.sin(x)
s.retain_grad()
out = (2 * s + 1).sum()
out.backward()
print(x.grad, s.grad)

(first,) = torch.autograd.grad((x**4).sum(), x, create_graph=True)
(second,) = torch.autograd.grad(first.sum(), x)
print(first.detach(), second)
jacobian = torch.autograd.functional.jacobian(lambda v: v**2 + v.sum(), torch.tensor([1.0, 2.0]))
hessian = torch.autograd.functional.hessian(lambda v: (v**3).sum(), torch.tensor([1.0, 2.0]))
print(jacobian, hessian)
print(torch.func.grad(torch.sin)(torch.tensor(0.0)), torch.vmap(torch.dot)(torch.ones(2, 3), torch.ones(2, 3)))

try:
    torch.ones(2, requires_grad=True).add_(1)
except RuntimeError:
    print("a leaf that requires grad cannot be changed in place")
try:
    (x * 2).backward()
except RuntimeError:
    print("only a scalar has a gradient by itself")


class LegendrePolynomial3(torch.autograd.Function):
    """(5x³ - 3x) / 2."""

    @staticmethod
    def forward(ctx, input):
        ctx.save_for_backward(input)
        return 0.5 * (5 * input**3 - 3 * input)

    @staticmethod
    def backward(ctx, grad_output):
        (input,) = ctx.saved_tensors
        return grad_output * 1.5 * (5 * input**2 - 1)


device = torch.device("cpu")
dtype = torch.float
x = torch.linspace(-math.pi, math.pi, 200, device=device, dtype=dtype)
y = torch.sin(x)
a = torch.full((), 0.0, device=device, dtype=dtype, requires_grad=True)
b = torch.full((), -1.0, device=device, dtype=dtype, requires_grad=True)
c = torch.full((), 0.0, device=device, dtype=dtype, requires_grad=True)
d = torch.full((), 0.3, device=device, dtype=dtype, requires_grad=True)
learning_rate = 5e-6
for step in range(300):
    p3 = LegendrePolynomial3.apply
    y_pred = a + b * p3(c + d * x)
    loss = (y_pred - y).pow(2).sum()
    if step % 100 == 99:
        print(step, round(loss.item(), 2))
    loss.backward()
    with torch.no_grad():
        for parameter in (a, b, c, d):
            parameter -= learning_rate * parameter.grad
            parameter.grad = None
print(f"y = {a.item():.3f} + {b.item():.3f} * P3({c.item():.3f} + {d.item():.3f} x)")

model = torch.nn.Sequential(torch.nn.Linear(3, 1), torch.nn.Flatten(0, 1))
with torch.no_grad():
    for parameter in model.parameters():
        parameter.fill_(0.1)
powers = x.unsqueeze(-1).pow(torch.tensor([1, 2, 3]))
criterion = torch.nn.MSELoss(reduction="sum")
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
for step in range(300):
    loss = criterion(model(powers), y)
    if step % 100 == 99:
        print(step, round(loss.item(), 2))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
linear_layer = model[0]
print([round(v, 2) for v in linear_layer.weight.flatten().tolist()], round(linear_layer.bias.item(), 2))

dataset = torch.utils.data.TensorDataset(powers, y)
loader = torch.utils.data.DataLoader(dataset, batch_size=64)
print([tuple(batch.shape) for batch, _ in loader])
